"""A real streaming replica of the tests' PostgreSQL, made by its own pg_basebackup."""

import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from app.embedded import EmbeddedPostgres, EmbeddedServiceError


class Standby(EmbeddedPostgres):
    """Of `primary`, whose passwords are its own, too."""

    def __init__(self, data_dir: Path, primary: EmbeddedPostgres) -> None:
        super().__init__(data_dir, durable=False)
        self._primary = primary
        data_dir.mkdir(mode=0o711)
        shutil.copy(primary.data_dir / "postgres_password", data_dir)

    def here(self, url: str) -> str:
        """The same login and database, of this server."""
        login = urlsplit(url).netloc.rpartition("@")[0]
        return urlsplit(url)._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()

    def ask(self, statement: str) -> Any:
        return _asked(self.admin_url, statement)

    def catch_up(self) -> None:
        """Wait until it has all that the primary has written: databases themselves, for one, which
        nobody can connect to before."""
        written = _asked(self._primary.admin_url, "select pg_current_wal_flush_lsn()")
        while not self.ask(f"select pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"):
            time.sleep(0.01)

    def _make_cluster(self) -> None:
        done = self._who.run(
            self._programs / "pg_basebackup",
            *("--pgdata", self._folder / "cluster", "--dbname", self._primary.admin_url),
            *("--write-recovery-conf", "--checkpoint", "fast", "--no-sync"),
        )
        if done.returncode:
            raise EmbeddedServiceError(f"No replica could be made:\n{done.stdout}")


def _asked(url: str, statement: str) -> Any:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()[0][0]
