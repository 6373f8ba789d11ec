// Forms: the summary of errors takes focus, and what was typed is not left by accident.
{
  document.querySelector("[data-focus]")?.focus();
  let isDirty = Boolean(document.querySelector("form[data-guard] .wrong"));
  for (const form of document.querySelectorAll("form[data-guard]")) {
    form.addEventListener("input", () => (isDirty = true));
    form.addEventListener("submit", () => (isDirty = false));
  }
  addEventListener("beforeunload", (event) => isDirty && event.preventDefault());
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.querySelector("span").textContent = button.dataset.copied;
  });
}
