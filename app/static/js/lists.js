// Lists: the whole row opens the record with the mouse, "/" goes to the search, and rows that are
// picked are counted in the buttons of the bar below.
{
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-href]");
    if (
      !row ||
      event.target.closest("a, button, input, label, select, summary") ||
      String(getSelection())
    )
      return;
    if (event.ctrlKey || event.metaKey) open(row.dataset.href, "_blank", "noopener");
    else location.assign(row.dataset.href);
  });
  document.addEventListener("keydown", (event) => {
    if (
      event.key !== "/" ||
      event.ctrlKey ||
      event.metaKey ||
      event.target.closest("input, textarea, select, dialog")
    )
      return;
    const search = document.getElementById("q") || document.getElementById("find-all");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
  for (const form of document.querySelectorAll("form[data-bulk]")) {
    const bar = form.querySelector(".bulk");
    const all = form.querySelector("[data-pick-all]");
    const picks = [...form.querySelectorAll(".pick:not([data-pick-all])")];
    const count = () => {
      const chosen = picks.filter((pick) => pick.checked).length;
      bar.hidden = chosen === 0;
      bar.querySelector("[data-count]").textContent = chosen;
      const noun = chosen === 1 ? bar.dataset.one : bar.dataset.many;
      for (const button of bar.querySelectorAll("[data-verb]")) {
        button.textContent = `${button.dataset.verb}: ${chosen} ${noun}`;
        if (button.dataset.sure) button.dataset.confirm = button.textContent;
      }
      if (all) {
        all.checked = chosen === picks.length;
        all.indeterminate = chosen > 0 && chosen < picks.length;
      }
    };
    form.addEventListener("change", (event) => {
      if (event.target === all) for (const pick of picks) pick.checked = all.checked;
      count();
    });
    count();
  }
}
