"""The product as processes of its own, with as much of it as a measurement needs."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from app import create_app
from app.cli.migrate import DATABASE, migrate
from app.cli.start import is_healthy
from app.embedded import EmbeddedPostgres, EmbeddedValkey, free_port, process
from app.extensions import db
from bench import business, product
from bench.load.callers import Place
from config import ROOT, Settings

BASE_URL = "http://reception.example.com"
ACCOUNT, TOKEN = "AC" + "0" * 32, "token"
NUMBERS = tuple(f"+1212555{last:04}" for last in range(100, 150))  # each a business of its own
RECIPIENT = "owner@load.example.com"
PATIENCE = 120.0
ENTRIES = (
    ("Where can I park?", "Parking is free in the yard behind the shop."),
    ("Can I pay by card?", "Yes, we take every common card."),
    ("Which areas do you cover?", "We come to the whole city."),
)


class NotUp(Exception):
    """A process ended, or did not get ready; the message shows the end of its log."""


@dataclass
class World:
    """`environment` is every process's; what `start` is told goes before it."""

    folder: Path
    settings: Settings
    environment: dict[str, str]
    admin_url: str
    children: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    logs: dict[int, Path] = field(default_factory=dict)  # by process id

    def start(self, *argv: str, **changes: str) -> "subprocess.Popen[bytes]":
        log = self.folder / f"{'-'.join(argv).replace('/', '_')}-{len(self.children)}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, *argv], cwd=ROOT, env=self.environment | changes,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.logs[child.pid] = log
        self.children.append(child)
        return child

    def web(self, *argv: str, **changes: str) -> "Node":
        """A web node, ready; `argv` another than `run.py web`."""
        port = free_port(0)
        child = self.start(*(argv or ("run.py", "web")), PORT=str(port), **changes)
        until = time.monotonic() + PATIENCE
        while not (is_healthy(port) if not argv else _listens(port)):
            if child.poll() is not None or time.monotonic() > until:
                raise NotUp(product.tail(self.logs[child.pid]))
            time.sleep(0.05)
        return Node(port, child)

    def end(self, child: "subprocess.Popen[bytes]") -> None:
        child.terminate()
        try:
            child.wait(product.ENDING)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child in self.children:
            self.children.remove(child)

    def place(self, *nodes: "Node") -> Place:
        return Place(tuple(node.port for node in nodes), BASE_URL, ACCOUNT, TOKEN, NUMBERS)


@dataclass(frozen=True)
class Node:
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def family(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """User and system time of all its processes until now."""
        times = [one.cpu_times() for one in self.family]
        return float(sum(one.user + one.system for one in times))

    def largest(self) -> float:
        """MiB of its largest process: unique to it, and its part of what is shared (PSS)."""
        return float(max(one.memory_full_info().pss for one in self.family) / 2**20)


@contextlib.contextmanager
def world(changes: Mapping[str, str] | None = None) -> Iterator[World]:
    """Databases, and businesses that can be called; no process of the product yet."""
    with tempfile.TemporaryDirectory(prefix="recep-load-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        folder.chmod(0o711)  # the embedded PostgreSQL does not run as root, and must get through
        postgres = stack.enter_context(EmbeddedPostgres(folder))
        valkey = stack.enter_context(EmbeddedValkey(folder))
        given = {
            "DATA_DIR": made, "REDIS_URL": valkey.url, "ENCODER": "false",
            "PUBLIC_BASE_URL": BASE_URL, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN,
        }  # fmt: skip
        own = product.WIDE | given | dict(changes or {})
        settings = Settings.load(own)
        settings = replace(settings, database_url=migrate(postgres.admin_url, settings))
        app = create_app(settings, admin=False)
        for number in NUMBERS:
            business.set_up(app, number, ENTRIES, summary_recipients=[RECIPIENT])
        with app.app_context():
            db.engine.dispose()
        environment = dict(os.environ) | product.NOTHING | own
        environment |= {"DATABASE_URL": settings.database_url, "PYTHONUNBUFFERED": "1"}
        found = World(folder, settings, environment, postgres.url(DATABASE))
        try:
            yield found
        finally:
            for child in list(found.children):
                found.end(child)


@contextlib.contextmanager
def vendor(seconds: float) -> Iterator[str]:
    """The address of a model that thinks so long."""
    command = [sys.executable, "-m", "bench.load.vendor", str(seconds)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        preexec_fn=process.end_with_us(signal.SIGTERM),
    ) as child:  # fmt: skip
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip()}/v1"
        finally:
            child.terminate()


def _listens(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()
