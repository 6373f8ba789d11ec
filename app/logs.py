"""Logs as one JSON object a line: a fixed sentence plus fields, never a caller's words.

A field's value is JSON, so a caller cannot forge a line with a line break. Whatever gets into a
sentence, a field or a trace all the same is masked here, where every line leaves.

What a line is about (the call, its business, the job) is said once, with `about` or `bind`, and
stands in every line that is written until then, whoever writes it.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Any, ParamSpec, TypeVar

from app.masking import mask, masked

Given = ParamSpec("Given")
Found = TypeVar("Found")

# What every LogRecord has; all else came by `extra=` and is a field.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Libraries that log each request or each poll.
_QUIET = ("werkzeug", "httpx2", "httpcore2", "openai", "twilio", "urllib3", "rq", "mail.log")
# JSON may hold these as they are, but a terminal obeys them, and some readers end a line at them.
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=_NOTHING)


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Lines that are written within, by this thread, carry these fields besides their own."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def bind(**fields: Any) -> None:
    """As `about`, until `unbind`: for a request, whose end is somewhere else."""
    _about.set({**_about.get(), **fields})


def unbind() -> None:
    _about.set(_NOTHING)


def carried(work: Callable[Given, Found]) -> Callable[Given, Found]:
    """`work`, to be run by another thread: its lines will carry what this one's do now."""
    fields = _about.get()

    def run(*args: Given.args, **named: Given.kwargs) -> Found:
        with about(**fields):
            return work(*args, **named)

    return run


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": mask(record.getMessage()),
            "logger": record.name,
        }
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        line |= {key: masked(key, value) for key, value in {**_about.get(), **extra}.items()}
        if record.exc_info:
            line["trace"] = mask(self.formatException(record.exc_info))
        text = json.dumps(line, default=str, ensure_ascii=False)
        return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def install() -> None:
    """Send the process's logs to standard error, from INFO up (noisy libraries from WARNING)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Python's own would print the trace past us."""
    if issubclass(kind, KeyboardInterrupt | SystemExit) or error is None:
        return
    logging.getLogger(__name__).critical("uncaught error", exc_info=(kind, error, trace))
