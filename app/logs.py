"""Logs as one JSON object a line: a fixed sentence plus fields, never a caller's words.

A field's value is JSON, so a caller cannot forge a line with a line break. Whatever gets into a
sentence, a field or a trace all the same is masked here, where every line leaves.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

from app.masking import mask, masked

# What every LogRecord has; all else came by `extra=` and is a field.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Libraries that log each request or each poll.
_QUIET = ("werkzeug", "httpx2", "httpcore2", "openai", "twilio", "urllib3", "rq", "mail.log")


_call_sid: ContextVar[str] = ContextVar("call_sid", default="")


@contextmanager
def about(call_sid: str) -> Iterator[None]:
    """Whatever this thread logs meanwhile is of that call, also where nobody knows it."""
    token = _call_sid.set(call_sid)
    try:
        yield
    finally:
        _call_sid.reset(token)


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": mask(record.getMessage()),
            "logger": record.name,
        }
        if call_sid := _call_sid.get():
            line["call_sid"] = masked("call_sid", call_sid)
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        line |= {key: masked(key, value) for key, value in extra.items()}
        if record.exc_info:
            line["trace"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, default=str, ensure_ascii=False)


def install() -> None:
    """Send the process's logs to standard error, from INFO up (noisy libraries from WARNING)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
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
