"""Work that the product does not have: rows that raise, crash or hang, and shorter times for them;
and a clock of its own.

Put into its processes by the harness (launcher.py), as controls are taken away.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

from bench.drills import shifted

RAISES, CRASHES, HANGS = "drill_raises", "drill_crashes", "drill_hangs"
TRIES = 3
REASON = "this row is poisoned"
# A fifteenth of the product's: a drill need not wait for minutes.
LEASE, EVERY, LONGEST = timedelta(seconds=3), 0.7, timedelta(seconds=10)


class Poisoned(Exception):
    """Not one of the product's own."""


def _raise(_: Any) -> NoReturn:
    raise Poisoned(REASON)


def _crash(_: Any) -> dict[str, Any]:
    import ctypes

    ctypes.string_at(0)
    raise AssertionError("memory at 0 can be read")


def _hang(_: Any) -> NoReturn:
    while True:
        time.sleep(60)


def _poison() -> None:
    from app.jobs import holding
    from app.jobs.handlers import HANDLERS, Handler

    for kind, run in ((RAISES, _raise), (CRASHES, _crash), (HANGS, _hang)):
        HANDLERS[kind] = Handler(run, attempts=TRIES, first=timedelta(seconds=1))
    vars(holding).update(LEASE=LEASE, EVERY=EVERY, LONGEST=LONGEST)


PLANTED: dict[str, Callable[[], None]] = {"poison": _poison, "clock": shifted.shift}
