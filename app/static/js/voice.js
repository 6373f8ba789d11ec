// What a browser can say and hear, where it can: window.voice, for the telephone.
{
  const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;
  const canSpeak = "speechSynthesis" in window;
  let recognition = null;

  const speak = ({ text, language }) => {
    if (!canSpeak) return;
    const words = new SpeechSynthesisUtterance(text);
    if (language) words.lang = language;
    speechSynthesis.speak(words);
  };
  const hush = () => canSpeak && speechSynthesis.cancel();

  // `heard` gets words as they are recognised, `done` all of them once the browser is sure, or ""
  // with why there are none: as the standard names it, such as "not-allowed".
  const listen = (language, heard, done) => {
    recognition = new Recognition();
    if (language) recognition.lang = language;
    recognition.interimResults = true;
    let words = "";
    let why = "no-speech";
    recognition.onresult = (event) => {
      words = [...event.results].map((result) => result[0].transcript).join(" ").trim();
      heard(words);
    };
    recognition.onerror = (event) => (why = event.error);
    recognition.onend = () => {
      recognition = null;
      done(words, why);
    };
    try {
      recognition.start();
    } catch {
      recognition = null;
      done("", "service-not-allowed");
    }
  };
  const stop = () => recognition?.stop();

  window.voice = {
    canSpeak,
    canListen: Boolean(Recognition),
    speak,
    hush,
    listen,
    stop,
    isListening: () => recognition !== null,
  };
  addEventListener("pagehide", hush);
}
