"""A PostgreSQL and a Valkey of their own, with as many calls as asked for, and what goes with them.

The statements are panel.sql's; a million calls with everything around them take a few minutes.
"""

import contextlib
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
from werkzeug.security import generate_password_hash

from app.cli.migrate import DATABASE, migrate
from app.embedded import EmbeddedPostgres, EmbeddedValkey
from config import Settings

ROWS = Path(__file__).with_name("panel.sql")
SUPER_ADMIN, TENANT_ADMIN = "person1", "person2"  # the second is the big tenant's
# Indexes that nothing but speed rests on: faster to make when the rows are there.
LATER = """
    select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
    join pg_class on pg_class.oid = indrelid
    where not indisunique and relnamespace = 'public'::regnamespace and relname not like 'ab_%'
"""
BIG = 1  # the tenant with a quarter of the calls


@dataclass(frozen=True, slots=True)
class Filled:
    """`settings` lead to the database, as its login role; `key` is the big tenant's, `password`
    everybody's."""

    settings: Settings
    postgres: EmbeddedPostgres
    password: str
    key: str
    seconds: float  # that filling took

    def execute(self, statement: str) -> None:
        """As superuser."""
        with contextlib.closing(psycopg2.connect(self.postgres.url(DATABASE))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)

    def ask(self, query: str) -> int:
        connection = psycopg2.connect(self.postgres.url(DATABASE))
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(query)
            return int(cursor.fetchall()[0][0])


@contextlib.contextmanager
def filled(calls: int, leads: int) -> Iterator[Filled]:
    """Nothing of it is flushed to the disk, which speeds up filling and changes no read."""
    with TemporaryDirectory(prefix="recep-bench-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        folder.chmod(0o711)  # the embedded PostgreSQL does not run as root, and must get through
        postgres = stack.enter_context(EmbeddedPostgres(folder, durable=False))
        valkey = stack.enter_context(EmbeddedValkey(folder, durable=False))
        settings = Settings.load({"DATA_DIR": str(folder), "REDIS_URL": valkey.url})
        settings = replace(settings, database_url=migrate(postgres.admin_url, settings))
        password, key = secrets.token_urlsafe(16), f"rk_{secrets.token_urlsafe(32)}"
        one = Filled(settings, postgres, password, key, 0.0)
        began = time.monotonic()
        _fill(one, calls, leads)
        yield replace(one, seconds=time.monotonic() - began)


def _fill(one: Filled, calls: int, leads: int) -> None:
    wanted = {
        "calls": str(calls),
        "leads": str(leads),
        "password": generate_password_hash(one.password),
        "key": hashlib.sha256(one.key.encode()).hexdigest(),
    }
    with contextlib.closing(psycopg2.connect(one.postgres.url(DATABASE))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name, value in wanted.items():
                cursor.execute("select set_config('bench.' || %s, %s, false)", (name, value))
            cursor.execute(LATER)
            later = cursor.fetchall()
            for name, _ in later:
                cursor.execute(f"drop index {name}")
            for statement in ROWS.read_text(encoding="utf-8").split(";\n\n"):
                cursor.execute(statement)
            for _, made in later:
                cursor.execute(made)
            cursor.execute("vacuum analyze")
