"""A call that comes to its limit of time, turns or money: a message is taken, then it ends."""

from dataclasses import replace

from app.voice.flow import closing, taking
from app.voice.flow import messages as m
from app.voice.flow.messages import Line
from app.voice.flow.states import State
from app.voice.flow.turn import Turn

LAST_TURNS = 6  # enough for a message


def on(turn: Turn, event: m.Event) -> m.Decision | None:
    """None: there is time enough, or the message is being taken already."""
    if not _running_out(turn) or turn.state in (State.LEAD_CAPTURE, State.CONFIRMATION):
        return None
    memory = turn.memory
    if memory.hurried or memory.confirmed or turn.state is State.WRAP_UP:
        return closing.goodbye(turn.refuse("running out"))
    words = event.words if isinstance(event, m.CallerSpoke) else ""
    turn = turn.knowing(replace(memory, hurried=True)).wishing(words).refuse("running out")
    return taking.take(turn.say(Line.RUNNING_OUT))


def _running_out(turn: Turn) -> bool:
    most = turn.facts.limits.max_turns
    return turn.facts.running_out or most - turn.memory.turns < min(LAST_TURNS, most // 3)
