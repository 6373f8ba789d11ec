"""Keys: the way through a call that needs no understanding at all."""

from dataclasses import replace

from app.voice.flow import messages as m
from app.voice.flow import taking
from app.voice.flow.fields import is_field, note
from app.voice.flow.messages import Ask, Line
from app.voice.flow.proposals import consider, not_understood
from app.voice.flow.silence import repeat
from app.voice.flow.states import State
from app.voice.flow.turn import Turn

_YES_NO = {"1": True, "2": False}
OTHER_LANGUAGE = "8"
_SHORTEST_NUMBER, _LONGEST_NUMBER = 7, 15  # E.164 allows 15; local numbers have at least 7


def pressed(turn: Turn, keys: str) -> m.Decision:
    keys = keys.strip().rstrip("#")
    asking = turn.memory.asking
    if keys == "0":
        return consider(turn, "", m.Transfer())
    if keys == "*":
        return _once_more(turn)
    if keys == OTHER_LANGUAGE and turn.facts.other_language and not _wants_digits(turn):
        return change_language(turn)
    if turn.state is State.LEAD_CAPTURE:
        return _into_field(turn, keys)
    if asking in (Ask.CONFIRM, Ask.ANYTHING_ELSE, Ask.GOODBYE) and keys in _YES_NO:
        return consider(turn, "", m.Confirm(_YES_NO[keys]))
    if turn.state is not State.CONFIRMATION and (department := _choice(turn.facts, keys)):
        return consider(turn, "", m.Transfer(department.id))
    return not_understood(turn, "")


def change_language(turn: Turn) -> m.Decision:
    """From the next sentence on: whoever renders the decision goes by its memory."""
    memory = replace(turn.understood().memory, language=turn.facts.other_language)
    turn = turn.knowing(memory)
    if turn.state is State.CONFIRMATION:
        return taking.read_back(turn)
    return repeat(turn)


def _wants_digits(turn: Turn) -> bool:
    asking = turn.memory.asking
    return turn.state is State.LEAD_CAPTURE and (asking == Ask.PHONE or asking not in tuple(Ask))


def _into_field(turn: Turn, keys: str) -> m.Decision:
    """A phone number, or an intake question whose answer is a number."""
    asking, digits = turn.memory.asking, keys.removeprefix("+")
    if turn.memory.offered and asking == Ask.PHONE and keys in _YES_NO:
        return taking.offer_answered(turn, _YES_NO[keys])
    if not (digits.isascii() and digits.isdigit() and is_field(turn, asking)):
        return not_understood(turn, "")
    if asking == Ask.PHONE and turn.memory.pieces.replace(" ", "").isdigit():
        keys = digits = turn.memory.pieces.replace(" ", "") + digits
    if asking == Ask.PHONE and len(digits) < _SHORTEST_NUMBER:
        return taking.hold(turn, keys.removeprefix(turn.memory.pieces.replace(" ", "")))
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
        return taking.read_back(turn)
    if turn.state is State.LEAD_CAPTURE:
        return repeat(turn)
    return turn.say(Line.MENU).listen(turn.memory.asking)
