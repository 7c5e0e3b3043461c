// Buttons that copy a text of the page. In a frame that may not use the clipboard the text is selected instead.
// It is heard and not seen: what is seen is on the button, and nothing moves under whoever reads.
export function say(text) {
  const notices = document.querySelector('[role="status"].notices');
  if (!notices) return;
  const line = document.createElement("p");
  line.className = "sr";
  line.textContent = text;
  notices.replaceChildren(line);
}

async function copied(text, button) {
  const label = button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = `${label} ✓`;
    say(`✓ ${label}`);
  } catch {
    button.textContent = `${label} ✗`;
  }
  setTimeout(() => { button.textContent = label; }, 2000);
}

export function copying() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.copy) {
      const source = document.getElementById(button.dataset.copy);
      copied("value" in source ? source.value : source.textContent, button);
    }
    if ("copyUrl" in button.dataset) copied(location.href, button);
  });
}
