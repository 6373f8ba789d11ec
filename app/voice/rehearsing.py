"""What the receptionist would say, decided and worded as on a call, with nothing kept.

The same facts, interpreter, flow and lines as a call's: what is shown cannot differ from what is
heard. Only a model is not asked: it shows what is said without one.
"""

from dataclasses import dataclass
from datetime import datetime

from app.ai import knowledge, values
from app.ai.interpreter import Heard
from app.ai.offline import OfflineInterpreter
from app.ai.reading import consent, departments
from app.voice import facts, lines
from app.voice.facts import Snapshot
from app.voice.flow import State, decide
from app.voice.flow import messages as m

NEAREST = 3  # entries that are named, best first


@dataclass(frozen=True, slots=True)
class Moment:
    """A call as it would begin: whose, when (aware), to which number, in which language ("": that
    of the number)."""

    found: Snapshot
    at: datetime
    called: str = ""
    language: str = ""

    @property
    def facts(self) -> m.Facts:
        return facts.build(self.found, self.at, caller="", called=self.called, chosen=self.language)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said, sentence by sentence; `first` is the department that rings before it."""

    sentences: tuple[str, ...]
    language: str
    first: m.Department | None = None

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True)
class Answered:
    """What comes of a question. `entries` are what the spoken words rest on, `hours` that they
    rest on the opening hours; `near` the entries that come nearest; `asked_back` that the caller is
    asked what was meant; `department` who would be rung; `unanswered` that it would be noted."""

    spoken: Spoken
    entries: tuple[m.Passage, ...]
    hours: bool
    near: tuple[knowledge.Match, ...]
    asked_back: bool
    department: m.Department | None
    unanswered: bool


def prepare(moment: Moment) -> None:
    """Have all at hand for the first question, as while a caller is greeted."""
    told = moment.facts
    knowledge.prepare(told.passages, told.language)
    departments.prepare(told.departments, told.language)


def greeting(moment: Moment) -> Spoken:
    """The first words of a call."""
    told = moment.facts
    begun, first = _begun(told)
    return _spoken(moment, told, begun, first)


def answer(moment: Moment, words: str) -> Answered:
    """What these words get as the first ones after the greeting."""
    told = moment.facts
    begun, _first = _begun(told)
    decision = decide(State(begun.state), _heard(begun, words, told), m.Context(told, begun.memory))
    effects = decision.effects
    said = [effect for effect in effects if isinstance(effect, m.Say)]
    sources = {source for say in said for source in say.sources}
    rung = next((e.department_id for e in effects if isinstance(e, m.Dial)), None)
    return Answered(
        spoken=_spoken(moment, told, decision),
        entries=tuple(passage for passage in told.passages if passage.id in sources),
        hours=any(day.id in sources for day in told.hours),
        near=knowledge.find(told.passages, words, NEAREST, told.language),
        asked_back=any(say.line is None and not say.sources for say in said),
        department=None if rung is None else told.department(rung),
        unanswered=any(isinstance(effect, m.NoteGap) for effect in effects),
    )


def _begun(told: m.Facts) -> tuple[m.Decision, m.Department | None]:
    """The greeting; where a department rings before it, as when nobody there picks up."""
    begun = decide(State.GREETING, m.CallStarted(), m.Context(told))
    if State(begun.state) is not State.TRANSFER_ATTEMPT:
        return begun, None
    first = told.department(begun.memory.ringing) if begun.memory.ringing else None
    ended = m.DialEnded(False, "no-answer")
    return decide(State.TRANSFER_ATTEMPT, ended, m.Context(told, begun.memory)), first


def _heard(begun: m.Decision, words: str, told: m.Facts) -> m.CallerSpoke:
    refuses, asked = False, begun.memory.recording
    if asked:
        refuses, words = consent.refusal(words, asked=asked == m.Consent.ASKED)
    if not words:
        return m.CallerSpoke("", no_recording=refuses)
    heard = Heard(words, State(begun.state), m.Context(told, begun.memory))
    understood = OfflineInterpreter().interpret(heard)
    passing = values.told(heard)
    return m.CallerSpoke(words, understood.proposal, refuses, understood.besides, passing)


def _spoken(
    moment: Moment, told: m.Facts, decision: m.Decision, first: m.Department | None = None
) -> Spoken:
    voice = lines.Voice(greeting=moment.found.greeting_in(told.language), language=told.language)
    texts = (
        lines.render(effect, told, decision.memory, voice)
        for effect in decision.effects
        if isinstance(effect, m.Say)
    )
    return Spoken(tuple(text for text in texts if text), told.language, first)
