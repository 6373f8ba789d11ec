"""Whoever changes which telephones are rung: the owners are told, by a job in the same transaction.

A stolen session or key would send callers, and the bill, to a number of its own.
"""

import uuid
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from app.jobs import outbox
from app.models import JobKind, audit
from app.models.base import ANNOUNCED
from app.tenancy import TenantOwned


def _announce(session: Session, _context: Any) -> None:
    by = audit.actor()
    if by == audit.SYSTEM:  # a demo is loaded, a business is deleted
        return
    for row in (*session.new, *session.dirty):
        if not isinstance(row, TenantOwned):
            continue
        for column, before, after in _changes(row):
            outbox.add(
                JobKind.NUMBERS_MAIL, key=f"{JobKind.NUMBERS_MAIL}:{uuid.uuid4().hex}",
                entity=type(row).__name__, row=row.id, column=column,  # type: ignore[attr-defined]
                before=before, after=after, by=by, address=audit.address(),
            )  # fmt: skip


def _changes(row: Any) -> list[tuple[str, list[str], list[str]]]:
    """Of the columns that say whom a call may ring: what they held and what they hold."""
    state, found = inspect(row), []
    for column in state.mapper.column_attrs:
        if not column.columns[0].info.get(ANNOUNCED):
            continue
        history = state.attrs[column.key].history
        if history.has_changes():
            before, after = _listed(history.deleted), _listed(history.added)
            if before != after:
                found.append((column.key, before, after))
    return found


def _listed(values: Any) -> list[str]:
    """One value, or a list of them, or none."""
    (value,) = values or (None,)
    many = value if isinstance(value, list) else [value]
    return [str(one) for one in many if one not in (None, "")]


def install() -> None:
    """Watch every flush. Safe to call for every application."""
    # after_flush: keys of new rows are known, attribute histories are not reset yet.
    if not event.contains(Session, "after_flush", _announce):
        event.listen(Session, "after_flush", _announce)
