"""Drills side by side, each lane in a world of its own: most of them only wait. Those that need the
whole machine come after, one at a time."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from functools import cache
from multiprocessing import connection, util
from typing import TypeVar

from bench.drills import world
from bench.drills.drill import Drill

LANES = 2
R = TypeVar("R")


def play(chosen: list[Drill], run: Callable[[str, world.World], R]) -> Iterator[R]:
    """What each came to, as it comes. `run` gets a drill's name, in a lane's process: it must be
    pickled. Raises what a world raises that does not start."""
    shared = [drill for drill in chosen if not drill.alone]
    lanes = max(1, min(LANES, len(shared)))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(lanes, context, initializer=_end_with_parent) as pool:

        def begin(drill: Drill) -> "Future[R]":
            return pool.submit(_in_this_lane, run, drill.name)

        try:
            for done in as_completed([begin(drill) for drill in shared]):
                yield done.result()
            for drill in chosen:
                if drill.alone:
                    yield begin(drill).result()
        finally:
            pool.shutdown(cancel_futures=True)


def _in_this_lane(run: Callable[[str, world.World], R], name: str) -> R:
    return run(name, _world())


@cache
def _world() -> world.World:
    """What it has become by a drill is put right before the next one."""
    stack = ExitStack()
    util.Finalize(None, stack.close, exitpriority=0)  # `atexit` is not for such a process
    return stack.enter_context(world.running())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)  # and all that was started goes with us

    threading.Thread(target=watch, daemon=True).start()
