"""The flow's Memory as JSON, the form in which a CallSession keeps it."""

from typing import Any, Final

from app.voice.flow.messages import Draft, Known, Memory, Noted

_NAMES: Final = tuple(Memory.__dataclass_fields__)


def to_json(memory: Memory) -> dict[str, Any]:
    noted = [
        {"key": field.key, "value": field.value, "known": field.known}
        for field in memory.draft.fields
    ]
    return {name: getattr(memory, name) for name in _NAMES} | {"draft": {"fields": noted}}


def from_json(stored: dict[str, Any]) -> Memory:
    """Unknown keys of an older or newer version are left out, missing ones take their default."""
    known = {key: value for key, value in stored.items() if key in Memory.__dataclass_fields__}
    draft = known.pop("draft", None) or {}
    for several in ("told", "tried", "skipped", "redo"):
        known[several] = tuple(known.get(several) or ())
    fields = tuple(
        Noted(field["key"], field["value"], Known(field["known"]))
        for field in draft.get("fields", ())
    )
    return Memory(**known, draft=Draft(fields))
