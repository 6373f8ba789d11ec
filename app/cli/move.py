"""Moves from the databases of our own to those that DATABASE_URL and REDIS_URL name.

End the product first; nothing of the old place is changed. Redis needs no moving: all work stands
in the database.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import redis

from app import snapshot
from app.cli import administered, migrate, needs, rows_in
from app.embedded import EmbeddedPostgres, EmbeddedServiceError
from config import BadSetting, Settings

PROBLEMS = (BadSetting, EmbeddedServiceError, snapshot.NotUsable)
DONE = """\
Start again with the same settings. Other machines need the same SECRET_KEY and ENCRYPTION_KEYS
({where}). The old databases are as they were, in DATA_DIR: remove them when all is well."""


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py move", description=__doc__).parse_args(argv)
    try:
        made = move(settings)
    except PROBLEMS as problem:
        print(problem, file=sys.stderr)
        return 1
    except (OSError, psycopg2.Error) as problem:
        print(f"Nothing was moved: {problem}", file=sys.stderr)
        return 1
    given = {"encryption_keys", "secret_key"} <= settings.given
    print(f"{made.rows:,} rows of {len(made.tables)} tables were moved.")
    print(DONE.format(where="your settings" if given else f"now in {settings.data_dir}"))
    return 0


def move(settings: Settings) -> snapshot.Manifest:
    """Raises one of PROBLEMS, OSError, psycopg2.Error."""
    admin_url = administered.managed(settings)
    _check_redis(settings)
    if not (settings.data_dir / "postgres_password").exists():
        raise snapshot.NotUsable(f"There is no database of our own in {settings.data_dir}.")
    with TemporaryDirectory(prefix="move-", dir=settings.data_dir) as folder:
        path = Path(folder) / "rows.zip"
        with EmbeddedPostgres(settings.data_dir) as own:
            snapshot.write(own.url(migrate.DATABASE), path)
        return rows_in.fill(admin_url, settings, path)


def _check_redis(settings: Settings) -> None:
    needs.redis(settings)
    try:
        with redis.Redis.from_url(
            settings.redis_url, socket_timeout=5, socket_connect_timeout=5
        ) as server:
            server.ping()
    except redis.RedisError as problem:
        raise BadSetting(f"REDIS_URL does not answer: {problem}") from problem
