// Times. How far away one is stays true while the page is open; by the server's clock, whatever the reader's says.
// Exact times, in the reader's own zone or in UTC as the server wrote them. What is copied stays UTC: see `datetime`.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const UNITS = [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"]];
const EVERY_MS = 5000;
const began = Date.now();

let chosen;

// As `times.py: span` tells it roughly.
function span(ms) {
  const at = UNITS.findIndex(([unit]) => ms >= unit);
  if (at < 0) return `0 ${UNITS.at(-1)[1]}`;
  const [[unit, name], smaller] = [UNITS[at], UNITS[at + 1]];
  const count = Math.floor(ms / unit);
  const rest = smaller && count < 2 ? Math.floor((ms % unit) / smaller[0]) : 0;
  return `${count} ${name}${rest ? ` ${rest} ${smaller[1]}` : ""}`;
}

function put(each, text) {
  if (each.textContent !== text) each.textContent = text;
}

function showSpans() {
  if (!document.body.dataset.now) return;
  const words = document.getElementById("said").dataset;
  const then = Number(document.body.dataset.now);
  const far = (iso) => then + Date.now() - began - Date.parse(iso);
  for (const each of document.querySelectorAll("[data-span]")) {
    const ms = far(each.dataset.span);
    const ahead = Date.parse(each.dataset.span) > then;
    put(each, span(Math.max(0, ahead ? -ms : ms)));
  }
  for (const each of document.querySelectorAll("[data-away]")) {
    const ms = far(each.dataset.away);
    put(each, (ms < 0 ? words.in : words.ago).replace("#", span(Math.abs(ms))));
  }
}

setInterval(showSpans, EVERY_MS);

// `choice`: local or utc; without one, as before.
export function showTimes(choice = chosen) {
  chosen = choice;
  for (const each of document.querySelectorAll("time[datetime]")) {
    each.dataset.utc ??= each.textContent;
    each.textContent = chosen === "utc" ? each.dataset.utc : local.format(new Date(each.dateTime));
    each.title = chosen === "utc" ? "" : each.dataset.utc;
  }
  showSpans();
}
