// The end of a session: said two minutes before, and shown when it comes. In a frame the page around it hears of that, and
// how high this one is; only the origins that may frame it do.
import { say } from "./copying.js";

const MOST_MS = 2 ** 31 - 1;
const NOTICE_S = 120;
const after = (seconds, what) => { if (seconds * 1000 < MOST_MS) setTimeout(what, Math.max(0, seconds) * 1000); };

function tell(message) {
  for (const origin of (document.body.dataset.embed || "").split(" ").filter(Boolean)) parent.postMessage(message, origin);
}

export function ending() {
  const left = Number(document.body.dataset.ends || 0);
  if (!left) return;
  after(left - NOTICE_S, () => say(document.getElementById("said").dataset.ending));
  after(left + 1, () => location.replace(location.pathname));  // answered by the page that says so
}

export function embedded() {
  if (parent === window) return;
  document.documentElement.classList.add("framed");
  const tellHeight = () => tell({ type: "hookline:height", px: Math.ceil(document.body.getBoundingClientRect().height) });
  new ResizeObserver(tellHeight).observe(document.body);
  if ("ended" in document.body.dataset) tell({ type: "hookline:expired" });
}
