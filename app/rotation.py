"""A change of ENCRYPTION_KEYS: everything stored is encrypted anew with the newest one.

Batch by batch, each committed by itself, so that it may be stopped and begun again: what is under
the newest key already is left as it is. Which columns there are is asked of the metadata.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, select, text, update

from app.extensions import db
from app.models.audit import record
from app.models.sealed import SealBroken, is_newest, resealed
from app.tenancy import across_tenants

BATCH = 200


@dataclass
class Count:
    """What was found in a column. `broken`: ids of rows that no key opens."""

    column: str
    newest: int = 0
    older: int = 0
    broken: list[int] = field(default_factory=list)


def sealed_columns() -> list[Column[str]]:
    tables = db.metadata.sorted_tables
    return [c for table in tables for c in table.columns if c.name.startswith("sealed_")]


def rotate(*, only_look: bool = False) -> Iterator[Count]:
    """Each column's count as it grows, after every batch; `older` are those that were encrypted
    anew, or with `only_look` would be. Leaves an audit row at the end."""
    changed = 0
    for column in sealed_columns():
        count, after = Count(f"{column.table.name}.{column.name}"), 0
        while (last := _batch(column, after, count, only_look)) is not None:
            after = last
            yield count
        changed += count.older
        yield count
    if changed and not only_look:
        with across_tenants():
            db.session.add(record("rotate", "ENCRYPTION_KEYS", None, {}))
            db.session.commit()


def _batch(column: Column[str], after: int, count: Count, only_look: bool) -> int | None:
    """The id of its last row; None: there are no more."""
    table = column.table
    some = select(table.c.id, column).where(column.is_not(None), table.c.id > after)
    with across_tenants():
        rows = db.session.execute(some.order_by(table.c.id).limit(BATCH)).all()
        # Nobody's session ends because a secret is encrypted anew: see the triggers.
        db.session.execute(text("select set_config('app.resealing', 'on', true)"))
        for pk, sealed in rows:
            _one(column, pk, sealed, count, only_look)
        db.session.commit()
    return rows[-1][0] if rows else None


def _one(column: Column[str], pk: int, sealed: str, count: Count, only_look: bool) -> None:
    if is_newest(sealed):
        count.newest += 1
        return
    try:
        renewed = resealed(sealed)
    except SealBroken:
        count.broken.append(pk)
        return
    count.older += 1
    if only_look:
        return
    table = column.table
    values: dict[str, Any] = {column.name: renewed}
    if "updated_at" in table.c:
        values["updated_at"] = table.c.updated_at  # nobody has changed it
    # Not if somebody saved another secret meanwhile, which is under the newest key then.
    db.session.execute(update(table).where(table.c.id == pk, column == sealed).values(values))
