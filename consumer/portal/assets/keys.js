// Shortcuts, while focus is on the page or in a table. They can be switched off, for this browser.
const OFF = "shortcuts-off";
const off = () => { try { return localStorage.getItem(OFF) === "1"; } catch { return false; } };

function rows() { return [...document.querySelectorAll("main a.row")]; }

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((each) => each.closest("tr, li") === document.activeElement?.closest("tr, li"));
  all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))].focus();
}

export function shortcuts() {
  const dialog = document.querySelector("dialog.keys");
  if (!dialog) return;
  const toggle = dialog.querySelector("[data-keys-off]");
  toggle.checked = off();
  toggle.addEventListener("change", () => { try { localStorage.setItem(OFF, toggle.checked ? "1" : "0"); } catch { /* not kept */ } });
  document.querySelector("[data-keys]")?.addEventListener("click", () => dialog.showModal());
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (off() || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const at = document.activeElement;
    if (at && at !== document.body && at.id !== "main" && !at.closest("table, ol.line")) return;
    const pair = before + event.key;
    before = event.key === "g" ? "g" : "";
    const tabs = document.querySelectorAll(".tabs a");
    if (pair === "gw") tabs[0].click();
    else if (pair === "gl") tabs[1].click();
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "?") dialog.showModal();
    else if (event.key === "/") {
      const box = document.querySelector("[data-find]");
      if (!box) return;
      box.focus();
      event.preventDefault();
    }
  });
}
