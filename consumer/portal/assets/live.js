// The log's live tail. What is newer waits behind a button: nothing moves under whoever reads.
import { adopted, busy, documentAt, looking } from "./fresh.js";
import { hear } from "./copying.js";
import { showTimes } from "./times.js";

const ROWS_MOST = 200;
const SAID_EVERY_MS = 10000;

export function live() {
  const bar = document.querySelector("[data-live]");
  if (!bar) return;
  const [toggle, button] = bar.querySelectorAll("button");
  let after = bar.dataset.live;
  let rows = [];
  let said = 0;

  const words = () => button.dataset.words.replace("{n}", rows.length.toLocaleString(document.documentElement.lang));

  function tell() {
    button.hidden = !rows.length;
    button.textContent = words();
    if (!rows.length || Date.now() - said < SAID_EVERY_MS) return;
    said = Date.now();
    hear(words());
  }

  function tailed(other) {
    const key = (row) => row.dataset.row ?? row.querySelector("a.row").href;
    const found = [...other.querySelectorAll("tbody tr")];
    const keys = new Set(found.map(key));
    rows = [...found, ...rows.filter((row) => !keys.has(key(row)))].slice(0, ROWS_MOST);
    const stand = document.getElementById("stand");
    const told = other.getElementById("stand");
    if (stand && told) stand.replaceChildren(...adopted(told).childNodes);
    after = other.body.dataset.after;
    showTimes();
    tell();
  }

  async function look() {
    const other = await busy([...document.querySelectorAll("#stand")], documentAt(after));
    if (!other.body.dataset.after) throw new Error("no log");
    tailed(other);
  }

  const isOn = () => toggle.getAttribute("aria-checked") === "true";
  const tail = looking(look, isOn);

  toggle.addEventListener("click", () => {
    toggle.setAttribute("aria-checked", String(!isOn()));
    tail.stop();
    if (isOn()) tail.now();
  });

  button.addEventListener("click", () => {
    const body = document.querySelector("#rows tbody");
    if (!body) {
      location.reload();
      return;
    }
    const taken = rows.map(adopted);
    for (const row of taken) {
      if (row.dataset.row) body.querySelector(`[data-row="${CSS.escape(row.dataset.row)}"]`)?.remove();
    }
    body.prepend(...taken);
    while (body.children.length > ROWS_MOST) body.lastElementChild.remove();
    rows = [];
    showTimes();
    tell();
    taken[0]?.querySelector("a.row")?.focus();
  });
}
