"""Puts a backup's rows into an empty database, and brings it up to date. End the product first.

With a database of our own, --replace takes the place of one that is in use, which is kept under
another name until somebody drops it.
"""

import argparse
import contextlib
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
from psycopg2 import sql

from app import snapshot
from app.cli import administered, migrate, rows_in
from app.embedded import EmbeddedPostgres, EmbeddedServiceError
from config import BadSetting, Settings

PROBLEMS = (BadSetting, EmbeddedServiceError, snapshot.NotUsable)
ASIDE = "recep_restoring"


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py restore", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--replace", action="store_true", help="although there is something")
    asked = parser.parse_args(argv)
    try:
        if settings.database_url:
            made = _into_managed(asked.file, settings, asked.replace)
        else:
            made = _into_own(asked.file, settings, asked.replace)
    except PROBLEMS as problem:
        print(problem, file=sys.stderr)
        return 1
    except (OSError, psycopg2.Error) as problem:
        print(f"Nothing was restored: {problem}", file=sys.stderr)
        return 1
    print(f"{made.rows:,} rows of {made.made_at} are back, schema {migrate.head()}.")
    return 0


def _into_managed(path: Path, settings: Settings, instead: bool) -> snapshot.Manifest:
    if instead:
        raise snapshot.NotUsable(
            "--replace is for databases of our own. Make a new database and name it in "
            "DATABASE_URL: the old one stays as it is."
        )
    return rows_in.fill(administered.managed(settings), settings, path)


def _into_own(path: Path, settings: Settings, instead: bool) -> snapshot.Manifest:
    """Into a database beside the one in use, which changes its name only when all is there."""
    with EmbeddedPostgres(settings.data_dir) as own:
        used = _exists(own, migrate.DATABASE) and not snapshot.is_empty(own.url(migrate.DATABASE))
        if used and not instead:
            raise snapshot.NotUsable(
                "There are businesses or people in this database. Use --replace to put the backup "
                "in its place, or set DATA_DIR to an empty folder."
            )
        _execute(own, "drop database if exists {} with (force)", ASIDE)
        login = migrate.login_url_for(own.admin_url, settings)
        beside = replace(settings, database_url=migrate.with_database(login, ASIDE))
        made = rows_in.fill(own.admin_url, beside, path)
        with contextlib.suppress(FileNotFoundError):
            (settings.data_dir / "prepared.json").unlink()
        if _exists(own, migrate.DATABASE):
            kept = f"recep_before_{datetime.now(UTC):%Y%m%d_%H%M%S}" if used else None
            _make_way(own, kept)
        _execute(own, "alter database {} rename to {}", ASIDE, migrate.DATABASE)
    return made


def _make_way(own: EmbeddedPostgres, kept: str | None) -> None:
    if kept is None:
        _execute(own, "drop database {} with (force)", migrate.DATABASE)
        return
    _execute(own, "alter database {} rename to {}", migrate.DATABASE, kept)
    print(f"What was there is kept as the database {kept}.")


def _exists(own: EmbeddedPostgres, name: str) -> bool:
    connection = psycopg2.connect(own.admin_url)
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("select exists (select from pg_database where datname = %s)", (name,))
        return cursor.fetchone() == (True,)


def _execute(own: EmbeddedPostgres, statement: str, *names: str) -> None:
    with contextlib.closing(psycopg2.connect(own.admin_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
