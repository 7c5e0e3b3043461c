// What was typed outlives its session: it stays in this tab, and is put back in the next session of the same user.
// Secrets are not kept, and neither is what another user typed. A browser that denies storage to frames still lets each
// have a name, which outlives the page in it.
const KEY = "typed";
const NAMED = "typed:";
const NEVER = new Set(["token", "once", "secret", "header_value", "revision"]);
const forms = () => document.querySelectorAll("form[method=post][data-guarded]");

function storage() {
  try { return sessionStorage; } catch { return null; }
}

function kept() {
  const text = storage() ? storage().getItem(KEY) : name.startsWith(NAMED) && name.slice(NAMED.length);
  try { return JSON.parse(text || null); } catch { return null; }
}

function keep(entry) {
  const text = entry ? JSON.stringify(entry) : "";
  if (storage()) {
    try { storage().setItem(KEY, text); } catch { /* full */ }
  } else if (parent !== window) name = text && NAMED + text;
}

function putBack(form, fields) {
  for (const each of form.elements) {
    if (!each.name || each.type === "hidden" || NEVER.has(each.name)) continue;
    const values = fields.filter(([name]) => name === each.name).map(([, value]) => value);
    if (each.type === "checkbox" || each.type === "radio") each.checked = values.includes(each.value);
    else if (values.length) each.value = values[0];
  }
}

export function typed(say) {
  const { session, whose, here } = document.body.dataset;
  if (!session) return;
  const words = document.getElementById("said").dataset;
  const before = kept();
  const renewed = before && before.whose === whose && before.session !== session;
  const form = renewed && before.here === here && [...forms()].find((each) => each.action.endsWith(`/${before.to}`));
  if (form) {
    putBack(form, before.fields);
    keep({ ...before, session });
    say(words.typed);
  } else if (renewed) {
    const link = document.createElement("a");
    link.href = `${location.pathname.split("/").slice(0, 4).join("/")}/${before.here}`;
    link.textContent = words.goOn;
    say(words.writing, link);
  } else if (before?.here !== here) keep(null);
  for (const each of forms()) {
    each.addEventListener("input", () => {
      const fields = [...new FormData(each)].filter(([name, value]) => !NEVER.has(name) && typeof value === "string");
      keep({ session, whose, here, to: new URL(each.action).pathname.split("/").slice(4).join("/"), fields });
    });
  }
}
