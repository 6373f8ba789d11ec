"""Calls at once: each holds a lease until it ends, or until its time is up if nobody tells.

Rows, never counters: a call whose end is lost gives its share back by itself.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import TextClause, text

from app.extensions import db
from app.models import LeaseKind
from app.tenancy import current_tenant_id

MARGIN: Final = timedelta(minutes=2)
"""A turn, or the news of an end, may take that long."""
KEPT: Final = timedelta(hours=1)
"""How long a lease that was given back tells when its call began."""

# Written out, as each call pays for them: made of the model they take four times as long.
_OWN: Final = f"tenant_id = :tenant and kind = '{LeaseKind.CALL}' and holder = :sid"
TAKE: Final = f"""
    insert into lease (tenant_id, kind, holder, caller, began, until)
    values (
        :tenant, '{LeaseKind.CALL}', :sid, :hashed, clock_timestamp(), clock_timestamp() + :lasts
    )
    on conflict on constraint uq_lease__holder do update set until = excluded.until
"""
"""For a call that may last so long. A part of the statement with which calls begin: callers.py."""
_EXTEND: Final = text(
    f"update lease set until = greatest(until, clock_timestamp() + :lasts) where {_OWN}"
)
RELEASE: Final = f"update lease set until = least(until, clock_timestamp()) where {_OWN}"
_RELEASE: Final = text(RELEASE)


def lasting(seconds: int) -> timedelta:
    """Of a call that may last so long."""
    return timedelta(seconds=seconds) + MARGIN


def extend(call_sid: str, seconds: int) -> None:
    """The call may last so long from now on: people talk."""
    _execute(_EXTEND, call_sid, lasts=lasting(seconds))


def release(call_sid: str) -> None:
    _execute(_RELEASE, call_sid)


def _execute(statement: TextClause, call_sid: str, **values: object) -> None:
    db.session.execute(statement, {"tenant": current_tenant_id(), "sid": call_sid, **values})
