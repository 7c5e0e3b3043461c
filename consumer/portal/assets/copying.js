// Buttons that copy a text of the page. In a frame that may not use the clipboard the text is selected instead.
function put(how, ...what) {
  const notices = document.querySelector('[role="status"].notices');
  if (!notices) return;
  const line = document.createElement("p");
  line.className = how;
  line.append(...what);
  notices.replaceChildren(line);
}

export function say(...what) {
  put("notice", ...what);
}

// To be heard and not seen: what is seen is on a button, and nothing moves under whoever reads.
export function hear(text) {
  put("sr", text);
}

async function copied(text, button) {
  const label = button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = `${label} ✓`;
    hear(`✓ ${label}`);
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
    if (button.dataset.copyUrl) copied(button.dataset.copyUrl, button);
  });
}
