"""A wall clock for work that has none: what sends a byte now and then outlives every timeout that
counts per read."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from app import logs

Found = TypeVar("Found")


class Late(Exception):
    """Not done in time. The thread is left behind, and what it finds is thrown away."""


def within(seconds: float, work: Callable[[], Found]) -> Found:
    """What `work` returns or raises, in a thread of its own; it sees no application context. Raises
    Late."""
    outcome: Future[Found] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # the edge: told to whoever waits
            outcome.set_exception(error)

    threading.Thread(target=logs.carried(run), daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError as error:
        if outcome.done():  # its own: a socket's timeout is of this class, too
            raise
        raise Late(f"no answer within {seconds:g} seconds") from error
