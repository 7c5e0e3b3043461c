// A form that shows what would be sent while it is filled in, and tells at its field what cannot be. Nothing is made of it:
// its draft is sent, as its button does without script.
import { adopted, busy } from "./fresh.js";
import { hear } from "./copying.js";
import { showTimes } from "./times.js";

const WAIT_MS = 250;

function drafted(form) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "document";
    request.onload = () => (request.response?.getElementById("previewed") ? done(request.response) : failed(new Error(request.status)));
    request.onerror = () => failed(new Error("away"));
    const fields = new URLSearchParams(new FormData(form));
    fields.set("draft", "1");
    request.send(fields);
  });
}

// What is wrong with a field stands below it. Of what was not filled in yet nothing is said.
function told(field, other) {
  const message = other.querySelector(".mistake");
  const before = field.querySelector(".mistake");
  if (message?.textContent === before?.textContent) return;
  before?.remove();
  if (message) {
    field.append(adopted(message));
    hear(message.textContent);
  }
  const inputs = other.querySelectorAll("input, select, textarea");
  field.querySelectorAll("input, select, textarea").forEach((each, number) => {
    for (const name of ["aria-invalid", "aria-describedby"]) {
      const value = inputs[number]?.getAttribute(name);
      if (value) each.setAttribute(name, value); else each.removeAttribute(name);
    }
  });
}

export function previewing() {
  const form = document.querySelector("form[data-previewed]");
  if (!form) return;
  let timer = 0;
  let asked = 0;

  async function look() {
    const mine = ++asked;
    const part = document.getElementById("previewed");
    try {
      const other = await busy([part], drafted(form));
      if (mine !== asked) return;
      part.replaceWith(adopted(other.getElementById("previewed")));
      for (const field of form.querySelectorAll(".field")) {
        const id = field.querySelector("input, select, textarea")?.id;
        const there = id && other.getElementById(id)?.closest(".field");
        if (there) told(field, there);
      }
      showTimes();
    } catch { /* what was shown stays; the form itself tells why */ }
  }

  form.addEventListener("change", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
}
