"""One process of the product under drill: started, asked to end, killed, started again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.embedded import process
from config import ROOT

PATIENCE = 30.0


@dataclass
class Part:
    """`command` is of run.py, or (a list) a program's. With `without` it runs without that control
    (undone.py): then it is the harness that starts it, and patches it before it begins."""

    name: str
    command: str | list[str]
    environment: Mapping[str, str]
    log: Path
    without: str = ""
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv(), cwd=ROOT, env=dict(self.environment), stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=process.end_with_us(signal.SIGTERM),
            )  # fmt: skip

    def _argv(self) -> list[str]:
        if isinstance(self.command, list):
            return self.command
        if self.without:
            return [sys.executable, "-m", "bench.drills.launcher", self.without, self.command]
        return [sys.executable, str(ROOT / "run.py"), self.command]

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def signal(self, number: signal.Signals) -> None:
        """To the process alone."""
        if self._process:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Without warning, and with all that it started: RQ's children have groups of their own."""
        if self._process:
            children = []
            with contextlib.suppress(psutil.NoSuchProcess):
                children = psutil.Process(self._process.pid).children(recursive=True)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            self._process.wait()

    def ask_to_end(self) -> None:
        if self._process and self.alive:
            self._process.send_signal(signal.SIGTERM)

    def wait_ended(self, seconds: float = PATIENCE) -> bool:
        """True when it ended in time; else it is killed."""
        until = time.monotonic() + seconds
        while self.alive and time.monotonic() < until:
            time.sleep(0.02)
        ended = not self.alive
        self.kill()
        return ended

    def stop(self) -> bool:
        self.ask_to_end()
        return self.wait_ended()

    def tail(self) -> str:
        return process.tail(self.log)
