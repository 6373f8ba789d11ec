// "More filters": one line for each, made from the column's template. The address carries them as
// _flt_<number of the operation>_<column>, which is how the server reads them.
for (const form of document.querySelectorAll("form[data-filters]")) {
  const lines = form.querySelector("[data-lines]");
  const add = (column, operation, value) => {
    const template = form.querySelector(`template[data-column="${CSS.escape(column)}"]`);
    if (!template) return;
    const line = template.content.firstElementChild.cloneNode(true);
    const choice = line.querySelector("[data-operation]");
    const input = line.querySelector("[data-value]");
    if (operation !== undefined) choice.value = operation;
    if (value !== undefined) {
      if (input.type === "checkbox") input.checked = value !== "";
      else input.value = value;
    }
    const rename = () => (input.name = `_flt_${choice.value}_${column}`);
    choice.addEventListener("change", rename);
    rename();
    lines.append(line);
    return input;
  };
  for (const [column, operation, value] of JSON.parse(form.dataset.filters))
    add(column, operation, value);
  form.addEventListener("change", (event) => {
    if (!event.target.matches("[data-add]") || !event.target.value) return;
    add(event.target.value)?.focus();
    event.target.value = "";
  });
  form.addEventListener("click", (event) =>
    event.target.closest("[data-remove]")?.closest(".filter").remove(),
  );
}
