"""What a caller says while a message is taken, and to its read-back."""

import re

from app.ai import knowledge, open_talk, values, wishes
from app.ai.interpreter import Heard
from app.ai.reading import intake, pieces, yesno
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Noted

_TALK_BEFORE = re.compile(
    r"^(?:(?:um|uh|so|well|yes|yeah|ok|okay|sure|hi|hello|it'?s about|it is about|about)[\s,]+)+",
    re.IGNORECASE,
)


def propose(heard: Heard) -> m.Proposal | None:
    """The asked field first, and whatever else is said in the same breath."""
    asking = heard.context.memory.asking
    if asking in (Ask.NAME, Ask.PHONE, Ask.EMAIL, Ask.REASON):
        begun = heard.context.memory.draft.without(Ask.REASON).fields
        if wishes.never_mind(heard.words):
            return m.Finish() if begun else m.Confirm(False)
        if wishes.no_thanks(heard.words) or (wishes.done(heard.words) and not begun):
            return m.Confirm(False)
    if wishes.repetition(heard.words):
        return m.Again()
    if wishes.wait(heard.words) and not values.fields(heard, asking):
        return m.Hold()
    if asking == Ask.REASON or (asking and asking not in list(Ask)):
        return _aside(heard) or m.TakeMessage((*values.fields(heard, asking), _as_said(heard)))
    if fields := values.fields(heard, asking):
        return m.TakeMessage((*fields, *_known_already(heard)))
    if piece := pieces.begun(heard.words, asking):
        return m.Hold(piece)
    if heard.context.memory.offered and (answer := yesno.read(heard.words)) is not None:
        return m.Confirm(answer)
    if aside := _aside(heard):
        return aside
    if wishes.done(heard.words):
        return m.Finish()
    # Talk that holds no value must not become somebody's name: without fields it is asked again.
    return m.TakeMessage() if asking else None


def _known_already(heard: Heard) -> tuple[Noted, ...]:
    """Answers to the tenant's own questions that were given before they were asked."""
    facts, draft = heard.context.facts, heard.context.memory.draft
    said = " . ".join(reversed(heard.said()))
    found = (
        Noted(question.key, answer)
        for question in facts.intake
        if not draft.get(question.key) and (answer := intake.already(question.question, said))
    )
    return tuple(found)


def _aside(heard: Heard) -> m.Proposal | None:
    """Something else amid a message: a person, a question, leaving."""
    words, facts = heard.words, heard.context.facts
    if wishes.goodbye(words) and not wishes.asks(words):
        return m.Finish()
    if wishes.person(words):
        return open_talk.person(heard)
    if wishes.swears(words):
        return m.Transfer()
    if not wishes.asks(words):
        return None
    if wishes.hours(words) and facts.hours:
        return open_talk.hours(heard)
    found = knowledge.find(facts.passages, words, 1, facts.language)
    sure = bool(found) and found[0].score >= knowledge.ANSWER
    return open_talk.answer(found[0].passage) if sure else None


def _as_said(heard: Heard) -> Noted:
    words = heard.words.strip()
    return Noted(heard.context.memory.asking, _TALK_BEFORE.sub("", words) or words)


def to_read_back(heard: Heard) -> m.Proposal | None:
    words = heard.words
    answer, corrections = yesno.read(words), values.corrections(heard)
    if wishes.repetition(words) and not corrections:
        return m.Again()
    if wishes.wait(words) and not corrections:
        return m.Hold()
    if corrections:
        return m.Confirm(answer is True, corrections)
    if wishes.person(words):
        return open_talk.person(heard)
    if answer is not None:
        return m.Confirm(answer)
    aside = _aside(heard)
    return None if isinstance(aside, m.Finish) else aside
