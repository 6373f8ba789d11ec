// Good news goes by itself after six seconds; warnings and errors stay until they are closed.
{
  const GOES_AFTER = 6000;
  document.addEventListener("click", (event) =>
    event.target.closest("[data-close]")?.closest(".toast")?.remove(),
  );
  setTimeout(
    () => document.querySelectorAll(".toast.ok").forEach((toast) => toast.remove()),
    GOES_AFTER,
  );
}
