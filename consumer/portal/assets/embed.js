// In a frame: tells the page around it how high this one is, and when it has ended. Only the origins that may frame it hear that.
function tell(message) {
  if (parent === window) return;
  for (const origin of (document.body.dataset.embed || "").split(" ").filter(Boolean)) parent.postMessage(message, origin);
}

export function embedded() {
  const tellHeight = () => tell({ type: "hookline:height", px: document.documentElement.scrollHeight });
  if (parent !== window) new ResizeObserver(tellHeight).observe(document.body);
  if ("ended" in document.body.dataset) tell({ type: "hookline:expired" });
  const left = Number(document.body.dataset.ends || 0);
  if (left) setTimeout(() => tell({ type: "hookline:expired" }), Math.min(left * 1000, 2 ** 31 - 1));
}
