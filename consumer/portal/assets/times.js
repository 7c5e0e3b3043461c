// Exact times, in the reader's own zone or in UTC as the server wrote them. What is copied stays UTC: see `datetime`.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

let chosen;

// `choice`: local or utc; without one, as before.
export function showTimes(choice = chosen) {
  chosen = choice;
  for (const each of document.querySelectorAll("time[datetime]")) {
    each.dataset.utc ??= each.textContent;
    each.textContent = chosen === "utc" ? each.dataset.utc : local.format(new Date(each.dateTime));
    each.title = chosen === "utc" ? "" : each.dataset.utc;
  }
}
