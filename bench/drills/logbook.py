"""The product's logs of one drill: errors that nobody can lay to a call, and words not meant for
them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GRAVE = ("error", "critical")
# Lines of processes that serve no call at that moment: whose, what stands in them, and why.
OF_NO_CALL = {
    ("app.jobs.running", "job given up"): "names its job, whose row names the call",
    ("app.jobs.schedule", "periodic work failed"): "the scheduler serves no call",
    ("app.alerts.watching", "an alert begins"): "of the installation; what was broken is noticed",
    ("app.alerts.watching", "operators could not be told"): "the mail server refuses them, too",
    ("app.jobs.holding", "a job hangs"): "names its job, whose row names the call",
    ("flask_appbuilder.forms", "Type not supported"): "said of columns of lists, as a node starts",
    ("rq.worker", "Work-horse terminated"): "a crash or a hang; the row has its own record",
    ("rq.worker", "could not connect to Redis"): "RQ waits for a Redis that is away",
    ("rq.worker", "redis.exceptions"): "RQ gave it up, and is begun anew (app/jobs/worker.py)",
    ("gunicorn.error", "Worker (pid:"): "the web server's own watch over its processes",
}


@dataclass(frozen=True, slots=True)
class Line:
    """`fields` is empty for a line that is not JSON."""

    part: str
    text: str
    fields: dict[str, Any]

    @property
    def is_grave(self) -> bool:
        return self.fields.get("level") in GRAVE

    @property
    def names_its_call(self) -> bool:
        return bool(self.fields.get("call_sid"))

    @property
    def is_of_no_call(self) -> bool:
        logger = self.fields.get("logger")
        return any(logger == whose and words in self.text for whose, words in OF_NO_CALL)


class Logbook:
    """Reads each part's log from where it ended when this was made."""

    def __init__(self, logs: dict[str, Path]) -> None:
        self._began = {name: (path, _size(path)) for name, path in logs.items()}

    def lines(self) -> list[Line]:
        return [line for name in self._began for line in self._of(name)]

    def _of(self, name: str) -> Iterable[Line]:
        path, began = self._began[name]
        with path.open("rb") as file:
            file.seek(began)
            for text in file.read().decode(errors="replace").splitlines():
                yield Line(name, text, _fields(text))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def faults(lines: Iterable[Line]) -> list[str]:
    """Grave lines without their call, and what was printed past the log."""
    found = []
    for line in lines:
        if not line.fields and line.text.strip():
            found.append(f"{line.part} printed past its log: {line.text[:160]}")
        elif line.is_grave and not line.names_its_call and not line.is_of_no_call:
            found.append(f"{line.part} logged an error without its call: {line.text[:300]}")
    return found
