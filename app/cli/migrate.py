"""Brings a database to what this code needs: roles, schema, permissions. Safe to repeat and race.

Works for any administrator that may create roles; it need not be superuser. The application's
login role owns nothing: it may only switch to the three roles that the policies speak of.
"""

import argparse
import contextlib
import hashlib
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import encrypt_password

from config import ROOT, BadSetting, Settings, kept_secret

if TYPE_CHECKING:
    from alembic.config import Config

OWNER: Final = "recep_owner"
SCOPES: Final = ("recep_unbound", "recep_tenant", "recep_platform")
# Nothing of a connection outlives a transaction: PgBouncer hands it to somebody else.
STANDS: Final = """
    begin; set local role recep_unbound;
    select version_num, digest from alembic_version, bootstrap
"""
LOGIN: Final = "recep_login"
DATABASE: Final = "recep"
LOCK: Final = 7_236_001
MIGRATIONS: Final = ROOT / "migrations"
# Less than callers wait for a lock (app/database.py); for minutes, if need be.
LOCK_TIMEOUT, LOCK_PAUSE, LOCK_TRIES = "400ms", 1.0, 400
# On the login role: a timeout set on a role does not apply when that is switched to.
TIMEOUTS: Final = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
# What roles, rights of the login and permissions of the admin panel are made from.
DECLARED: Final = ("app/__init__.py", "app/roles.py", "app/cli/migrate.py", "app/views/**/*.py")


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py migrate", description=__doc__).parse_args(argv)
    if not (settings.database_admin_url and settings.database_url):
        print(
            "Set DATABASE_ADMIN_URL (who may create roles) and DATABASE_URL (the application's "
            "login). The embedded database is brought up to date by a plain `python3 run.py`.",
            file=sys.stderr,
        )
        return 1
    from app.cli import prices, seed  # they import the whole application

    try:
        login_url = migrate(settings.database_admin_url, settings)
        login = seed.ensure_super_admin(replace(settings, database_url=login_url))
        listed = prices.load(replace(settings, database_url=login_url))
    except (BadSetting, psycopg2.Error) as problem:
        print(f"The database could not be brought up to date: {problem}", file=sys.stderr)
        return 1
    print(f"The database is up to date (schema {head()}).")
    if listed:
        print("List prices of the vendors were filled in: check them under Platform, Prices.")
    if login:
        print(f"First super admin: {login.username}   password: {login.password}   (shown once)")
    return 0


def migrate(admin_url: str, settings: Settings) -> str:
    """Make roles, database, schema and permissions; return the login role's DATABASE_URL.

    Login and database are those of `settings.database_url`; without one they are our own names on
    the server of `admin_url`, with a password kept in DATA_DIR. Raises psycopg2.Error, BadSetting.
    """
    with alone(admin_url) as admin:
        login_url = make_schema(admin, admin_url, settings)
        if not is_current(login_url):
            sync_permissions(replace(settings, database_url=login_url))
            _remember(with_database(admin_url, database_of(login_url)))
    return login_url


def make_schema(
    admin: Connection, admin_url: str, settings: Settings, revision: str = "head"
) -> str:
    """Everything but the admin panel's permissions."""
    from alembic import command

    login_url = login_url_for(admin_url, settings)
    own_url = with_database(admin_url, database_of(login_url))
    make_roles_and_database(admin, own_url, login_url)
    config = alembic_config(own_url)
    patiently(lambda: command.upgrade(config, revision))
    return login_url


def alembic_config(own_url: str) -> "Config":
    from alembic.config import Config

    config = Config(MIGRATIONS / "alembic.ini")
    config.attributes |= {"url": own_url, "lock_timeout": LOCK_TIMEOUT}
    return config


def patiently(change: Callable[[], None]) -> None:
    """While somebody reads in a table for long, the change is tried again and again: were it to
    wait for the lock, everybody else would wait behind it, callers too. Each revision is a
    transaction, so nothing is done by halves. Raises sqlalchemy.exc.OperationalError."""
    from sqlalchemy.exc import OperationalError

    for left in reversed(range(LOCK_TRIES)):
        try:
            return change()
        except OperationalError as problem:
            if not (left and isinstance(problem.orig, errors.LockNotAvailable)):
                raise
        time.sleep(LOCK_PAUSE)


def make_roles_and_database(admin: Connection, own_url: str, login_url: str) -> None:
    """Those that are missing. `own_url` is the administrator's, of the product's database."""
    with admin.cursor() as cursor:
        _make_roles(cursor, login_url)
        _make_database(cursor, own_url, login_url)


def login_url_for(admin_url: str, settings: Settings) -> str:
    if settings.database_url:
        return settings.database_url
    password = kept_secret(settings.data_dir / "recep_login_password")
    place = urlsplit(admin_url)
    host = place.netloc.rpartition("@")[2]
    return place._replace(netloc=f"{LOGIN}:{quote(password)}@{host}", path=f"/{DATABASE}").geturl()


def is_current(login_url: str) -> bool:
    """Whether `migrate` has nothing to do, by one query and without importing alembic."""
    try:
        with _connected(login_url) as connection, connection.cursor() as cursor:
            cursor.execute(STANDS)
            found = cursor.fetchall()
            cursor.execute("commit")
            return found == [(head(), digest())]
    except (errors.UndefinedTable, errors.InsufficientPrivilege, psycopg2.OperationalError):
        return False


def head() -> str:
    """The newest revision among the migration files."""
    texts = [path.read_text() for path in (MIGRATIONS / "versions").glob("*.py")]
    found = {name: _revisions(name, texts) for name in ("revision", "down_revision")}
    (newest,) = found["revision"] - found["down_revision"]
    return newest


def _revisions(name: str, texts: list[str]) -> set[str]:
    return {match for text in texts for match in re.findall(rf'^{name} = "(\w+)"', text, re.M)}


def digest() -> str:
    """Of what permissions are made from: asking the admin panel itself takes seconds."""
    total = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in sorted(path for pattern in DECLARED for path in ROOT.glob(pattern)):
        total.update(path.read_bytes())
    return total.hexdigest()


def sync_permissions(settings: Settings) -> None:
    """Roles and permissions of the admin panel, as declared: slow, so not at every start."""
    from flask import current_app
    from flask_appbuilder.security.manager import BaseSecurityManager
    from flask_appbuilder.security.sqla.models import Permission

    from app import create_app
    from app.extensions import db
    from app.tenancy import across_tenants

    with _quiet(), create_app(settings).app_context():
        with across_tenants():
            session = db.session()
            session.expire_on_commit = False  # it commits hundreds of times and reads all again
            appbuilder = current_app.extensions["appbuilder"]
            first = not session.query(Permission).first()
            BaseSecurityManager.create_db(appbuilder.sm)  # the sub-class skips it without tables
            appbuilder.add_permissions(update_perms=True)
            if not first:
                appbuilder.security_cleanup()
            db.session.commit()
        db.engine.dispose()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Flask-AppBuilder complains of lists, whose fields are ours, and of each permission that is
    gone already or in use."""
    noisy = {"flask_appbuilder.forms": logging.CRITICAL, "flask_appbuilder.security": logging.ERROR}
    before = {name: logging.getLogger(name).level for name in noisy}
    for name, level in noisy.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def alone(admin_url: str) -> Iterator[Connection]:
    """A connection that others who migrate wait for."""
    with _connected(admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", (LOCK,))
        yield connection


@contextlib.contextmanager
def _connected(url: str, options: str = "") -> Iterator[Connection]:
    connection = psycopg2.connect(url, options=options, connect_timeout=10)
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def _make_roles(cursor: Cursor, login_url: str) -> None:
    for role in (OWNER, *SCOPES):
        if not _exists(cursor, "pg_roles", "rolname", role):
            _execute(cursor, "create role {} nologin", role)
    _execute(cursor, "grant {} to current_user", OWNER)
    _make_login(cursor, urlsplit(login_url))


def _make_login(cursor: Cursor, login: SplitResult) -> None:
    name, password = unquote(login.username or ""), unquote(login.password or "")
    if not name:
        raise BadSetting("DATABASE_URL must name the login role.")
    if not _exists(cursor, "pg_roles", "rolname", name):
        # The server, and so its log, gets what it would store, not the password.
        secret = encrypt_password(password, name, cursor.connection, "scram-sha-256")
        _execute(cursor, "create role {} login noinherit password {}", name, sql.Literal(secret))
    # Since 16 inheriting is decided by the grant, before by the role.
    terms = " with inherit false, set true" if cursor.connection.server_version >= 160000 else ""
    for scope in SCOPES:
        _execute(cursor, "grant {} to {}" + terms, scope, name)
    for setting, value in TIMEOUTS.items():
        _execute(cursor, "alter role {} set {} = {}", name, setting, sql.Literal(value))


def _make_database(cursor: Cursor, own_url: str, login_url: str) -> None:
    database, login = database_of(own_url), unquote(urlsplit(login_url).username or "")
    if not _exists(cursor, "pg_database", "datname", database):
        _execute(cursor, "create database {} owner {}", database, OWNER)
    _execute(cursor, "revoke all on database {} from public", database)
    _execute(cursor, "grant connect on database {} to {}", database, login)
    with _connected(own_url) as inside, inside.cursor() as there:
        there.execute("select has_schema_privilege(%s, 'public', 'create')", (OWNER,))
        if there.fetchone() != (True,):
            _execute(there, "grant usage, create on schema public to {}", OWNER)
        # Versions before 15 let everybody make tables here.
        _execute(there, "revoke create on schema public from public")


def _remember(own_url: str) -> None:
    with _connected(own_url, f"-c role={OWNER}") as connection, connection.cursor() as cursor:
        cursor.execute(
            "with gone as (delete from bootstrap) insert into bootstrap values (%s)", (digest(),)
        )


def _exists(cursor: Cursor, catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("select 1 from {} where {} = %s")
    cursor.execute(query.format(sql.Identifier(catalog), sql.Identifier(column)), (name,))
    return cursor.fetchone() is not None


def _execute(cursor: Cursor, statement: str, *names: str | sql.Composable) -> None:
    parts = (name if isinstance(name, sql.Composable) else sql.Identifier(name) for name in names)
    cursor.execute(sql.SQL(statement).format(*parts))


def database_of(url: str) -> str:
    """Its name."""
    return unquote(urlsplit(url).path.strip("/"))


def with_database(url: str, database: str) -> str:
    """The same server and login, another database."""
    return urlsplit(url)._replace(path=f"/{quote(database)}").geturl()
