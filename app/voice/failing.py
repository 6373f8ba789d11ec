"""Turns that failed: counted for each business, and past its limit its calls are sent elsewhere.

A mark is a Lease that lasts as long as it counts, so all nodes count together and nothing has to be
reset. What is thrown here ends by itself; people end it earlier under Receptionist.
"""

from datetime import timedelta
from logging import getLogger

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.jobs import outbox
from app.models import ForwardCause, JobKind, Lease, ReceptionistConfig
from app.tenancy import acting_for

MARK = "failed_turn"
WINDOW, MOST = 5, 5  # of a business without a receptionist's settings: minutes, turns

log = getLogger(__name__)


def note(tenant_id: int, call_sid: str, what: str) -> int:
    """A turn of this call failed (`what` names it, and counts once); how many of the call did,
    lately. Never raises: a caller waits, and the database may be what failed."""
    try:
        with acting_for(tenant_id):
            times = _count(call_sid, what)
            db.session.commit()
        outbox.wake()
        return times
    except SQLAlchemyError as error:
        log.warning("a failed turn was not counted", extra={"error": type(error).__name__})
        return 1
    finally:
        db.session.remove()


def _count(call_sid: str, what: str) -> int:
    config = db.session.scalar(select(ReceptionistConfig))
    minutes = config.forward_window if config else WINDOW
    db.session.execute(
        insert(Lease)
        .values(
            kind=MARK,
            holder=f"{call_sid}:{what}",
            until=func.clock_timestamp() + timedelta(minutes=minutes),
        )
        .on_conflict_do_nothing(constraint="uq_lease__holder")
    )
    counted = (Lease.kind == MARK, Lease.until > func.clock_timestamp())
    of_all, of_call = db.session.execute(
        select(func.count(), func.count().filter(Lease.holder.startswith(f"{call_sid}:"))).where(
            *counted
        )
    ).one()
    limit = config.forward_after if config else MOST
    if limit and of_all >= limit:
        _throw(config, of_all)
    return int(of_call)


def _throw(config: ReceptionistConfig | None, failed: int) -> None:
    """Send all calls to the fallback number for a while, if there is one and they are not sent
    there already; tell the owner and the operator either way, once."""
    now = func.clock_timestamp()
    until = None
    if config is not None and config.fallback_number:
        over = ReceptionistConfig.forward_until <= now
        until = db.session.scalar(
            update(ReceptionistConfig)
            .where(
                ReceptionistConfig.id == config.id,
                or_(ReceptionistConfig.forward_calls.is_(False), over),
            )
            .values(
                forward_calls=True,
                forward_until=now + timedelta(minutes=config.forward_minutes),
                forward_cause=ForwardCause.FAILED_TURNS,
            )
            .returning(ReceptionistConfig.forward_until)
            .execution_options(synchronize_session=False)
        )
        if until is None:
            return
    log.error("turns fail repeatedly", extra={"failed": failed, "forwarded": until is not None})
    hour = db.session.scalar(select(func.to_char(func.now(), "YYYYMMDDHH24")))
    outbox.add(
        JobKind.FORWARDING_MAIL,
        key=f"forwarding:{int(until.timestamp()) if until else hour}",
        failed=failed,
        number=config.fallback_number if config and until else "",
        until=until.isoformat() if until else "",
    )
