// A part of a page that changes by itself is loaded again while it says so. The server draws it, here too, and as a whole:
// what stands together was true at one moment.
import { showTimes } from "./times.js";

const EVERY_MS = 2000;
const BACKGROUND_MS = 10000;
const MOST_MS = 60000;
const BUSY_MS = 300;

// The page there, as a document. Nothing in it runs.
export function documentAt(url) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onload = () => (request.status === 200 && request.response ? done(request.response) : failed(new Error(request.status)));
    request.onerror = () => failed(new Error("away"));
    request.send();
  });
}

// Says of parts that they are being loaded, once that lasts. What they show stays.
export async function busy(parts, work) {
  const timer = setTimeout(() => parts.forEach((each) => each.setAttribute("aria-busy", "true")), BUSY_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    parts.forEach((each) => each.removeAttribute("aria-busy"));
  }
}

// Looks again and again while `goes` says so of the failures in a row: less often where nobody looks, and after a failure.
export function looking(look, goes) {
  let failures = 0;
  let timer = 0;
  const stop = () => clearTimeout(timer);
  function later() {
    stop();
    timer = setTimeout(now, Math.min(MOST_MS, (document.hidden ? BACKGROUND_MS : EVERY_MS) * 2 ** failures));
  }
  async function now() {
    try {
      await look();
      failures = 0;
    } catch {
      failures += 1;
    }
    if (goes(failures)) later();
  }
  return { now, later, stop };
}

export function adopted(node) {
  const own = document.importNode(node, true);
  for (const each of own.querySelectorAll("[data-scripted]")) each.hidden = false;
  for (const each of own.querySelectorAll("[data-unscripted]")) each.hidden = true;
  return own;
}

function replace(part, other) {
  if (part.textContent === other.textContent && part.dataset.fresh === other.dataset.fresh) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.textContent : null;
  const own = adopted(other);
  part.replaceWith(own);
  if (focused === null) return;
  const all = [...own.querySelectorAll("a, button")];
  (all.find((each) => each.textContent === focused) ?? all[0] ?? document.getElementById("main")).focus();
}

export function fresh() {
  const moves = () => document.querySelector('[data-fresh="1"]');
  async function look() {
    const parts = [...document.querySelectorAll("[data-fresh]")];
    const other = await busy(parts, documentAt(location.href));
    for (const part of parts) {
      const there = other.getElementById(part.id);
      if (there) replace(part, there);
    }
    showTimes();
  }
  if (moves()) looking(look, (failures) => moves() && failures < 6).later();
}
