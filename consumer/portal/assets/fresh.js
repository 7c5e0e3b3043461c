// Parts of a page that change by themselves are loaded again while one of them says so. The server draws them, here too.
import { showTimes } from "./times.js";

const EVERY_MS = 2000;
const BACKGROUND_MS = 10000;
const MOST_MS = 60000;

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

// How long until the next look: longer where nobody looks, and after each failure.
export function pause(failures) {
  return Math.min(MOST_MS, (document.hidden ? BACKGROUND_MS : EVERY_MS) * 2 ** failures);
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
  let failures = 0;
  const moves = () => document.querySelector('[data-fresh="1"]');
  async function look() {
    try {
      const other = await documentAt(location.href);
      for (const part of document.querySelectorAll("[data-fresh]")) {
        const there = other.getElementById(part.id);
        if (there) replace(part, there);
      }
      showTimes();
      failures = 0;
    } catch {
      failures += 1;
    }
    if (moves() && failures < 6) setTimeout(look, pause(failures));
  }
  if (moves()) setTimeout(look, pause(0));
}
