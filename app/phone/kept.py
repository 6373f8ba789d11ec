"""What the product has kept of a call: asked for over REST when the call is over."""

import time
from dataclasses import dataclass
from typing import Any

from app.phone.rest import Rest

PATIENCE = 20.0
PAUSE = 0.1
FINISHED = ("done", "dead")


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows as REST gives them; `call` is empty when there is no such call."""

    call: dict[str, Any]
    transcripts: tuple[dict[str, Any], ...] = ()
    leads: tuple[dict[str, Any], ...] = ()
    transfers: tuple[dict[str, Any], ...] = ()
    jobs: tuple[dict[str, Any], ...] = ()

    @property
    def outcome(self) -> str | None:
        return self.call.get("outcome")

    def spoken(self, speaker: str) -> list[str]:
        return [row["text"] for row in self.transcripts if row["speaker"] == speaker]

    @property
    def states(self) -> list[str]:
        """Every state passed, as far as the transcript tells, each change once."""
        passed: list[str] = []
        for row in self.transcripts:
            evidence = row.get("evidence") or {}
            for state in evidence.get("path") or [row.get("state")]:
                if state and passed[-1:] != [state]:
                    passed.append(state)
        last = self.call.get("state")
        return passed if last is None or passed[-1:] == [last] else [*passed, last]

    @property
    def entries(self) -> list[int]:
        """Ids of the knowledge entries that answers rested on, in order, each once."""
        found: dict[int, None] = {}
        for row in self.transcripts:
            for source in (row.get("evidence") or {}).get("sources") or []:
                if isinstance(source, dict) and isinstance(source.get("entry_id"), int):
                    found[source["entry_id"]] = None
        return list(found)


def of_call(rest: Rest, call_sid: str, patience: float = PATIENCE) -> Kept:
    """Waits until the call has its outcome, at most `patience` seconds. `rest` is the tenant's."""
    deadline = time.monotonic() + patience
    while True:
        found = rest.find("calls", call_sid=call_sid)
        if (found and found[0].get("outcome")) or time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    if not found:
        return Kept({})
    call = found[0]["id"]
    rows = {
        name: tuple(rest.find(name, call=call)) for name in ("transcripts", "leads", "transfers")
    }
    jobs = tuple(row for row in rest.find("jobs") if _is_about(row, call))
    return Kept(found[0], jobs=jobs, **rows)


def _is_about(job: dict[str, Any], call: int) -> bool:
    """Jobs of a call have keys like `summarise_call:12` and `lead_notification:12:5`."""
    return str(job.get("key", "")).split(":")[1:2] == [str(call)]


def id_of(value: Any) -> int | None:
    """A related row comes as its id or as an object that has one."""
    value = value.get("id") if isinstance(value, dict) else value
    return value if isinstance(value, int) else None
