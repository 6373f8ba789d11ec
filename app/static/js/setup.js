// Setting up: the browser's time zone is chosen, and what is not kept is folded away.
{
  const card = document.querySelector("[data-guess-zone]");
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (card && guess) {
    const zones = document.getElementById(card.dataset.guessZone);
    if (![...zones.options].some((one) => one.value === guess)) zones.prepend(new Option(guess, guess));
    zones.value = guess;
  }
  for (const place of document.querySelectorAll("[data-place]")) {
    const keep = place.querySelector("[data-keep]");
    if (!keep) continue;
    const show = () => (place.querySelector(".kept").hidden = !keep.checked);
    keep.addEventListener("change", show);
    show();
  }
}
