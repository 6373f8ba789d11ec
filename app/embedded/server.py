"""What our own PostgreSQL and Valkey have in common: started, looked after, revived, ended."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, Self

from app.embedded import place, process
from app.embedded.errors import EmbeddedServiceError
from app.embedded.ports import free_port

PATIENCE = 60.0
"""Seconds: recovery after a crash replays what was written since the last checkpoint."""


class EmbeddedServer(ABC):
    """A server with its files in `data_dir`, running between `start` and `stop`, or inside `with`.

    `durable=False` is for tests: nothing is flushed to the disk, and the data goes on `stop`.
    """

    name: str
    usual_port: int
    farewell: signal.Signals
    """What asks it to end in good order."""

    def __init__(self, data_dir: Path, durable: bool = True) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.durable = durable
        self.port = 0
        self.log = self.data_dir / "log" / f"{self.name.lower()}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Return when it answers. Raises EmbeddedServiceError."""
        try:
            self.launch()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        """Start without waiting, so that other things can start meanwhile."""
        self._who = place.identity()
        self._folder = place.choose_folder(
            self.data_dir, self.name.lower(), self._who, self.durable
        )
        self._lock = place.lock(self._folder)
        self._prepare()
        self._end_leftover()
        self._spawn(free_port(self.usual_port if self.durable else 0))

    def wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process and self._process.poll() is not None:
                self._try_another_port()
            elif self._answers():
                return
            time.sleep(0.02)
        raise self._failure(f"{self.name} did not answer within {PATIENCE:.0f} s.")

    def check(self) -> None:
        """Raise EmbeddedServiceError if it has ended by itself."""
        if self._process and self._process.poll() is not None:
            raise self._failure(f"{self.name} ended unexpectedly.")

    def revive(self) -> None:
        """Start again where it was, after it ended by itself: others know its address. Raises
        EmbeddedServiceError."""
        self._end_leftover()
        self._spawn(self.port)
        self.wait_ready()

    def stop(self) -> None:
        if self._process:
            process.end(self._process, self.farewell, patience=30)
            self._process = None
        if self._lock:
            self._forget()
            if not self.durable:
                place.forget_folder(self.data_dir, self._folder)
            self._lock.close()
            self._lock = None

    @abstractmethod
    def _prepare(self) -> None:
        """Find the programs and the password, and make the files of a first start."""

    @abstractmethod
    def _end_leftover(self) -> None:
        """The lock is ours, so a server still running here has lost its run.py: end it."""

    @abstractmethod
    def _spawn(self, port: int) -> None: ...

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it is ready, and the one who answers is ours."""

    @abstractmethod
    def _forget(self) -> None:
        """Take back what was noted for a later start."""

    def _run(self, command: list[str | Path], text: str = "") -> None:
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        self._process = process.spawn(command, self.log, self._who, self.farewell, text)

    def _try_another_port(self) -> None:
        if b"Address already in use" not in self.log.read_bytes()[self._log_began :]:
            raise self._failure(f"{self.name} ended while starting.")
        self._spawn(free_port(self.port))

    def _failure(self, sentence: str) -> EmbeddedServiceError:
        return EmbeddedServiceError(f"{sentence} {self.log} ends with:\n{process.tail(self.log)}")
