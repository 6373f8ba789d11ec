"""A database like the template, for every test: cleaned where only rows changed, or else copied.

Copying one, and the first connections to it, cost a test some 0.2 s, cleaning a fraction of that.
What is more than rows (tables, policies, grants) is noted by event triggers as it changes.
"""

import contextlib
from collections.abc import Iterator

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from app.embedded import EmbeddedPostgres

# In a schema of its own: what looks at ours does not see it.
WATCH = """
    create schema testing;
    create table testing.changed (tag text not null);
    create function testing.note() returns event_trigger language plpgsql security definer as
        $$ begin insert into testing.changed values (tg_tag); end $$;
    grant usage on schema testing to public;
    create event trigger testing_note on ddl_command_end execute function testing.note();
    create event trigger testing_note_drop on sql_drop execute function testing.note();
    delete from testing.changed;
"""
TABLES = """
    select quote_ident(relname) from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1
"""


class Fresh:
    """The database `name`. Ids of tenants and users begin at what `renew` is told."""

    def __init__(self, postgres: EmbeddedPostgres, name: str, template: str, login: str) -> None:
        self._postgres, self._name, self._template, self._login = postgres, name, template, login
        self._kept: dict[str, str] | None = None  # tables with rows in the template: their state

    def outdated(self) -> None:
        """The template has changed."""
        self._kept = None

    def renew(self, first: int) -> None:
        if not self._cleaned(first):
            self._copy()
            if not self._cleaned(first):
                raise AssertionError("a fresh copy is not like its template")

    def _copy(self) -> None:
        with self._connected("postgres") as connection, connection.cursor() as cursor:
            cursor.execute(f"drop database if exists {self._name} with (force)")
            cursor.execute(
                f"create database {self._name} template {self._template} owner recep_owner"
            )
            cursor.execute(f"grant connect on database {self._name} to {self._login}")
            cursor.execute(f"revoke all on database {self._name} from public")
        with self._connected(self._name) as connection, connection.cursor() as cursor:
            cursor.execute(WATCH)
            self._kept = _state(cursor, _filled(cursor))

    def _cleaned(self, first: int) -> bool:
        """Nobody is connected any more, and no rows are left but the template's; False: it takes a
        copy."""
        if self._kept is None:
            return False
        try:
            with self._connected(self._name) as connection, connection.cursor() as cursor:
                return self._is_clean(cursor, self._kept, first)
        except psycopg2.Error:  # gone, closed to connections, or without what watches it
            return False

    def _is_clean(self, cursor: Cursor, kept: dict[str, str], first: int) -> bool:
        cursor.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = %s and pid <> pg_backend_pid()",
            (self._name,),
        )
        cursor.execute("select tag from testing.changed limit 1")
        if cursor.fetchone() or _state(cursor, list(kept)) != kept:
            return False
        cursor.execute("set session_replication_role = replica")  # no cascades, no triggers
        for table in _filled(cursor):
            if table not in kept:
                cursor.execute(f"delete from {table}")
        cursor.execute(
            "select setval(oid::regclass, case when relname in ('tenant_id_seq', 'ab_user_id_seq')"
            " then %s else 1 end, false) from pg_class"
            " where relkind = 'S' and relnamespace = 'public'::regnamespace"
            " and relname not in (select t || '_id_seq' from unnest(%s) t)",
            (first, list(kept)),
        )
        return True

    @contextlib.contextmanager
    def _connected(self, name: str) -> Iterator[Connection]:
        connection = psycopg2.connect(self._postgres.url(name))
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()


def _filled(cursor: Cursor) -> list[str]:
    """Tables that have rows."""
    cursor.execute(TABLES)
    names = [name for (name,) in cursor.fetchall()]
    asked = ", ".join(f"case when exists (select from {name}) then '{name}' end" for name in names)
    cursor.execute(f"select unnest(array[{asked}]::text[])")
    return [name for (name,) in cursor.fetchall() if name]


def _state(cursor: Cursor, names: list[str]) -> dict[str, str]:
    """What differs as soon as a row was added, changed or removed."""
    if not names:
        return {}
    cursor.execute(
        " union all ".join(
            f"select '{name}', count(*) || ' ' || max(xmin::text::bigint) from {name}"
            for name in names
        )
    )
    return dict(cursor.fetchall())
