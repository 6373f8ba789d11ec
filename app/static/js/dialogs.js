// Asks before something is lost. A button with data-confirm names what, and the form that does it:
// by data-action (an address to post to), or the form that the button belongs to. With data-calm
// nothing is lost: it only wants to be meant.
{
  const dialog = document.getElementById("confirm");
  const form = dialog?.querySelector("form");
  let button = null;

  const ask = (pressed) => {
    button = pressed;
    dialog.querySelector("h2").textContent = button.dataset.confirm;
    dialog.querySelector("p").textContent = button.dataset.text || "";
    dialog.querySelector("[data-go]").textContent = button.dataset.ok || button.textContent.trim();
    const calm = "calm" in button.dataset; // nothing is lost by it
    const keep = dialog.querySelector("[data-keep]");
    keep.dataset.keepIt ??= keep.textContent;
    keep.textContent = calm ? keep.dataset.calmly : keep.dataset.keepIt;
    dialog.querySelector("[data-go]").className = `btn btn-${calm ? "primary" : "danger"}`;
    const typed = dialog.querySelector("[data-typed]");
    typed.hidden = !button.dataset.type;
    typed.querySelector("b").textContent = button.dataset.type || "";
    typed.querySelector("input").value = "";
    dialog.showModal();
    keep.focus();
  };
  const isSure = () =>
    !button.dataset.type ||
    dialog.querySelector("[data-typed] input").value.trim() === button.dataset.type;

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-confirm]");
    if (pressed && dialog) {
      event.preventDefault();
      ask(pressed);
    }
    if (event.target.closest("[data-keep]")) dialog.close();
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isSure()) return dialog.querySelector("[data-typed] input").focus();
    if (button.dataset.action) {
      form.action = button.dataset.action;
      return form.submit();
    }
    dialog.close();
    delete button.dataset.confirm; // asked once is enough
    button.form.requestSubmit(button);
  });
}
