"""How a call comes to its end, and how a message begun is kept when it does."""

from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Line
from app.voice.flow.states import State
from app.voice.flow.turn import Turn


def reachable(draft: m.Draft, facts: m.Facts) -> m.Draft:
    """The draft with a way to call back: caller ID stands in for a number that was not given."""
    if draft.get(Ask.PHONE) or not facts.caller_number:
        return draft
    return draft.noting(m.Noted(Ask.PHONE, facts.caller_number, m.Known.CALLER_ID))


def keep(turn: Turn) -> Turn:
    """Save a message that was begun but not agreed to: half a message beats none."""
    if not (turn.memory.taking and turn.memory.draft.fields):
        return turn
    return turn.also(m.SaveLead(reachable(turn.memory.draft, turn.facts)))


def goodbye(turn: Turn) -> m.Decision:
    """The end by our own doing: silence, a limit, or nothing left to do. Said once."""
    if turn.memory.asking == Ask.GOODBYE:
        return keep(turn).hang_up()
    return keep(turn).say(Line.GOODBYE).hang_up()


def nobody_there(turn: Turn) -> m.Decision:
    return keep(turn).say(Line.NOBODY_THERE).hang_up()


def time_is_up(turn: Turn) -> m.Decision:
    return keep(turn).say(Line.TIME_IS_UP).say(Line.GOODBYE).hang_up()


def hung_up(turn: Turn) -> m.Decision:
    return keep(turn).end()


def wrap_up(turn: Turn) -> m.Decision:
    """Say goodbye but listen a last moment: callers often remember something just then."""
    if turn.memory.asking == Ask.GOODBYE:
        return turn.hang_up()
    return turn.to(State.WRAP_UP).say(Line.GOODBYE).listen(Ask.GOODBYE)


def give_up_message(turn: Turn) -> m.Decision:
    """The caller leaves in the middle of a message. A name that nobody can call back is no lead."""
    draft = reachable(turn.memory.draft, turn.facts)
    if draft.get(Ask.REASON) or draft.get(Ask.PHONE):
        return goodbye(turn)
    return turn.say(Line.GOODBYE).hang_up()
