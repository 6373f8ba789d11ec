"""Brings the database to what the code expects: roles, tables, first super admin, demo.

It runs in a process of its own, because the application's imports would otherwise stay in the
supervisor's memory; and only when something has changed, because they take seconds.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from app.cli import demo_file
from app.cli.progress import step
from app.embedded import EmbeddedPostgres
from app.embedded.process import tail
from config import ROOT, BadSetting, Settings

CODE = ("app/**/*.py", "migrations/**/*.py", "config.py", "requirements.txt")


class NotPrepared(Exception):
    """The database cannot be made ready; the message says what to do."""


def prepare(settings: Settings, own: EmbeddedPostgres | None) -> Settings:
    """Return the settings with the login role's `database_url`. Raises NotPrepared, BadSetting.

    `own` is our own database server, None if DATABASE_URL names another.
    """
    note = settings.data_dir / "prepared.json"
    if own and (known := remembered(note, settings, own)):
        return replace(settings, database_url=known)
    note.unlink(missing_ok=True)
    admin_url = own.admin_url if own else settings.database_admin_url
    with worker(settings.data_dir / "log" / "prepare.log") as call:
        if admin_url:
            with step("bringing the database up to date"):
                login_url = call(_migrate, admin_url, settings)
            settings = replace(settings, database_url=settings.database_url or login_url)
        with step("looking for the first super admin"):
            login = call(_ensure_super_admin, settings)
        if login:
            print(f"\n  First super admin: {login[0]}   password: {login[1]}   (shown once)\n")
        call(_load_prices, settings)
        if not settings.is_production:
            with step("loading the demo tenants"):
                demo = call(_load_demo, settings)
            if demo:
                demo_file.write(settings, login, demo["tenants"])
    if own:
        remember(note, settings, own)
    return settings


@contextlib.contextmanager
def worker(log: Path) -> Iterator[Callable[..., Any]]:
    """A function that calls another one in a fresh process, whose output goes to `log`."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_write_to, initargs=(log,)) as pool:

        def call(function: Callable[..., Any], *arguments: Any) -> Any:
            try:
                return pool.submit(function, *arguments).result()
            except BadSetting:
                raise
            except Exception as problem:
                raise NotPrepared(_explained(problem, log)) from problem

        yield call


def _explained(problem: Exception, log: Path) -> str:
    """The whole trace goes to the log; the terminal gets what a person can use."""
    with log.open("a") as file:
        print(problem.__cause__ or repr(problem), file=file)
    return (
        f"The database could not be made ready: {type(problem).__name__}: {problem}\n"
        "With a database of your own, DATABASE_ADMIN_URL must be set or `python3 run.py migrate` "
        f"have run. {log} ends with:\n{tail(log)}"
    )


def _write_to(log: Path) -> None:
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


def _migrate(admin_url: str, settings: Settings) -> str:
    from app.cli.migrate import migrate

    return migrate(admin_url, settings)


def _ensure_super_admin(settings: Settings) -> tuple[str, str] | None:
    from app.cli.seed import ensure_super_admin

    made = ensure_super_admin(settings)
    return (made.username, made.password) if made else None


def _load_prices(settings: Settings) -> int:
    from app.cli import prices

    return prices.load(settings)


def _load_demo(settings: Settings) -> Any:
    from app.cli.seed import load_demo

    return load_demo(settings)


def remembered(note: Path, settings: Settings, own: EmbeddedPostgres) -> str | None:
    """The login URL of an earlier start, if code and schema are still those of that start."""
    with contextlib.suppress(OSError, ValueError, KeyError, psycopg2.Error):
        known = json.loads(note.read_text())
        url = urlsplit(known["database_url"])
        here = url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:{own.port}").geturl()
        same = known["code"] == fingerprint(settings)
        if same and known["schema"] == schema_version(own, url.path.strip("/")):
            psycopg2.connect(here).close()
            return here
    return None


def remember(note: Path, settings: Settings, own: EmbeddedPostgres) -> None:
    known = {
        "database_url": settings.database_url,
        "code": fingerprint(settings),
        "schema": schema_version(own, urlsplit(settings.database_url).path.strip("/")),
    }
    note.touch(mode=0o600)
    note.write_text(json.dumps(known))


def fingerprint(settings: Settings) -> str:
    """Of everything that migrating and seeding depend on, rather too much than too little."""
    digest = hashlib.sha256(settings.app_env.encode())
    for path in sorted(path for pattern in CODE for path in ROOT.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def schema_version(own: EmbeddedPostgres, database: str) -> str | None:
    """Alembic's, read without importing it. Raises psycopg2.Error."""
    connection = psycopg2.connect(own.url(database))
    try:
        with connection.cursor() as cursor:
            cursor.execute("select string_agg(version_num, ' ') from alembic_version")
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        connection.close()
