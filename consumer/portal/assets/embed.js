// In a frame: tells the page around it how high this one is, and when it has ended. Only the origins that may frame it hear that.
const MOST_MS = 2 ** 31 - 1;

function tell(message) {
  for (const origin of (document.body.dataset.embed || "").split(" ").filter(Boolean)) parent.postMessage(message, origin);
}

export function embedded() {
  if (parent === window) return;
  document.documentElement.classList.add("framed");
  const tellHeight = () => tell({ type: "hookline:height", px: Math.ceil(document.body.getBoundingClientRect().height) });
  new ResizeObserver(tellHeight).observe(document.body);
  const tellEnd = () => tell({ type: "hookline:expired" });
  if ("ended" in document.body.dataset) tellEnd();
  const left = Number(document.body.dataset.ends || 0);
  if (left) setTimeout(tellEnd, Math.min((left + 1) * 1000, MOST_MS));
}
