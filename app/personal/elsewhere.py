"""Where a person's number stands in what is not the person's: in another caller's words, in a note
of the staff's. Every text of every table is read, so that a new one cannot be forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Column, String, Table, Text, delete, select, update
from sqlalchemy.dialects.postgresql import JSONB

from app import archive
from app.extensions import db
from app.personal import spelled
from app.personal.found import PROOFS, SET_UP
from app.personal.spelled import Number

BATCH = 500
# Of which the rows say nothing more without the number, or could clash once it is out.
_WHOLE = frozenset({"knowledge_gap"})


@dataclass(frozen=True, slots=True)
class Place:
    """A row that names the number. `instead`: its texts without it."""

    table: Table
    id: int
    instead: dict[str, Any]


def tables() -> list[Table]:
    known = archive.tables()
    return [table for table in known if table.name not in SET_UP | PROOFS and _texts(table)]


def set_up(tenant_id: int, number: Number) -> list[str]:
    """Tables with which the business itself set the number up, such as a department to ring: it
    stays there, and whoever asked is told."""
    found = {
        table.name
        for table in archive.tables()
        if table.name in SET_UP and _texts(table)
        for batch in batches(tenant_id, table, number, 0)
        if batch[1]
    }
    return sorted(found)


def batches(
    tenant_id: int, table: Table, number: Number, after: int
) -> Iterator[tuple[int, list[Place]]]:
    """Rows that name the number, and how far it was looked: the last id of each batch. The open
    transaction is the caller's to end."""
    columns = _texts(table)
    owner = table.c.id if table.name == "tenant" else table.c.tenant_id
    while True:
        rows = db.session.execute(
            select(table.c.id, *columns)
            .where(owner == tenant_id, table.c.id > after)
            .order_by(table.c.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        after = rows[-1][0]
        yield after, [place for row in rows if (place := _place(table, columns, row, number))]


def _place(table: Table, columns: list[Column[Any]], row: Any, number: Number) -> Place | None:
    named = {
        column.name: spelled.without(value, number)
        for column, value in zip(columns, row[1:], strict=True)
        if spelled.mentioned(value, number)
    }
    return Place(table, row[0], named) if named else None


def take_out(place: Place) -> None:
    """The caller commits. A call that has begun meanwhile goes on with what it knows."""
    table = place.table
    if table.name in _WHOLE:
        db.session.execute(delete(table).where(table.c.id == place.id))
        return
    values = dict(place.instead)
    if "updated_at" in table.c:
        values["updated_at"] = table.c.updated_at  # nobody has worked on it
    there = table.c.id == place.id
    if table.name == "call_session":
        there &= table.c.outcome.is_not(None)
    db.session.execute(update(table).where(there).values(values))


def _texts(table: Table) -> list[Column[Any]]:
    """Columns in which somebody may have said something."""
    return [
        column
        for column in archive.told(table)
        if isinstance(column.type, String | Text | JSONB | ARRAY)
        and not column.info.get("choices")
        and column.name not in ("call_sid", "recording_sid", "key", "kind")
    ]
