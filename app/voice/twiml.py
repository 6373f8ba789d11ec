"""Decisions as TwiML: every URL we hand out, every attribute Twilio is sent, every character safe.

Attributes follow facts of Twilio's pages on Gather, Say, Dial, Number and Record as of 2026-11:
https://www.twilio.com/docs/voice/twiml
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from twilio.twiml.voice_response import Dial as DialVerb
from twilio.twiml.voice_response import Gather, VoiceResponse

from app.overrides import OVERRIDES
from app.voice.flow.messages import Ask, Dial, Facts, HangUp, Listen, Record

LONGEST_SAY = 1000  # characters; a safe length, since Twilio documents none
LARGEST_DOCUMENT = 64_000  # bytes; Twilio refuses above 64 kB (error 11750)
MOST_HINTS, LONGEST_HINT = 500, 100
MOST_NUMBERS = 10  # rung at the same time by one Dial
RECORD_SECONDS = 120
FORWARD_SECONDS = 30  # a call that is forwarded rings so long
TAKEN = frozenset({"completed", "answered"})  # DialCallStatus of a call that somebody took
PATIENT = 20  # seconds to wait for who said "let me look"


@dataclass(frozen=True, slots=True)
class Slot:
    """How one kind of answer is listened for. `timeout`: seconds to wait for the caller to begin;
    `pause`: seconds of silence that end an utterance (None: as soon as Twilio finds one), longer
    where people read out or think; `keys`: a single key is the whole answer; `hints`: what is
    likely to be said, None: the tenant's own words."""

    timeout: int = 5
    pause: int | None = None
    model: str = ""
    keys: int | None = None
    hints: tuple[str, ...] | None = None


_YES_NO = {
    "en": ("yes", "no", "yes that is right", "no that is wrong", "correct"),
    "es": ("sí", "no", "sí es correcto", "no está mal", "correcto"),
}
_MAIL = ("at gmail dot com", "at yahoo dot com", "at outlook dot com", "arroba gmail punto com")
# The model for figures is one of Twilio's own, which fail over between vendors; it is asked for
# where it is known to exist.
_FIGURES = {"en": "numbers_and_commands"}


def slot(ask: str, language: str) -> Slot:
    tongue = language[:2].lower()
    match ask:
        case Ask.PHONE:
            return Slot(timeout=8, pause=3, model=_FIGURES.get(tongue, ""), hints=())
        case Ask.EMAIL:
            return Slot(timeout=8, pause=3, hints=_MAIL)
        case Ask.NAME:
            return Slot(pause=2, hints=())
        case Ask.REASON:
            return Slot(pause=2)
        case Ask.CONFIRM:
            return Slot(timeout=6, keys=1, hints=_YES_NO.get(tongue, ()))
        case Ask.ANYTHING_ELSE:
            return Slot(keys=1)
        case Ask.GOODBYE:
            return Slot(timeout=2, keys=1)
        case "":
            return Slot(keys=1)
    return Slot(timeout=8, pause=2)  # a tenant's own question: a number may be keyed


_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words as they are to be said. `whole`: the caller cannot interrupt them, nor what is said
    before them. `voice`: another one than the rest is said with."""

    text: str
    whole: bool = False
    voice: "VoiceSettings | None" = None


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """`name` is Twilio's name of a voice; it must speak `language`."""

    name: str = "Polly.Joanna-Neural"
    language: str = "en-US"


@dataclass(frozen=True, slots=True)
class Links:
    """The URLs of one turn's answer. `turn` is the turn that the caller's next words begin;
    `called` is the tenant's number that was dialled."""

    base_url: str
    turn: int
    called: str = ""
    attempt: int | None = None

    def gather(self, ask: str = "") -> str:
        return self._url("gather", {"ask": ask} if ask else {})

    def transfer_status(self) -> str:
        return self._url("transfer-status", {})

    def screen(self, attempt: int | None = None) -> str:
        """The leg of one transfer attempt, whose turn does not matter."""
        return self._build("screen", {} if attempt is None else {"attempt": str(attempt)})

    def message(self) -> str:
        return self._url("message", {})

    def again(self, kind: str, wait: int, retold: Mapping[str, str]) -> str:
        """The same turn once more: the `wait`-th redirect of a thought that takes long. Twilio
        posts no more than the call itself there: what else was told goes along as `retold`."""
        return self._url(kind.replace("_", "-"), {"wait": str(wait), **retold})

    def recording_status(self) -> str:
        return self._build("recording-status", {})

    def _url(self, path: str, query: dict[str, str]) -> str:
        return self._build(path, {"turn": str(self.turn), **query})

    def _build(self, path: str, query: dict[str, str]) -> str:
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.base_url.rstrip('/')}/twilio/{path}{asked}{OVERRIDES}"


Part = Spoken | Listen | Dial | Record | HangUp


def render(effects: Sequence[Part], links: Links, voice: VoiceSettings, facts: Facts) -> str:
    """The document of a decision: its words, then the one verb that waits for the caller. Words
    before a Gather stand inside it, so that a caller may interrupt them, from the last whole one
    on."""
    response = VoiceResponse()
    spoken = [effect for effect in effects if isinstance(effect, Spoken)]
    verb = next((effect for effect in effects if not isinstance(effect, Spoken)), HangUp())
    if isinstance(verb, Listen):
        gather = _gather(verb, links, voice, facts)
        heard_out = max((at for at, part in enumerate(spoken, 1) if part.whole), default=0)
        _say_parts(response, spoken[:heard_out], voice)
        _say_parts(gather, spoken[heard_out:], voice)
        response.append(gather)
        response.redirect(links.gather(verb.ask), method="POST")
        return _document(response)
    _say_parts(response, spoken, voice)
    match verb:
        case Dial():
            response.append(_dial(verb, links, facts))
        case Record():
            _record(response, links)
        case HangUp():
            response.hangup()
    return _document(response)


def filler(again: str, text: str, voice: VoiceSettings, pause: int = 0) -> str:
    """Bridge the wait for a slow thought: come back to the same turn, after `pause` seconds."""
    response = VoiceResponse()
    if text:
        _say(response, [text], voice)
    if pause:
        response.pause(length=pause)
    response.redirect(again, method="POST")
    return _document(response)


def leave_message(text: str, links: Links, voice: VoiceSettings) -> str:
    """Let the caller speak a message when nothing else works."""
    response = VoiceResponse()
    _say(response, [text], voice)
    _record(response, links)
    return _document(response)


def hang_up(text: str, voice: VoiceSettings) -> str:
    response = VoiceResponse()
    _say(response, [text], voice)
    response.hangup()
    return _document(response)


def forward(number: str, caller: str, links: Links, talk_seconds: int) -> str:
    """Connect a caller whom nobody here answers, without a word and without screening."""
    response = VoiceResponse()
    dial = _dialling(caller, links, FORWARD_SECONDS, talk_seconds)
    dial.number(number)
    response.append(dial)
    return _document(response)


def screen(text: str, action: str, voice: VoiceSettings) -> str:
    """Asks who picked up to press a key; voicemail does not, and is hung up on."""
    response = VoiceResponse()
    gather = Gather(input="dtmf", num_digits=1, timeout=8, action=action, method="POST")
    _say(gather, [text], voice)
    response.append(gather)
    response.hangup()
    return _document(response)


def reject() -> str:
    """Must be the first answer to a call: it is then not answered and not billed."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return _document(response)


def empty() -> str:
    """For callbacks whose answer is ignored, and to let a screened leg be bridged."""
    return _document(VoiceResponse())


def xml_safe(text: str) -> str:
    """Without what no XML document may hold: one such character costs the whole answer (12100)."""
    return _UNSAFE.sub("", text)


def _gather(verb: Listen, links: Links, voice: VoiceSettings, facts: Facts) -> Gather:
    kind = slot(verb.ask, voice.language)
    return Gather(
        input="dtmf speech",
        action=links.gather(verb.ask),
        method="POST",
        action_on_empty_result=True,
        barge_in=True,
        timeout=PATIENT if verb.patient else kind.timeout,
        # "auto" does not go with a chosen model: Twilio then demands whole seconds
        speech_timeout=kind.pause or "auto",
        speech_model=kind.model or None,
        language=voice.language,
        hints=(_hints(facts) if kind.hints is None else ",".join(kind.hints)) or None,
        num_digits=kind.keys,
        finish_on_key="#",
        profanity_filter=False,  # it masks names
    )


def _hints(facts: Facts) -> str:
    """What callers of this tenant are likely to say. Commas part the hints: none may hold one."""
    phrases = [facts.business, *(department.name for department in facts.departments)]
    phrases += [passage.question for passage in facts.passages]
    phrases += [other for passage in facts.passages for other in passage.alternates]
    clean = (" ".join(re.sub(r"[,;?!.¿¡]", " ", xml_safe(p)).split()) for p in phrases)
    fitting = dict.fromkeys(phrase for phrase in clean if 0 < len(phrase) <= LONGEST_HINT)
    hints: list[str] = []
    left = LARGEST_DOCUMENT // 4
    for hint in list(fitting)[:MOST_HINTS]:
        left -= _weight(hint) + 1
        if left < 0:
            break
        hints.append(hint)
    return ",".join(hints)


def _dial(verb: Dial, links: Links, facts: Facts) -> DialVerb:
    department = facts.department(verb.department_id)
    seconds = verb.seconds or (department.ring_seconds if department else None)
    in_order = department is not None and department.in_order
    talk_seconds = facts.limits.talk_seconds
    dial = _dialling(facts.caller_number, links, seconds, talk_seconds, in_order)
    for number in department.numbers[:MOST_NUMBERS] if department else ():
        dial.number(number, url=links.screen(links.attempt), method="POST")
    return dial


def _dialling(
    caller: str, links: Links, ring_seconds: int | None, talk_seconds: int, in_order: bool = False
) -> DialVerb:
    shown = caller if _E164.fullmatch(caller) else links.called
    return DialVerb(
        action=links.transfer_status(),
        method="POST",
        timeout=ring_seconds,
        sequential=in_order or None,
        time_limit=talk_seconds,
        caller_id=shown or None,
        answer_on_bridge=False,
    )


def _record(response: VoiceResponse, links: Links) -> None:
    response.record(
        action=links.message(),
        method="POST",
        max_length=RECORD_SECONDS,
        timeout=5,
        finish_on_key="#",
        play_beep=True,
        recording_status_callback=links.recording_status(),
        recording_status_callback_method="POST",
    )
    # A recording too quiet to count calls no action and falls through to here.
    response.redirect(links.message(), method="POST")


def _say_parts(
    parent: VoiceResponse | Gather, parts: Sequence[Spoken], voice: VoiceSettings
) -> None:
    for settings, together in groupby(parts, key=lambda part: part.voice or voice):
        _say(parent, [part.text for part in together], settings)


def _say(parent: VoiceResponse | Gather, texts: Sequence[str], voice: VoiceSettings) -> None:
    left = LARGEST_DOCUMENT // 2  # the rest is for hints, attributes and numbers
    for piece in (piece for text in texts for piece in _pieces(xml_safe(text))):
        left -= _weight(piece) + 150  # the element around it
        if left < 0:
            return
        parent.say(piece, voice=voice.name, language=voice.language)


def _weight(text: str) -> int:
    """Bytes in the document at most: an escaped character takes up to six."""
    return len(text.encode()) + 5 * sum(text.count(mark) for mark in "&<>\"'")


def _pieces(text: str) -> list[str]:
    """Split at sentence ends, else at spaces, else anywhere, so that no Say is too long."""
    pieces, rest = [], text.strip()
    while len(rest) > LONGEST_SAY:
        head = rest[:LONGEST_SAY]
        ends = [match.end() for match in re.finditer(r"[.!?…]\s", head)]
        cut = ends[-1] if ends else head.rfind(" ") + 1
        pieces.append(rest[: cut or LONGEST_SAY].strip())
        rest = rest[cut or LONGEST_SAY :].strip()
    return [piece for piece in (*pieces, rest) if piece]


def _document(response: VoiceResponse) -> str:
    return str(response)
