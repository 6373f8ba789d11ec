"""Logs as one JSON object a line: a fixed sentence plus fields, never a caller's words.

A field's value is JSON, so a caller cannot forge a line with a line break.
"""

import json
import logging
import sys
from datetime import UTC, datetime

# What every LogRecord has; all else came by `extra=` and is a field.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Libraries that log each request or each poll.
_QUIET = ("werkzeug", "httpx2", "httpcore2", "openai", "twilio", "urllib3", "rq", "mail.log")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def install() -> None:
    """Send the process's logs to standard error, from INFO up (noisy libraries from WARNING)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
