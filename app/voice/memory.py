"""The flow's Memory as JSON, the form in which a CallSession keeps it."""

from dataclasses import asdict
from typing import Any

from app.voice.flow.messages import Draft, Known, Memory, Noted


def to_json(memory: Memory) -> dict[str, Any]:
    return asdict(memory)


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
