// The times beside what was said: each plays the recording from there.
{
  const player = document.getElementById("player");
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-seek]");
    if (!button || !player) return;
    player.currentTime = Number(button.dataset.seek);
    player.play().catch(() => player.focus()); // a sound that is not there says so itself
  });
}
