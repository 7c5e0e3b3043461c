// Exact times, in the reader's own zone or in UTC as the server wrote them. What is copied stays UTC: see `datetime`.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function showTimes(choice) {
  for (const each of document.querySelectorAll("time[datetime]")) {
    each.dataset.utc ??= each.textContent;
    each.textContent = choice === "utc" ? each.dataset.utc : local.format(new Date(each.dateTime));
    each.title = choice === "utc" ? "" : each.dataset.utc;
  }
}
