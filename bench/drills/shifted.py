"""A process whose wall clock is set by a file: seconds ahead, read whenever the time is asked for.

The monotonic clock goes on as it does, and the database has its own. Put into a process before
anything else is imported (launcher.py).
"""

import datetime
import os
import time
from pathlib import Path
from typing import Any

FILE = "DRILL_CLOCK"


class _Kind(type):
    """Moments that others made, such as psycopg2, are of this kind, too."""

    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _real)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, _real)


_real = datetime.datetime
_time, _time_ns = time.time, time.time_ns


def _ahead() -> float:
    try:
        return float(_path.read_text())
    except (OSError, ValueError):  # it is being written
        return 0.0


class Shifted(datetime.datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _real.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return _real.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return _real.fromtimestamp(time.time())


def shift() -> None:
    global _path
    _path = Path(os.environ[FILE])
    time.time = lambda: _time() + _ahead()
    time.time_ns = lambda: _time_ns() + int(_ahead() * 1e9)
    datetime.datetime = Shifted  # type: ignore[misc]


_path = Path(os.devnull)
