"""One end of a call that follows TwiML: the caller's, or the one that picked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from app.phone.document import Verb, parse, verbs_of
from app.phone.turn import Spoken
from app.phone.wire import CallDropped, Fetch, Wire

MOST_REDIRECTS = 10
SECONDS_A_WORD = 0.4


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody did when listened to; neither is silence."""

    words: str = ""
    keys: str = ""


class Leg:
    """`lasted` is what the call would have taken: speech is reckoned, not waited for."""

    def __init__(self, wire: Wire, form: Mapping[str, str], stops_at_fillers: bool = False) -> None:
        self.wire = wire
        self.form = dict(form)
        self.stops_at_fillers = stops_at_fillers
        self.url = ""
        self.document = ""
        self.verbs: list[Verb] = []
        self.lasted = 0.0
        self.warnings: list[str] = []
        self.begin()

    def begin(self) -> None:
        """A new turn: forget what was said and fetched in the one before."""
        self.said: list[Spoken] = []
        self.fetches: list[Fetch] = []
        self.fillers = 0
        self.redirects = 0

    def fetch(self, url: str, extra: Mapping[str, str] | None = None, method: str = "POST") -> None:
        reply = self.wire.send(url, self.form | dict(extra or {}), method)
        self.fetches.append(reply.fetch)
        self.lasted += reply.fetch.seconds
        self.resume(url, reply.text, verbs_of(reply, url))

    def resume(self, url: str, document: str, verbs: list[Verb] | None = None) -> None:
        """Stand at the beginning of a document that is already here."""
        self.url, self.document = url, document
        self.verbs = parse(document, url) if verbs is None else verbs
        self.listened = False
        self.form["CallStatus"] = "in-progress"

    def run(self) -> Verb | None:
        """The next verb that needs somebody; None at the end of the document."""
        while self.verbs:
            verb = self.verbs.pop(0)
            match verb.name:
                case "Say" | "Play":
                    self._hear(verb)
                case "Pause":
                    self.pause(verb.number("length", 1))
                case "Redirect":
                    if self.stops_at_fillers and not self.listened:
                        return verb
                    self.redirect(verb)
                case "Gather":
                    for inner in verb.inside("Say", "Play"):
                        self._hear(inner)
                    return verb
                case "Record" | "Dial" | "Hangup" | "Reject":
                    return verb
                case _:  # Twilio warns (12200) and goes on
                    self.warnings.append(f"<{verb.name}> was passed over")
        return None

    def gathered(self, gather: Verb, heard: Heard) -> None:
        """Carry the input to the action; without any the next verb follows, unless
        actionOnEmptyResult asks for the action all the same."""
        self.lasted += len(heard.words.split()) * SECONDS_A_WORD
        given = _input(gather, heard)
        if given or gather.get("actionOnEmptyResult") == "true":
            self.fetch(gather.url("action"), given, gather.get("method", "POST"))
        else:
            self.lasted += gather.number("timeout", 5)
            self.listened = True

    def pause(self, seconds: int) -> None:
        self.lasted += seconds

    def _hear(self, verb: Verb) -> None:
        words = verb.text if verb.name == "Say" else f"[{verb.text}]"
        if words:
            self.said.append(Spoken(words, verb.get("language")))
            self.lasted += len(words.split()) * SECONDS_A_WORD

    def redirect(self, verb: Verb) -> None:
        self.redirects += 1
        self.fillers += not self.listened  # after a Gather it is that Gather's way on
        if self.redirects > MOST_REDIRECTS:
            raise CallDropped(f"more than {MOST_REDIRECTS} redirects in a row")
        url = urljoin(verb.base, verb.text) if verb.text else verb.base
        self.fetch(url, method=verb.get("method", "POST"))


def _input(gather: Verb, heard: Heard) -> dict[str, str]:
    """The first input wins; what the Gather does not take is not heard."""
    takes = gather.get("input", "dtmf").split()
    if heard.keys and "dtmf" in takes:
        digits = _until(gather.get("finishOnKey", "#"), heard.keys)
        digits = digits[: gather.number("numDigits", len(digits))]
        return {"Digits": digits} if digits else {}
    if heard.words.strip() and "speech" in takes:
        language = gather.get("language", "en-US")
        return {"SpeechResult": heard.words, "Confidence": "0.92845", "Language": language}
    return {}


def _until(finish: str, keys: str) -> str:
    """Keys before the finishing one, which is not part of Digits."""
    return keys.partition(finish)[0] if finish else keys
