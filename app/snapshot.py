"""Every row of a database in one file, and back into another: for backups, and for moving house.

Not pg_dump: that of our wheel speaks no TLS, another must not be older than the server, and without
a superuser it is stopped by row-level security. Tables are not in the file: migrations make them,
those of the revision that the rows are from, and then those that this code needs.
"""

import contextlib
import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO, Any, Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import get_wait_callback, set_wait_callback

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
# The owner has a policy that lets it see every row; who connects may be anybody allowed to be it.
AS_OWNER: Final = "-c role=recep_owner -c statement_timeout=0 -c lock_timeout=10s"
# Made by migrating, not copied.
MADE_ANEW: Final = ("alembic_version", "bootstrap")
PIECE: Final = 1 << 20


class NotUsable(Exception):
    """The file or the database cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """`digest` is the SHA-256 of the rows as PostgreSQL's COPY writes them."""

    name: str
    columns: list[str]
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`revision` is Alembic's, `made_at` ISO 8601 in UTC. Tables stand in the order in which they
    can be filled."""

    revision: str
    made_at: str
    tables: list[Table]
    format: int = FORMAT

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def write(url: str, path: Path) -> Manifest:
    """All rows as of one moment, whoever goes on writing. The file appears when it is complete,
    readable by its owner alone. Raises psycopg2.Error, OSError."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.touch(mode=0o600)
        with (
            connected(url) as connection,
            zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor() as cursor:
                manifest = _written(cursor, archive)
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Raises NotUsable."""
    try:
        with zipfile.ZipFile(path) as archive:
            known = json.loads(archive.read(MANIFEST))
        known["tables"] = [Table(**table) for table in known["tables"]]
        manifest = Manifest(**known)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as problem:
        raise NotUsable(f"{path} is no whole backup of this product ({problem}).") from problem
    if manifest.format != FORMAT:
        raise NotUsable(f"{path} was made by a newer version: restore it with that one.")
    return manifest


def fill(url: str, path: Path, make_tables: Callable[[str], None]) -> Manifest:
    """Put the rows of a file into the database of `url`, whose own rows go, in one transaction.

    `make_tables(revision)` brings its tables to that revision beforehand. Raises NotUsable (also
    when a row is missing or not as it was written), psycopg2.Error.
    """
    manifest = read_manifest(path)
    make_tables(manifest.revision)
    with connected(url) as connection, zipfile.ZipFile(path) as archive:
        with connection.cursor() as cursor:
            _check_same(cursor, manifest)
            _empty(cursor, [table.name for table in manifest.tables])
            for table in manifest.tables:
                _take_in(cursor, table, archive)
            _count_on(cursor)
        connection.commit()
    return manifest


def is_empty(url: str) -> bool:
    """Nobody's rows: no business, and no person."""
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('public.tenant') is not null")
        if cursor.fetchone() == (False,):
            return True
        cursor.execute("select exists (select from tenant) or exists (select from ab_user)")
        return cursor.fetchone() == (False,)


@contextlib.contextmanager
def connected(url: str) -> Iterator[Connection]:
    """As the owner. What is not committed is undone."""
    waiting = get_wait_callback()
    set_wait_callback(None)  # that of app/database.py, if there is one: it cannot COPY
    try:
        with contextlib.closing(
            psycopg2.connect(url, options=AS_OWNER, connect_timeout=10)
        ) as connection:
            yield connection
    finally:
        set_wait_callback(waiting)


# --- Out ----------------------------------------------------------------------------------------


def _written(cursor: Cursor, archive: zipfile.ZipFile) -> Manifest:
    cursor.execute("select version_num from alembic_version")
    row = cursor.fetchone()
    if row is None:
        raise NotUsable("This database has no tables of ours: run `python3 run.py migrate`.")
    tables = []
    for name, columns in _tables(cursor).items():
        with archive.open(_entry(name), "w", force_zip64=True) as target:
            tables.append(_let_out(cursor, name, columns, target))
    return Manifest(str(row[0]), datetime.now(UTC).isoformat(timespec="seconds"), tables)


def _let_out(cursor: Cursor, name: str, columns: list[str], target: IO[bytes]) -> Table:
    counting = _Counting(target)
    query = sql.SQL("copy (select {} from {}) to stdout")
    cursor.copy_expert(query.format(_listed(columns), sql.Identifier(name)), counting)
    return Table(name, columns, cursor.rowcount, counting.digest.hexdigest())


class _Counting:
    """Passes on what is written or read, and takes its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def read(self, size: int = PIECE) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


# --- In -----------------------------------------------------------------------------------------


def _check_same(cursor: Cursor, manifest: Manifest) -> None:
    here = _tables(cursor)
    there = {table.name: table.columns for table in manifest.tables}
    if {name: set(columns) for name, columns in here.items()} != {
        name: set(columns) for name, columns in there.items()
    }:
        raise NotUsable(
            f"The backup's tables are not those of its revision {manifest.revision} here: restore "
            "it with the version of the product that made it."
        )


def _empty(cursor: Cursor, names: list[str]) -> None:
    """Triggers rest until the end of the transaction: what they would do has been done."""
    for name in names:
        _execute(cursor, "alter table {} disable trigger user", name)
    cursor.execute(
        sql.SQL("truncate {}").format(sql.SQL(", ").join(sql.Identifier(name) for name in names))
    )


def _take_in(cursor: Cursor, table: Table, archive: zipfile.ZipFile) -> None:
    """By way of a table without policies, as PostgreSQL lets nobody COPY into one that has some."""
    _execute(cursor, "create unlogged table incoming (like {})", table.name)
    columns = _listed(table.columns)
    damaged = NotUsable(f"The rows of {table.name} in this file are damaged.")
    try:
        with archive.open(_entry(table.name)) as source:
            counting = _Counting(source)
            cursor.copy_expert(sql.SQL("copy incoming ({}) from stdin").format(columns), counting)
    except (KeyError, zipfile.BadZipFile, zlib.error) as problem:
        raise damaged from problem
    if (cursor.rowcount, counting.digest.hexdigest()) != (table.rows, table.digest):
        raise damaged
    moved = sql.SQL("insert into {} ({}) overriding system value select {} from incoming")
    cursor.execute(moved.format(sql.Identifier(table.name), columns, columns))
    cursor.execute("drop table incoming")
    _execute(cursor, "alter table {} enable trigger user", table.name)


def _count_on(cursor: Cursor) -> None:
    """New rows get ids after the last ones."""
    cursor.execute(
        "select quote_ident(table_name), quote_ident(column_name),"
        " pg_get_serial_sequence(quote_ident(table_name), column_name)"
        " from information_schema.columns where table_schema = 'public'"
        " and pg_get_serial_sequence(quote_ident(table_name), column_name) is not null"
    )
    for table, column, sequence in cursor.fetchall():
        cursor.execute(f"select max({column}) from {table}")
        (last,) = cursor.fetchone() or (None,)
        cursor.execute("select setval(%s, %s, %s)", (sequence, last or 1, last is not None))


# --- Both ---------------------------------------------------------------------------------------


def _tables(cursor: Cursor) -> dict[str, list[str]]:
    """Their columns, by name, in an order in which each comes after those it refers to."""
    cursor.execute(
        "select relname, array_agg(attname::text order by attnum) from pg_class"
        " join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped"
        " where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> all(%s)"
        " and attgenerated = '' group by relname order by relname",
        (list(MADE_ANEW),),
    )
    columns: dict[str, list[str]] = dict(cursor.fetchall())
    cursor.execute(
        "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint"
        " where contype = 'f' and conrelid <> confrelid"
        " and connamespace = 'public'::regnamespace"
    )
    order: TopologicalSorter[str] = TopologicalSorter({name: [] for name in columns})
    for table, before in cursor.fetchall():
        order.add(table, before)
    return {name: columns[name] for name in order.static_order() if name in columns}


def _entry(table: str) -> str:
    return f"{table}.copy"


def _listed(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _execute(cursor: Cursor, statement: str, name: str) -> Any:
    cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
