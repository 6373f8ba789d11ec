"""What a caller wants who may say anything: an answer, a department, the hours, a message."""

import re
from dataclasses import replace
from datetime import time

from app.ai import knowledge, values, wishes, wording
from app.ai.interpreter import Heard
from app.ai.reading import days, departments, names, yesno
from app.voice import spoken
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Noted
from app.voice.spoken import _

_CERTAIN = 0.8  # an entry this sure outweighs the opening hours
_FOR_SURE = 0.9  # a wish for what a department does goes there, unless an entry is certain
_MARGIN = 0.02  # two entries closer than this: ask which
_WISH = 2  # words that say something, from which on they tell what a message is about
_STORY = 6  # and from which on a sentence is no noise, though it neither asks nor wishes

# The few sentences that are asked back; all other wording lives in voice/lines.py.
_HOW_CAN_I_HELP = _("How can I help you?")
_DO_YOU_MEAN = _("Do you mean: {question}?")
_SHALL_I_CONNECT = _("Would you like me to connect you with {place}?")


def propose(heard: Heard) -> m.Proposal | None:
    words, memory = heard.words, heard.context.memory
    if wishes.greeting(words):
        return m.Clarify(_tell(heard, _HOW_CAN_I_HELP))
    return (
        _after_clarify(heard)
        or _wish(heard)
        or (m.Finish() if wishes.goodbye(words) else None)
        or (m.Finish() if _is_done(words, memory.asking) else None)
        or (m.Again() if wishes.repetition(words) else None)
        or (m.Hold() if wishes.wait(words) else None)
        or (_despite_swearing(heard) if wishes.swears(words) else None)
        or _bare_yes_or_no(words)
        or _only_introduced(heard)
        or _answer_or_transfer(heard)
    )


def _despite_swearing(heard: Heard) -> m.Proposal:
    """What is asked rudely is still answered; who only swears gets a person, or a message."""
    rest = wishes.without_swearing(heard.words)
    found = _answer_or_transfer(replace(heard, words=rest)) if wording.content(rest) else None
    useful = isinstance(found, m.Answer | m.Transfer)
    return found if found and useful else m.Transfer()


def _is_done(words: str, asking: str) -> bool:
    return asking in (Ask.ANYTHING_ELSE, Ask.GOODBYE) and wishes.done(words)


def _wish(heard: Heard) -> m.Proposal | None:
    """What every caller may want: the hours, a message, a person."""
    words, facts = heard.words, heard.context.facts
    if (wishes.hours(words) and facts.hours and not _certain(heard)) or _another_day(heard):
        return hours(heard)
    if wishes.message(words):
        return m.TakeMessage(values.fields(heard, "") or _told_at_once(heard))
    if wishes.person(words) or wishes.connection(words):
        return person(heard)
    return None


def _another_day(heard: Heard) -> bool:
    """ "And on Sunday?", just after the hours were told."""
    facts, told = heard.context.facts, heard.context.memory.told
    if not facts.today or not any(day.id in told for day in facts.hours):
        return False
    return bool(days.mentioned(heard.words, facts.today)) and len(wording.content(heard.words)) <= 2


def _told_at_once(heard: Heard) -> tuple[Noted, ...]:
    """What the message is about, when it is said together with the wish for one."""
    about = wording.content(wishes.without_message(heard.words))
    return (Noted(Ask.REASON, heard.words.strip()),) if len(about) >= _WISH else ()


def _certain(heard: Heard) -> bool:
    found = knowledge.find(
        heard.context.facts.passages, heard.words, 1, heard.context.facts.language
    )
    return bool(found) and found[0].score >= _CERTAIN


def hours(heard: Heard) -> m.TellHours:
    facts = heard.context.facts
    asked = days.mentioned(heard.words, facts.today) if facts.today else ()
    told = {day.day for day in facts.hours}
    at = days.read_time(heard.words)
    return m.TellHours(tuple(day for day in asked if day in told), at and _meant(at, heard))


def _meant(at: time, heard: Heard) -> time:
    """ "At six" of a business is the evening; of hours before seven nobody means the night unless
    they say so, or the business is open then."""
    said = heard.words.lower()
    plain = not re.search(r"\b[ap]\.?\s?m\b|morning|night|ma[nñ]ana|noche|midnight|:|\d{4}", said)
    return at.replace(hour=at.hour + 12) if plain and 0 < at.hour < 7 else at


def person(heard: Heard) -> m.Transfer:
    """The department named in the same breath, else whoever answers for a person: where nobody is
    said to, the department that comes nearest."""
    facts = heard.context.facts
    rest = wishes.without_person(heard.words)
    fit = departments.fit(rest, facts.departments, facts.language) or departments.fit(
        heard.words, facts.departments, facts.language
    )
    anybody = not any(department.operator for department in facts.departments)
    chosen = fit is not None and (anybody or fit.score >= departments.SURE)
    return m.Transfer(fit.department.id if fit and chosen else None)


def _bare_yes_or_no(words: str) -> m.Proposal | None:
    answer = yesno.read(words)
    if answer is None or wishes.asks(words) or len(wording.content(words)) > 1:
        return None
    return m.Confirm(answer)


def _only_introduced(heard: Heard) -> m.Proposal | None:
    """ "My name is Ann Lee" and no more: it is noted besides, and what they want is asked. "Soy
    celíaco" is no name where an entry is about it."""
    name = names.read(heard.words, asked=False)
    if not name or len(wording.content(heard.words)) > len(name.split()) + 1:
        return None
    facts = heard.context.facts
    found = knowledge.find(facts.passages, heard.words, 1, facts.language)
    if found and found[0].score >= knowledge.ANSWER:
        return None
    return m.Clarify(_tell(heard, _HOW_CAN_I_HELP))


def _answer_or_transfer(heard: Heard) -> m.Proposal | None:
    """A clear entry answers; else the department that does it; else what may be meant is asked."""
    facts, words = heard.context.facts, heard.words
    found = knowledge.find(facts.passages, words, 2, facts.language)
    best = found[0].score if found else 0.0
    close = len(found) > 1 and best - found[1].score < _MARGIN
    fit = departments.fit(words, facts.departments, facts.language)
    to_do = best < _CERTAIN and not wishes.asks(words) and fit and fit.score >= _FOR_SURE
    if best >= knowledge.ANSWER and not close and not to_do:
        return answer(found[0].passage)
    place = _place(heard, fit, departments.CLEAR if best >= knowledge.ASK else departments.SURE)
    if isinstance(place, m.Transfer):
        return place
    if best >= knowledge.ASK:
        question = _did_you_mean(found[0].passage, heard)
        if question not in heard.last_question():
            return m.Clarify(question)
        # In other words the same again is a yes; in the same words it is "just what I said".
        if wording.fold(words) not in wording.fold(heard.context.memory.last_words):
            return answer(found[0].passage)
    if place:
        return place
    return m.TakeMessage(values.fields(heard, ""), unanswered=True) if _is_for(words) else None


def _is_for(words: str) -> bool:
    """A question, a wish or a story: worth a message. Of anything else it is asked what is meant:
    humming, a curse, another language."""
    weight = len(wording.content(words))
    if wishes.foreign(words):
        return False
    if wishes.asks(words) or wishes.wants(words):
        return weight > 0
    return weight >= _STORY


def _place(
    heard: Heard, fit: departments.Fit | None, needed_to_ask: float
) -> m.Transfer | m.Clarify | None:
    """The department that does it, or the question whether it is meant. A question must be clearly
    about what the department does: it may be about something that nobody here does."""
    if fit is None or fit.score < departments.OFFER:
        return None
    asks = wishes.asks(heard.words)
    if asks and not fit.spoken_of:
        return None
    if fit.score >= (needed_to_ask if asks else departments.SURE):
        return m.Transfer(fit.department.id)
    if not _is_for(heard.words):
        return None
    offer = _shall_i_connect(fit.department, heard)
    return None if offer in heard.last_question() else m.Clarify(offer)


def answer(passage: m.Passage) -> m.Answer:
    return m.Answer(passage.answer, (passage.id,))


def _did_you_mean(passage: m.Passage, heard: Heard) -> str:
    question = passage.question.strip().rstrip("?.! ").lstrip("¿")
    return _tell(heard, _DO_YOU_MEAN, question=question)


def _shall_i_connect(department: m.Department, heard: Heard) -> str:
    return _tell(heard, _SHALL_I_CONNECT, place=department.name)


def _after_clarify(heard: Heard) -> m.Proposal | None:
    """Yes or no to "do you mean …?" and "shall I connect you with …?"."""
    offered, answer = _offered(heard), yesno.read(heard.words)
    if not offered or answer is None or wishes.asks(heard.words):
        return None
    if answer:
        return offered
    if wishes.done(heard.words):  # "no, nothing more" is no wish for a message
        return m.Finish()
    wanted = heard.context.memory.last_words
    if len(wording.content(heard.words)) > 1 or not wanted:  # "no, I mean …" is heard anew
        return None
    return m.TakeMessage((Noted(Ask.REASON, wanted),))


def _offered(heard: Heard) -> m.Answer | m.Transfer | None:
    """What a yes to the last question gets."""
    asked, facts = heard.last_question(), heard.context.facts
    for passage in facts.passages if asked else ():
        if _did_you_mean(passage, heard) in asked:
            return answer(passage)
    for place in facts.departments if asked else ():
        if _shall_i_connect(place, heard) in asked:
            return m.Transfer(place.id)
    return None


def _tell(heard: Heard, sentence: str, **told: str) -> str:
    return spoken.speech(heard.context.facts.language).tell(sentence, **told)
