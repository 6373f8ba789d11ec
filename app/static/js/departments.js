// The order of departments: by the arrows, or by dragging a line at its handle. The server says
// what the order is then; the keys on the telephone follow.
for (const body of document.querySelectorAll("[data-order]")) {
  const KEYS = 9;
  const said = document.querySelector("[data-order-said]");
  const rows = () => [...body.rows];
  let dragged = null;

  const number = () =>
    rows().forEach((row, at) => {
      row.querySelector("[data-key]").textContent = at < KEYS ? at + 1 : "–";
      const [up, down] = row.querySelectorAll("[data-move] button");
      up.toggleAttribute("aria-disabled", at === 0);
      down.toggleAttribute("aria-disabled", at === rows().length - 1);
      for (const button of [up, down])
        if (button.hasAttribute("aria-disabled")) button.setAttribute("aria-disabled", "true");
    });
  const arrange = (order) => {
    const focused = document.activeElement;
    for (const id of order) {
      const row = rows().find((one) => one.dataset.place === String(id));
      if (row) body.append(row);
    }
    number();
    if (body.contains(focused)) focused.focus();
  };
  const send = async (form, changes) => {
    const data = new FormData(form);
    for (const [name, value] of Object.entries(changes)) data.set(name, value);
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: data,
        headers: { Accept: "application/json" },
        redirect: "error",
      });
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      arrange(found.order);
      said.textContent = found.said;
    } catch {
      location.reload(); // shows the order as it is, and why nobody is signed in any more
    }
  };

  body.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-move]");
    if (!form) return;
    event.preventDefault();
    if (event.submitter.getAttribute("aria-disabled") === "true") return;
    send(form, { way: event.submitter.value });
  });

  body.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-handle]");
    if (!handle || event.button !== 0) return;
    event.preventDefault();
    dragged = { row: handle.closest("tr"), was: rows(), pointer: event.pointerId };
    dragged.row.classList.add("dragging");
    handle.setPointerCapture(event.pointerId);
  });
  body.addEventListener("pointermove", (event) => {
    if (dragged?.pointer !== event.pointerId) return;
    const after = rows().find((row) => {
      const box = row.getBoundingClientRect();
      return row !== dragged.row && event.clientY < box.top + box.height / 2;
    });
    if (after !== dragged.row.nextElementSibling) body.insertBefore(dragged.row, after ?? null);
  });
  const drop = (event) => {
    if (dragged?.pointer !== event.pointerId) return;
    const { row, was } = dragged;
    dragged = null;
    row.classList.remove("dragging");
    if (event.type === "pointercancel") return body.append(...was);
    if (rows().every((one, at) => one === was[at])) return;
    number();
    send(row.querySelector("[data-move]"), { before: row.nextElementSibling?.dataset.place ?? "" });
  };
  body.addEventListener("pointerup", drop);
  body.addEventListener("pointercancel", drop);
  body.addEventListener("click", (event) => {
    if (event.target.closest("[data-handle]")) event.stopPropagation(); // opens no record
  });
}
