// Setting up: the browser's time zone is chosen.
{
  const card = document.querySelector("[data-guess-zone]");
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (card && guess) {
    const zones = document.getElementById(card.dataset.guessZone);
    if (![...zones.options].some((one) => one.value === guess)) zones.prepend(new Option(guess, guess));
    zones.value = guess;
  }
}
