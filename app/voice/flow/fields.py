"""The fields of a message: which are asked for, what may be noted in them, and noting it."""

from dataclasses import replace

from app.voice.flow import messages as m
from app.voice.flow import words
from app.voice.flow.messages import Ask
from app.voice.flow.turn import LONGEST_WORDS, Turn

CONTACT = (Ask.NAME, Ask.PHONE, Ask.EMAIL)


def required(turn: Turn) -> tuple[str, ...]:
    """A message asks for something, whatever a tenant has configured; and the tenant's own
    questions that fit what this caller said."""
    facts, memory = turn.facts, turn.memory
    said = f"{memory.draft.get(Ask.REASON)} / {memory.last_words}"
    own = (q.key for q in facts.intake if not q.when or any(words.holds(said, w) for w in q.when))
    return tuple(dict.fromkeys((*(facts.required or (Ask.REASON,)), *own)))


def is_field(turn: Turn, key: str) -> bool:
    own = (question.key for question in turn.facts.intake)
    return key in {*CONTACT, Ask.REASON, *turn.facts.required, *own}


def pending(turn: Turn) -> tuple[str, ...]:
    """The keys still to be asked for, in the tenant's order."""
    memory = turn.memory
    missing = memory.draft.missing(required(turn))
    wanted = dict.fromkeys((*required(turn), *memory.redo))
    return tuple(
        key
        for key in wanted
        if key in memory.redo or (key in missing and key not in memory.skipped)
    )


def fits(turn: Turn, fields: tuple[m.Noted, ...]) -> tuple[m.Noted, ...]:
    """The proposed fields as they may be noted: keys this tenant asks for, bounded, and heard:
    nobody but the keys, the carrier and the read-back may claim to know better."""
    return tuple(
        m.Noted(field.key, field.value.strip()[:LONGEST_WORDS], _known(turn, field))
        for field in fields
        if is_field(turn, field.key) and field.value.strip()
    )


def _known(turn: Turn, field: m.Noted) -> m.Known:
    from_carrier = field.known is m.Known.CALLER_ID and field.value == turn.facts.caller_number
    return m.Known.CALLER_ID if from_carrier else m.Known.HEARD


def in_passing(turn: Turn, told: tuple[m.Noted, ...]) -> Turn:
    """Kept for a message that may come of the call, so that it is not asked for then."""
    return note(turn, *fits(turn, told)) if told and not turn.memory.taking else turn


def note(turn: Turn, *fields: m.Noted) -> Turn:
    """Note what `fits` let through; a value said again keeps the surer way it is known."""
    memory, keys = turn.memory, {field.key for field in fields}
    newer = [field for field in fields if field.value != memory.draft.get(field.key)]
    return turn.understood().knowing(
        replace(
            turn.understood().memory,
            draft=memory.draft.noting(*newer),
            redo=tuple(key for key in memory.redo if key not in keys),
            skipped=tuple(key for key in memory.skipped if key not in keys),
        )
    )
