// The week: hours that are not needed are folded away, and one day's are copied to the weekdays.
for (const form of document.querySelectorAll("[data-week]")) {
  const days = [...form.querySelectorAll("[data-day]")];
  const closed = (day) => day.querySelector("[role=switch]");
  const intervals = (day) => [...day.querySelectorAll(".interval")];
  const inputs = (node) => [...node.querySelectorAll("input[type=time]")];
  const isFilled = (interval) => inputs(interval).some((input) => input.value);
  const show = (day) => {
    const isClosed = closed(day).checked;
    day.querySelector(".times").hidden = isClosed;
    intervals(day).forEach((one, at) => (one.hidden = at > 0 && !isFilled(one) && !one.dataset.open));
    const more = day.querySelector("[data-more]");
    if (more) more.hidden = isClosed || !intervals(day).some((one) => one.hidden);
  };
  const copy = (from, to) => {
    closed(to).checked = closed(from).checked;
    const values = inputs(from).map((input) => input.value);
    inputs(to).forEach((input, at) => (input.value = values[at] ?? ""));
    show(to);
  };
  for (const day of days) {
    for (const node of day.querySelectorAll(".spare, .folded"))
      node.classList.remove("spare", "folded");
    show(day);
    closed(day).addEventListener("change", () => show(day));
    day.querySelector("[data-more]")?.addEventListener("click", () => {
      const next = intervals(day).find((one) => one.hidden);
      next.dataset.open = "1";
      show(day);
      inputs(next)[0].focus();
    });
    const button = day.querySelector("[data-copy-week]");
    if (!button) continue;
    button.addEventListener("click", () => {
      for (const other of days.slice(0, 5)) if (other !== day) copy(day, other);
      form.dispatchEvent(new Event("input"));
    });
  }
}
