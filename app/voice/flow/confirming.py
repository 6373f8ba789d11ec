"""The read-back: yes keeps the message, no corrects it, and neither may go on for ever."""

from dataclasses import replace

from app.voice.flow import messages as m
from app.voice.flow import taking
from app.voice.flow.fields import fits, note, required
from app.voice.flow.messages import Ask, Line
from app.voice.flow.states import State
from app.voice.flow.turn import Turn

MOST_CORRECTIONS = 3

# How a caller may name a field when asked what to correct. Only a help for when nobody understands:
# an interpreter proposes the field itself.
_CALLED: dict[str, tuple[str, ...]] = {
    Ask.PHONE: ("phone", "number", "teléfono", "telefono", "número", "numero"),
    Ask.EMAIL: ("mail", "correo"),
    Ask.NAME: ("name", "nombre", "apellido"),
    Ask.REASON: ("reason", "message", "motivo", "mensaje", "asunto"),
}


def answered(turn: Turn, proposal: m.Confirm) -> m.Decision:
    fields = fits(turn, proposal.fields)
    draft = turn.memory.draft
    if any(field.value != draft.get(field.key) for field in fields):
        return corrected(turn, fields)
    if proposal.accepted:
        return taking.saved(turn, agreed=True)
    if turn.memory.corrections >= MOST_CORRECTIONS:
        return taking.saved(turn, agreed=False)
    return what_to_correct(_counted(turn.understood()))


def corrected(turn: Turn, fields: tuple[m.Noted, ...]) -> m.Decision:
    """Note the correction and read all of it back again. `fields` are those that fit."""
    if not fields:
        return unclear(turn.missed())
    spent = turn.memory.corrections >= MOST_CORRECTIONS
    turn = note(turn, *fields).to(State.LEAD_CAPTURE)
    return taking.saved(turn, agreed=False) if spent else taking.take(_counted(turn))


def unclear(turn: Turn) -> m.Decision:
    """Neither yes nor no (the miss is counted): ask plainly, then keep it unconfirmed."""
    if turn.memory.misses > turn.facts.limits.max_misses:
        return taking.saved(turn, agreed=False)
    return turn.say(Line.PLEASE_CONFIRM).listen(Ask.CONFIRM)


def what_to_correct(turn: Turn) -> m.Decision:
    return turn.to(State.LEAD_CAPTURE).say(Line.WHAT_TO_CORRECT).listen()


def correction_missed(turn: Turn, words: str) -> m.Decision:
    """After "what shall I correct?" (the miss is counted): a field's name asks for that field; the
    second time that nothing helps, every field is asked for again. Old values stay until new come.
    """
    redo = _named(turn, words)
    if not redo and turn.memory.misses >= taking.MISSES_PER_FIELD:
        redo = required(turn)
    if not redo:
        return what_to_correct(turn)
    return taking.take(turn.knowing(replace(turn.understood().memory, redo=redo)))


def _named(turn: Turn, words: str) -> tuple[str, ...]:
    heard, asked = words.casefold(), required(turn)
    for key in dict.fromkeys((*_CALLED, *asked)):
        known = key in asked or bool(turn.memory.draft.get(key))
        if known and any(name in heard for name in _CALLED.get(key, (key.replace("_", " "),))):
            return (key,)
    return ()


def _counted(turn: Turn) -> Turn:
    return turn.knowing(replace(turn.memory, corrections=turn.memory.corrections + 1))
