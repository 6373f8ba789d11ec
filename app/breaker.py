"""Breakers: what failed several times running is left alone for a moment, so that nobody waits for
it in vain.

Each process has its own. It learns in a few failures what is away, and forgets it with one success;
a shared state would have to be kept in PostgreSQL or Redis, which are among what may be away. What
must hold on all nodes at once, that a business's calls go elsewhere, is a row (voice/failing.py).

Libraries: pybreaker holds its lock while the guarded call runs, so calls would queue behind a slow
one; circuitbreaker has no locks at all.
"""

import threading
import time
from collections.abc import Callable
from logging import getLogger

log = getLogger(__name__)

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"


class Breaker:
    """Open after `failures` in a row. `seconds` later one try is let through, and if that neither
    passes nor fails, another one as much later. Safe for many threads."""

    def __init__(
        self,
        name: str,
        failures: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._most, self._seconds, self._clock = failures, seconds, clock
        self._failures = 0
        self._not_before = 0.0
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        if self._failures < self._most:
            return CLOSED
        return OPEN if self._clock() < self._not_before else HALF_OPEN

    def asks(self) -> bool:
        """Whether to try. Tell with `passed` or `failed` what came of it."""
        if self._failures < self._most:  # nearly always: without the lock
            return True
        with self._lock:
            now = self._clock()
            if self._failures < self._most:
                return True
            if now < self._not_before:
                return False
            self._not_before = now + self._seconds
            return True

    def passed(self) -> None:
        if not self._failures:
            return
        with self._lock:
            was_open, self._failures = self._failures >= self._most, 0
        if was_open:
            log.warning("answers again", extra={"dependency": self.name})

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            opens = self._failures == self._most
            if self._failures >= self._most:
                self._not_before = self._clock() + self._seconds
        if opens:
            log.warning("left alone for a while", extra={"dependency": self.name})


_known: dict[str, Breaker] = {}


def of(name: str, failures: int, seconds: float) -> Breaker:
    """This process's breaker of that name."""
    return _known.get(name) or _known.setdefault(name, Breaker(name, failures, seconds))


def states() -> dict[str, str]:
    """Of those that are not closed."""
    return {name: b.state for name, b in sorted(_known.items()) if b.state != CLOSED}


def forget() -> None:
    """As if nothing had failed yet: for a process that begins, after a fork."""
    _known.clear()
