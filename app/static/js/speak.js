// Words read aloud by a voice of the browser; without one there is no button.
if ("speechSynthesis" in window) {
  const stopAll = () => {
    speechSynthesis.cancel();
    for (const button of document.querySelectorAll("[data-speak][aria-pressed='true']")) ended(button);
  };
  const ended = (button) => {
    button.setAttribute("aria-pressed", "false");
    button.querySelector("span").textContent = button.dataset.label;
  };
  for (const button of document.querySelectorAll("[data-speak]")) {
    button.dataset.label = button.querySelector("span").textContent;
    button.hidden = false;
    button.addEventListener("click", () => {
      const isSpeaking = button.getAttribute("aria-pressed") === "true";
      stopAll();
      if (isSpeaking) return;
      const words = new SpeechSynthesisUtterance(button.dataset.speak);
      words.lang = button.dataset.lang;
      words.onend = words.onerror = () => ended(button);
      button.setAttribute("aria-pressed", "true");
      button.querySelector("span").textContent = button.dataset.stop;
      speechSynthesis.speak(words);
    });
  }
  for (const hint of document.querySelectorAll("[data-speak-hint]")) hint.hidden = false;
  addEventListener("pagehide", stopAll);
}
