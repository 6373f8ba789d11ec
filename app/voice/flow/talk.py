"""Open talk: answers, hours, questions back, yes and no, and what nobody understood."""

from dataclasses import replace

from app.voice.flow import closing, taking
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Line
from app.voice.flow.states import State
from app.voice.flow.turn import Turn


def answer(turn: Turn, words: str, proposal: m.Answer) -> m.Decision:
    """Speak it only when it rests on sources that were offered this turn."""
    said = told(turn, proposal)
    if said is None:
        return taking.unanswered(turn.refuse("answer without a source").understood(), words)
    return _ask_on(said)


def tell_hours(turn: Turn, words: str, proposal: m.TellHours) -> m.Decision:
    said = told(turn, proposal)
    if said is None:
        return taking.unanswered(turn.refuse("no such hours").understood(), words)
    return _ask_on(said)


def told(turn: Turn, proposal: m.Answer | m.TellHours) -> Turn | None:
    """The turn with the answer spoken; None when there is nothing that it rests on."""
    said = _hours(turn.facts, proposal) if isinstance(proposal, m.TellHours) else None
    if isinstance(proposal, m.Answer):
        text, sources = proposal.text.strip(), proposal.sources
        if text and sources and turn.facts.sources.issuperset(sources):
            said = m.Say(text=text, sources=sources)
    if said is None:
        return None
    memory = turn.understood().memory
    return turn.to(State.FAQ).also(said).knowing(replace(memory, answers=memory.answers + 1))


def _hours(facts: m.Facts, proposal: m.TellHours) -> m.Say | None:
    """Asked for no day in particular: today and the next day with opening hours are the sources."""
    hours, days = facts.hours, proposal.days
    if proposal.at and not days and facts.today:
        days = (facts.today,)
    named = tuple(day for day in hours if day.day in days)
    if not days:
        named = hours[:1] + tuple(day for day in hours[1:] if day.spans)[:1]
    if not named:
        return None
    days = tuple(day.day for day in named) if days else ()
    at = proposal.at if days else None
    return m.Say(Line.HOURS, days=days, sources=tuple(day.id for day in named), at=at)


def clarify(turn: Turn, words: str, question: str) -> m.Decision:
    """Ask back. `question` is known to be one. Amid a message the same field stays asked for."""
    asked_back = turn.memory.asked_back + 1
    turn = turn.understood().also(m.Say(text=question))
    turn = turn.knowing(replace(turn.memory, asked_back=asked_back))
    if turn.state in (State.LEAD_CAPTURE, State.CONFIRMATION):
        return turn.listen(turn.memory.asking)
    return turn.wishing(words).to(State.INTENT).listen()


def is_question(text: str) -> bool:
    return text.strip().endswith("?")


def yes_or_no(turn: Turn, accepted: bool) -> m.Decision:
    """Only after "anything else?" is a no the end: said to any other question it is not."""
    asking = turn.memory.asking
    if asking == Ask.GOODBYE or (asking == Ask.ANYTHING_ELSE and not accepted):
        return closing.wrap_up(turn.understood())
    return turn.understood().to(State.INTENT).say(Line.HOW_CAN_I_HELP).listen()


def not_understood(turn: Turn, words: str) -> m.Decision:
    """The miss is counted: ask once more, then have a person see to it."""
    turn = turn.wishing(words)
    turn = turn if turn.state is State.FAQ else turn.to(State.INTENT)
    if turn.memory.misses >= turn.facts.limits.max_misses:
        operator = turn.facts.operator
        reachable = operator and operator.is_open and operator.numbers
        because = Line.PERSON_INSTEAD if reachable else Line.CANNOT_ANSWER
        return taking.unanswered(turn, words, because)
    return turn.say(Line.DID_NOT_UNDERSTAND).listen(turn.memory.asking)


def again(turn: Turn) -> m.Decision | None:
    """The answer just given; None when there was none."""
    facts, told = turn.facts, turn.memory.told
    entries = (p for p in facts.passages if p.id in told)
    said = [m.Say(text=entry.answer, sources=(entry.id,)) for entry in entries]
    if days := tuple(day for day in facts.hours if day.id in told):
        hours = m.Say(Line.HOURS, days=tuple(day.day for day in days))
        said.append(replace(hours, sources=tuple(day.id for day in days)))
    return _ask_on(turn.understood().to(State.FAQ).also(*said)) if said else None


def _ask_on(turn: Turn) -> m.Decision:
    if turn.memory.taking:
        return taking.resume(turn)
    turn = turn.knowing(replace(turn.memory, last_words=""))
    return turn.say(Line.ANYTHING_ELSE).listen(Ask.ANYTHING_ELSE)
