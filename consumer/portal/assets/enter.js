// A link's text stands behind #, where no server sees it. It is taken out of the address, and sent.
export function entering() {
  if (!("enter" in document.body.dataset)) return;
  const form = document.querySelector("form");
  const link = form.elements.link;
  if (location.hash.length > 1) link.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (link.value) form.submit();
}
