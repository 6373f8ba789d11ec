"""The child processes of `run.py`: started, watched, restarted, and ended together."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.embedded import process
from config import ROOT

PATIENCE = 30.0
"""Seconds for ending: the web server itself gives requests under way 20."""
LONG_LIFE = 60.0
MOST_FAILURES = 3
MOST_DOUBLED = 6  # times, the pause before it is started again: a minute then
LOOK = 0.2


class ChildFailed(Exception):
    """A child ended although nobody asked it to; the message names its log and shows its end."""


@dataclass(slots=True)
class Child:
    name: str
    command: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    began: float = 0.0
    failures: int = 0
    again_at: float | None = None


class Family:
    """Children of one environment. Leaving the `with` block ends them all."""

    def __init__(
        self, environment: Mapping[str, str], log_dir: Path, gives_up: bool = True
    ) -> None:
        self.environment = dict(environment)
        self.log_dir = log_dir
        self.gives_up = gives_up
        self.hurry = False
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def add(self, command: str, name: str = "") -> None:
        """Start `run.py command`; its output goes to the log called `name`."""
        name = name or command
        child = Child(name, command, self.log_dir / f"{name}.log")
        process.rotate(child.log)
        self._children.append(child)
        self._start(child)

    def check(self) -> None:
        """Raise ChildFailed if one has ended: while starting up nothing is tried twice."""
        for child in self._children:
            if child.process and child.process.poll() is not None:
                raise self._failed(child)

    def watch(self, others: Sequence[Callable[[], None]]) -> None:
        """Until interrupted. A child that ends is started again, unless it keeps ending
        (`gives_up`; else it is tried again each minute).

        `others` look after what we did not start; they raise what shall end everything.
        """
        while True:
            for check in others:
                check()
            for child in self._children:
                self._look_after(child)
            time.sleep(LOOK)

    def end(self) -> None:
        """Ask all, wait, then end by force what is left, with whatever it started itself."""
        living = [child.process for child in self._children if child.process]
        for one in living:
            _signal(one, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while any(one.poll() is None for one in living) and not self.hurry:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        for one in living:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()

    def _start(self, child: Child) -> None:
        self.log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        child.began, child.again_at = time.monotonic(), None
        with child.log.open("ab") as output:
            child.process = subprocess.Popen(
                [sys.executable, str(ROOT / "run.py"), child.command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=process.end_with_us(signal.SIGTERM),
            )

    def _look_after(self, child: Child) -> None:
        if child.again_at is not None:
            if time.monotonic() >= child.again_at:
                self._start(child)
        elif child.process and child.process.poll() is not None:
            self._plan_again(child)

    def _plan_again(self, child: Child) -> None:
        now = time.monotonic()
        child.failures = 1 if now - child.began > LONG_LIFE else child.failures + 1
        if child.failures > MOST_FAILURES and self.gives_up:
            raise self._failed(child)
        child.again_at = now + 2.0 ** min(child.failures - 1, MOST_DOUBLED)
        ended = f"{child.name} ended unexpectedly and is started again."
        print(f"{ended} Its log: {child.log}", flush=True)

    def _failed(self, child: Child) -> ChildFailed:
        code = child.process.returncode if child.process else None
        return ChildFailed(
            f"{child.name} ended unexpectedly (exit {code}). "
            f"{child.log} ends with:\n{process.tail(child.log)}"
        )


def _signal(one: "subprocess.Popen[bytes]", what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        one.send_signal(what)
