// Forms: pressed once, found quickly, shown once.
export function forms() {
  for (const form of document.querySelectorAll("form[data-guarded]")) {
    form.addEventListener("submit", () => setTimeout(() => {
      for (const each of form.querySelectorAll("button")) each.disabled = true;
    }));
  }
  addEventListener("pageshow", () => {
    for (const each of document.querySelectorAll("form[data-guarded] button")) each.disabled = false;
  });

  // On a phone what narrows a list further is folded, unless it does.
  const narrow = document.querySelector("[data-narrow]");
  if (narrow && innerWidth <= 640) narrow.open = false;

  const find = document.querySelector("[data-find-types]");
  find?.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const each of document.querySelectorAll(".types > label")) {
      each.hidden = !each.textContent.toLowerCase().includes(wanted);
    }
  });
  find?.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  for (const each of document.querySelectorAll(".types input, #others")) {
    each.addEventListener("input", () => { document.querySelector("[data-every]").checked = false; });
  }

  // Another type brings its sample, unless the text is the reader's own.
  const type = document.querySelector("[data-samples]");
  const data = document.getElementById("data");
  if (type && data) {
    const samples = new Map([...document.querySelectorAll("[data-sample]")].map((each) => [each.value, each.dataset.sample]));
    type.addEventListener("input", () => {
      const sample = samples.get(type.value);
      if (sample && [...samples.values(), ""].includes(data.value.trim())) data.value = sample;
    });
  }

  // A secret is in one answer only: going back or loading again asks for the page without it.
  const once = document.querySelector("[data-once]");
  if (once) {
    history.replaceState(null, "", once.dataset.once);
    addEventListener("pagehide", () => { for (const each of once.querySelectorAll("input[readonly]")) each.value = ""; });
  }
}
