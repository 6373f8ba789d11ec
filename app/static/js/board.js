// The lead board: a card moves when its menu is changed, or when it is dropped on another column.
{
  const move = (card, status) => {
    const form = card.querySelector("[data-move]");
    form.elements.status.value = status;
    form.requestSubmit();
  };
  let dragged = null;
  const columnOf = (event) => event.target.closest(".board > section");

  for (const form of document.querySelectorAll("[data-move]")) {
    // By keyboard a menu changes with every arrow: there it waits for Enter or for being left.
    const was = form.elements.status.value;
    let byKeys = false;
    const send = () => form.elements.status.value !== was && form.requestSubmit();
    form.classList.add("by-change");
    form.addEventListener("keydown", (event) => {
      byKeys = true;
      form.classList.remove("by-change");
      if (event.key === "Enter" && event.target === form.elements.status) send();
    });
    form.addEventListener("pointerdown", () => (byKeys = false));
    form.addEventListener("change", () => byKeys || send());
  }
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-lead]");
    if (!dragged) return;
    dragged.classList.add("away");
    event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    if (!dragged || !columnOf(event)) return;
    event.preventDefault();
    for (const column of document.querySelectorAll(".board > section"))
      column.classList.toggle("over", column === columnOf(event));
  });
  document.addEventListener("drop", (event) => {
    const column = columnOf(event);
    if (!dragged || !column) return;
    event.preventDefault();
    if (!column.contains(dragged)) move(dragged, column.dataset.status);
  });
  document.addEventListener("dragend", () => {
    dragged?.classList.remove("away");
    dragged = null;
    for (const column of document.querySelectorAll(".over")) column.classList.remove("over");
  });
}
