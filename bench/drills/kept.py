"""All places where something of a business's callers may be kept, read past the product's walls."""

import hashlib
import re
from collections.abc import Iterable
from datetime import timedelta

from app.personal.found import PROOFS
from bench.drills.rows import Query
from bench.drills.sweep import of_redis
from bench.drills.world import World


def places(world: World, tenant_id: int) -> dict[str, list[str]]:
    """Texts by place: rows of this tenant and of nobody, keys of Redis, files of DATA_DIR."""
    found = {f"table {table}": _rows(world, table, tenant_id) for table in _tables(world)}
    found["Redis"] = list(of_redis(world.valkey.url))
    for path in world.settings.data_dir.rglob("*"):
        if path.is_file() and path.suffix in (".eml", ".json", ".csv", ".zip"):
            found[f"file {path.name}"] = [path.read_text(errors="replace")]
    return found


def holders(world: World, tenant_id: int, marks: Iterable[str]) -> list[str]:
    """Places where any of these marks occurs."""
    wanted = list(marks)
    found = places(world, tenant_id)
    return [place for place, texts in found.items() if holding(texts, wanted)]


def holding(texts: Iterable[str], marks: Iterable[str]) -> list[str]:
    """Of these marks those that occur; numbers however their digits are set apart."""
    whole = "\n".join(texts).casefold()
    together = re.sub(r"[ ().-]", "", whole)
    return [one for one in marks if one.casefold() in (together if one.isdecimal() else whole)]


def told_of(world: World, tenant_id: int) -> dict[str, str]:
    """A checksum of this tenant's rows, by table."""
    return {
        table: _digest(_rows(world, table, tenant_id, nobodys=False))
        for table in _tables(world)
        if _is_owned(world, table) and table not in PROOFS
    }


def _digest(rows: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def of_calls(query: Query, call_sids: list[str]) -> dict[str, list[str]]:
    """Rows of these calls and of what hangs on them, by table, to the letter."""
    return {
        table: [row for (row,) in query(
            f'select t::text from "{table}" t where {which} order by 1', call_sids
        )]
        for table, which in _hanging(query).items()
    }  # fmt: skip


def age(world: World, call_sids: list[str], by: timedelta) -> None:
    """All moments of these calls, and of what hangs on them, are so much earlier."""
    for table, which in _hanging(world.query).items():
        moments = world.query(
            "select column_name from information_schema.columns where table_schema = 'public'"
            " and table_name = %s and data_type = 'timestamp with time zone'", table,
        )  # fmt: skip
        if table not in PROOFS and moments:
            sets = ", ".join(f"{name} = {name} - interval '{by.days} days'" for (name,) in moments)
            world.query(f"update {table} set {sets} where {which}", call_sids)


def _hanging(query: Query) -> dict[str, str]:
    """How rows of each table are known to belong to one of some calls."""
    of_some = "(select id from call_session where call_sid = any(%s))"
    known = {"call_id": f"call_id in {of_some}", "call_sid": "call_sid = any(%s)",
             "holder": "holder = any(%s)"}  # fmt: skip
    named = query(
        "select c.table_name, c.column_name from information_schema.columns c"
        " join pg_tables t on t.tablename = c.table_name and t.schemaname = c.table_schema"
        " where c.table_schema = 'public' and c.column_name = any(%s) order by 1, 2", list(known),
    )  # fmt: skip
    return {table: known[column] for table, column in named}


def _tables(world: World) -> list[str]:
    names = world.query("select tablename from pg_tables where schemaname = 'public' order by 1")
    return [name for (name,) in names]


def _rows(world: World, table: str, tenant_id: int, nobodys: bool = True) -> list[str]:
    whose = f"where tenant_id = {tenant_id}" if _is_owned(world, table) else ""
    if whose and nobodys:
        whose += " or tenant_id is null"
    return [row for (row,) in world.query(f'select t::text from "{table}" t {whose}')]


def _is_owned(world: World, table: str) -> bool:
    return bool(world.query(
        "select 1 from information_schema.columns where table_schema = 'public'"
        " and table_name = %s and column_name = 'tenant_id'", table,
    ))  # fmt: skip
