"""Keys: the way through a call that needs no understanding at all."""

from app.voice.flow import messages as m
from app.voice.flow import taking
from app.voice.flow.fields import is_field, note
from app.voice.flow.messages import Ask, Line
from app.voice.flow.proposals import consider, not_understood
from app.voice.flow.silence import repeat
from app.voice.flow.states import State
from app.voice.flow.turn import Turn

_YES_NO = {"1": True, "2": False}
_SHORTEST_NUMBER, _LONGEST_NUMBER = 7, 15  # E.164 allows 15; local numbers have at least 7


def pressed(turn: Turn, keys: str) -> m.Decision:
    keys = keys.strip().rstrip("#")
    asking = turn.memory.asking
    if keys == "0":
        return consider(turn, "", m.Transfer())
    if keys == "*":
        return _once_more(turn)
    if turn.state is State.LEAD_CAPTURE:
        return _into_field(turn, keys)
    if asking in (Ask.CONFIRM, Ask.ANYTHING_ELSE, Ask.GOODBYE) and keys in _YES_NO:
        return consider(turn, "", m.Confirm(_YES_NO[keys]))
    if turn.state is not State.CONFIRMATION and (department := _choice(turn.facts, keys)):
        return consider(turn, "", m.Transfer(department.id))
    return not_understood(turn, "")


def _into_field(turn: Turn, keys: str) -> m.Decision:
    """A phone number, or an intake question whose answer is a number."""
    asking, digits = turn.memory.asking, keys.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and is_field(turn, asking)):
        return not_understood(turn, "")
    number = _SHORTEST_NUMBER <= len(digits) <= _LONGEST_NUMBER
    if (asking == Ask.PHONE and number) or asking not in tuple(Ask):
        return taking.take(note(turn, m.Noted(asking, keys, m.Known.KEYED)))
    return not_understood(turn, "")


def _choice(facts: m.Facts, keys: str) -> m.Department | None:
    if len(keys) != 1 or keys not in "123456789":
        return None
    return next(iter(facts.departments[int(keys) - 1 : int(keys)]), None)


def _once_more(turn: Turn) -> m.Decision:
    if turn.state is State.CONFIRMATION:
        return turn.say(Line.READ_BACK).listen(Ask.CONFIRM)
    if turn.state is State.LEAD_CAPTURE:
        return repeat(turn)
    return turn.say(Line.MENU).listen(turn.memory.asking)
