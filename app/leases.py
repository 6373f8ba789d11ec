"""Calls at once: each holds a lease until it ends, or until its time is up if nobody tells.

Rows, never counters: a call whose end is lost gives its share back by itself.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import func, literal, update
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.models import Lease, LeaseKind
from app.tenancy import current_tenant_id

MARGIN: Final = timedelta(minutes=2)
"""A turn, or the news of an end, may take that long."""
KEPT: Final = timedelta(hours=1)
"""How long a lease that was given back tells when its call began."""
_NOW = func.clock_timestamp()


def take(call_sid: str, caller: str, seconds: int) -> None:
    """For a call that may last so long. Taking it again changes nothing but its time."""
    until = _NOW + timedelta(seconds=seconds) + MARGIN
    fresh = insert(Lease).values(
        tenant_id=current_tenant_id(), kind=LeaseKind.CALL, holder=call_sid, caller=caller,
        began=_NOW, until=until,
    )  # fmt: skip
    db.session.execute(
        fresh.on_conflict_do_update(constraint="uq_lease__holder", set_={"until": until})
    )


def extend(call_sid: str, seconds: int) -> None:
    """The call may last so long from now on: people talk."""
    longer = func.greatest(Lease.until, _NOW + literal(timedelta(seconds=seconds) + MARGIN))
    _change(call_sid, longer)


def release(call_sid: str) -> None:
    _change(call_sid, func.least(Lease.until, _NOW))


def _change(call_sid: str, until: object) -> None:
    db.session.execute(
        update(Lease)
        .where(Lease.kind == LeaseKind.CALL, Lease.holder == call_sid)
        .values(until=until)
        .execution_options(synchronize_session=False)
    )
