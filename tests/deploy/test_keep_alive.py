"""A host without systemd: `run.py keep-alive` from cron and the entry for Passenger, both as they
are used there. The entry is loaded by a Python that has none of our packages, and served by a
server that, as Passenger, hands one process one request at a time."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
import requests

from app.cli.migrate import DATABASE
from app.embedded import EmbeddedPostgres, free_port
from config import ROOT

PATIENCE = 120  # seconds for what takes a few on a machine that has nothing else to do
PYTHON = getattr(sys, "_base_executable", sys.executable)
ENTRY = ROOT / "deploy" / "passenger" / "passenger_wsgi.py"
QUESTION = ROOT / "tests" / "calls" / "question_answered.yaml"
SERVER = """
import sys
from importlib.machinery import SourceFileLoader
from wsgiref.simple_server import make_server
entry = SourceFileLoader("wsgi", sys.argv[1]).load_module()  # as cPanel's own stub does
make_server("127.0.0.1", int(sys.argv[2]), entry.application).serve_forever()
"""
WORK = """
    select count(*), count(*) filter (where status = 'done') from job where kind = 'summarise_call'
"""
PARTS = ("worker", "scheduler", "valkey-server", "postgres")


@dataclass(frozen=True)
class Host:
    """`environment` is all that cron and the web server give their processes."""

    folder: Path
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "DATA_DIR": str(self.data),
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{self.port}", "ENCODER": "false",
            "DB_POOL_SIZE": "2",
        }  # fmt: skip

    def command(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), *arguments], cwd="/", env=self.environment,
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        """What it printed."""
        process = self.command(*arguments)
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        return said

    def cron(self) -> str:
        return self.run("keep-alive")

    @property
    def supervisor(self) -> int:
        return int((self.data / "keep-alive.lock").read_text())

    def running(self) -> dict[str, int]:
        """The supervisor's children, by part."""
        found = {}
        for child in children(self.supervisor):
            words = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ").split()
            found |= {part: child for part in PARTS if any(word.endswith(part) for word in words)}
        return found

    @contextmanager
    def served(self) -> Iterator[None]:
        log = self.folder / "served.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PYTHON, "-c", SERVER, str(ENTRY), str(self.port)], cwd="/", env=self.environment,
                stdout=output, stderr=output,
            )  # fmt: skip
        with process:
            try:
                until_true(lambda: process.poll() is not None or self._answers())
                assert process.poll() is None, log.read_text()
                yield
            finally:
                process.kill()

    def _answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=PATIENCE).ok
        except requests.ConnectionError:
            return False


def children(process: int) -> list[int]:
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]


def until_true(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, "it does not come about"
        time.sleep(0.05)


@pytest.fixture
def host() -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="recep-test-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)  # root's PostgreSQL must get through
        found = Host(Path(made), free_port(0))
        yield found
        found.run("keep-alive", "--stop")


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")
def test_cron_keeps_all_of_it_alive_behind_a_server_of_the_hosts(host: Host) -> None:
    """One test, because a start from nothing takes a while."""
    with subprocess.Popen(
        [PYTHON, str(ENTRY)], env=host.environment, stderr=subprocess.PIPE, text=True
    ) as too_early:
        assert "Run `python3 run.py keep-alive` once" in too_early.communicate(timeout=PATIENCE)[1]

    both = [host.command("keep-alive") for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "First super admin" in "".join(said)
    first, everything = host.supervisor, host.running()
    assert set(everything) == set(PARTS)
    assert host.cron() == ""
    assert (host.supervisor, host.running()) == (first, everything)

    with host.served():
        for part in ("worker", "scheduler", "valkey-server"):
            os.kill(everything[part], signal.SIGKILL)
        until_true(lambda: set(host.running()) == set(PARTS))
        again = host.running()
        assert {part for part in PARTS if again[part] != everything[part]} == set(PARTS[:3])
        call_passes(host)

        os.kill(first, signal.SIGKILL)
        until_true(lambda: not any(map(is_alive, again.values())))
        assert host.cron().strip().endswith("has been started.")
        assert host.supervisor != first
        assert set(host.running()) == set(PARTS)
        call_passes(host)  # by the same process, so nothing has moved

        log = (host.data / "log" / "keep-alive.log").read_text()
        for part in ("worker", "scheduler", "Valkey"):
            assert f"{part} ended unexpectedly and is started again" in log
        assert host.run("keep-alive", "--stop").startswith("Ended.")
        assert host.run("keep-alive", "--stop") == "Nothing runs here.\n"


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def call_passes(host: Host) -> None:
    """And the worker does what comes after it."""
    assert host.run("call", "--script", str(QUESTION)).endswith("As expected.\n")
    postgres = EmbeddedPostgres(host.data)
    assert postgres.join()
    with closing(psycopg2.connect(postgres.url(DATABASE))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:

            def all_done() -> bool:
                cursor.execute(WORK)
                row = cursor.fetchone()
                return row is not None and row[0] > 0 and row[0] == row[1]

            until_true(all_done)
    told = requests.get(f"http://127.0.0.1:{host.port}/readyz", timeout=PATIENCE).json()
    assert (told["database"], told["redis"]) == ("ok", "ok")
