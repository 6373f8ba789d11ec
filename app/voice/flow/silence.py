"""A caller who says nothing: the question is repeated, and in the end the call is closed."""

from dataclasses import replace

from app.voice.flow import closing, confirming, taking
from app.voice.flow import messages as m
from app.voice.flow.fields import is_field
from app.voice.flow.messages import Ask, Line
from app.voice.flow.states import State
from app.voice.flow.turn import Turn


def silent(turn: Turn) -> m.Decision:
    memory = replace(turn.memory, silences=turn.memory.silences + 1)
    turn = turn.knowing(memory)
    if memory.asking in (Ask.ANYTHING_ELSE, Ask.GOODBYE):  # silence is the answer here
        return closing.wrap_up(turn)
    if _unheard(turn) and memory.silences >= turn.facts.limits.max_unheard:
        return closing.nobody_there(turn)
    if memory.silences > turn.facts.limits.max_silences:
        return closing.goodbye(turn)
    return repeat(turn.say(Line.DID_NOT_HEAR))


def _unheard(turn: Turn) -> bool:
    """Not a word or key of this caller came yet: a machine, or a line that carries no sound."""
    return turn.memory.silences == turn.memory.turns


def repeat(turn: Turn) -> m.Decision:
    """Ask again what the caller was asked last."""
    match turn.state:
        case State.CONFIRMATION:
            return turn.say(Line.PLEASE_CONFIRM).listen(Ask.CONFIRM)
        case State.LEAD_CAPTURE:
            if is_field(turn, turn.memory.asking):
                return taking.ask_again(turn)
            return confirming.what_to_correct(turn)
    silences = turn.memory.silences
    line = Line.MENU if silences > 1 or (silences and _unheard(turn)) else Line.HOW_CAN_I_HELP
    return turn.say(line).listen(turn.memory.asking)
