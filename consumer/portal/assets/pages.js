// What every page does beyond HTML. Whatever is here only makes quicker what works without it.
import { showTimes } from "./times.js";
import { copying, say } from "./copying.js";
import { shortcuts } from "./keys.js";
import { forms } from "./forms.js";
import { entering } from "./enter.js";
import { embedded, ending } from "./embed.js";
import { fresh } from "./fresh.js";
import { live } from "./live.js";
import { previewing } from "./preview.js";
import { typed } from "./typed.js";

for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
for (const each of document.querySelectorAll("[data-unscripted]")) each.hidden = true;

entering();
showTimes(document.body.dataset.times);
copying();
shortcuts();
forms();
typed(say);
ending();
embedded();
fresh();
live();
previewing();

const look = document.querySelector("form.look");
look?.addEventListener("change", (event) => {
  if (event.target.name === "theme") document.documentElement.dataset.theme = event.target.value;
  if (event.target.name === "times") showTimes(event.target.value);
  fetch(look.action, { method: "POST", body: new URLSearchParams(new FormData(look)), redirect: "manual" }).catch(() => {});
});
