"""The threads of a node, shared by tenants: a flood of one's calls never starves another's."""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

T = TypeVar("T")

KEPT_FREE: Final = 8  # of so many threads one is left to others
PATIENCE: Final = 1.0  # seconds, as for a connection; then work goes on all the same


def most_of(threads: int) -> int:
    """How many of them one tenant may have at once."""
    return max(1, threads - max(1, threads // KEPT_FREE))


class FairPool:
    """Runs what tenants submit in `threads`. Who waits is served in turn, one piece of work of each
    tenant after the other, and nobody ever has all threads."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._most = most_of(threads)
        self._pool = ThreadPoolExecutor(threads, name)
        self._lock = threading.Lock()
        self._waiting: OrderedDict[int, deque[tuple[Future[Any], Callable[[], Any]]]] = (
            OrderedDict()
        )
        self._running: Counter[int] = Counter()

    def submit(self, tenant_id: int, work: Callable[[], T]) -> "Future[T]":
        future: Future[T] = Future()
        with self._lock:
            self._waiting.setdefault(tenant_id, deque()).append((future, work))
            self._start()
        return future

    def waiting(self, tenant_id: int) -> int:
        """How much of this tenant's work has not begun."""
        with self._lock:
            return len(self._waiting.get(tenant_id, ()))

    def close(self) -> None:
        with self._lock:
            self._waiting.clear()
        self._pool.shutdown(cancel_futures=True)

    def _start(self) -> None:
        """As much as there are threads for. The lock is held."""
        while self._running.total() < self._threads and (whose := self._next()) is not None:
            future, work = self._waiting[whose].popleft()
            if self._waiting[whose]:
                self._waiting.move_to_end(whose)
            else:
                del self._waiting[whose]
            self._running[whose] += 1
            self._pool.submit(self._run, whose, future, work)

    def _next(self) -> int | None:
        return next((who for who in self._waiting if self._running[who] < self._most), None)

    def _run(self, whose: int, future: "Future[Any]", work: Callable[[], Any]) -> None:
        try:
            if future.set_running_or_notify_cancel():
                future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            with self._lock:
                self._running[whose] -= 1
                self._running += Counter()  # forget who has none
                self._start()


class Shares:
    """Who of the tenants has how many of `places` just now."""

    def __init__(self, places: int) -> None:
        self._most = most_of(places)
        self._lock = threading.Lock()
        self._held: Counter[int] = Counter()

    @contextmanager
    def held(self, tenant_id: int) -> Iterator[bool]:
        """While inside, one more is held; whether it is within the tenant's share."""
        with self._lock:
            self._held[tenant_id] += 1
            within = self._held[tenant_id] <= self._most
        try:
            yield within
        finally:
            with self._lock:
                self._held[tenant_id] -= 1
                self._held += Counter()


class Pace:
    """How many threads of one tenant are at work at once, rather than waiting for a model. More
    would do nothing sooner: they wait for one interpreter lock, and for one row of the tenant's
    money, while each keeps a connection and holds up everybody else's."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[int, threading.Semaphore] = {}

    @contextmanager
    def at_work(self, tenant_id: int) -> Iterator[None]:
        place = _Place(self._of.setdefault(tenant_id, threading.Semaphore(self._most)))
        token = _mine.set(place)
        place.take()
        try:
            yield
        finally:
            place.give_back()
            _mine.reset(token)


class _Place:
    def __init__(self, places: threading.Semaphore) -> None:
        self._places, self._held = places, False

    def take(self) -> None:
        self._held = self._places.acquire(timeout=PATIENCE)

    def give_back(self) -> None:
        if self._held:
            self._held = False
            self._places.release()


_mine: ContextVar[_Place | None] = ContextVar("place_at_work", default=None)


@contextmanager
def aside() -> Iterator[None]:
    """While whoever is at work only waits."""
    place = _mine.get()
    if place:
        place.give_back()
    try:
        yield
    finally:
        if place:
            place.take()
