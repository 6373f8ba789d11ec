"""Open talk: answers, hours, questions back, yes and no, and what nobody understood."""

from dataclasses import replace

from app.voice.flow import closing, taking
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Line
from app.voice.flow.states import State
from app.voice.flow.turn import Turn


def answer(turn: Turn, words: str, proposal: m.Answer) -> m.Decision:
    """Speak it only when it rests on sources that were offered this turn."""
    text, sources = proposal.text.strip(), proposal.sources
    if not (text and sources and turn.facts.sources.issuperset(sources)):
        return taking.unanswered(turn.refuse("answer without a source").understood(), words)
    return _answered(turn, m.Say(text=text, sources=sources))


def tell_hours(turn: Turn, words: str, proposal: m.TellHours) -> m.Decision:
    """Asked for no day in particular: today and the next day with opening hours are the sources."""
    hours = turn.facts.hours
    told = tuple(day for day in hours if day.day in proposal.days)
    if not proposal.days:
        told = hours[:1] + tuple(day for day in hours[1:] if day.spans)[:1]
    if not told:
        return taking.unanswered(turn.refuse("no such hours").understood(), words)
    days = tuple(day.day for day in told) if proposal.days else ()
    return _answered(turn, m.Say(Line.HOURS, days=days, sources=tuple(day.id for day in told)))


def clarify(turn: Turn, words: str, question: str) -> m.Decision:
    """Ask back. `question` is known to be one. Amid a message the same field stays asked for."""
    turn = turn.understood().also(m.Say(text=question))
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
        return taking.unanswered(turn, words)
    return turn.say(Line.DID_NOT_UNDERSTAND).listen(turn.memory.asking)


def _answered(turn: Turn, said: m.Say) -> m.Decision:
    memory = turn.understood().memory
    turn = turn.to(State.FAQ).also(said).knowing(replace(memory, answers=memory.answers + 1))
    if memory.taking:
        return taking.resume(turn)
    turn = turn.knowing(replace(turn.memory, last_words=""))
    return turn.say(Line.ANYTHING_ELSE).listen(Ask.ANYTHING_ELSE)
