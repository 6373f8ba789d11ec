"""Puts right what was left lying: calls whose end was never told, rows nobody needs any more."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging import getLogger
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.sql import ColumnElement

from app import accounts, carrier, leases, limits, logs
from app.calls import finish_call
from app.carrier import Account, CarrierCall, CarrierError
from app.extensions import db
from app.jobs import heartbeat, outbox, retention
from app.jobs.outbox import Unfinished, Work
from app.models import (
    ApiKey,
    AttemptOutcome,
    CallLimits,
    CallSession,
    CallState,
    Channel,
    InboundRequest,
    Job,
    JobStatus,
    Lease,
    LoginAttempt,
    Tenant,
    UserToken,
)
from app.tenancy import acting_for

QUIET = timedelta(minutes=3)
"""A turn comes at least each minute, so this call is worth a look."""
LOST = timedelta(minutes=10)
"""Nobody can tell us more, and no turn takes this long."""
MOST_CALLS = 500
MOST_SECONDS = 60.0
"""Less than a lease; what is left is looked at in the next minute."""
BATCH = 1000

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orphan:
    """`connected`: with a person, or being so; then it has no turns. `overdue`: it is past what its
    tenant's limits allow."""

    tenant_id: int
    call_id: int
    call_sid: str
    connected: bool
    quiet: timedelta
    overdue: bool
    account: Account | None
    test: bool


@dataclass(frozen=True, slots=True)
class End:
    """How an orphan ended, as far as it is known."""

    duration: int | None = None
    at: datetime | None = None


def close_orphans(_work: Work) -> dict[str, Any]:
    """Platform work: settle each call that has been quiet for some minutes."""
    closed, asked = 0, 0
    orphans = list(_orphans())
    db.session.rollback()  # no transaction stays open while Twilio is asked
    silent: set[str] = set()
    until = time.monotonic() + MOST_SECONDS
    for orphan in orphans:
        if time.monotonic() > until:
            break
        asked += 1
        with logs.about(call_sid=orphan.call_sid, tenant_id=orphan.tenant_id):
            end = _end_of(orphan, silent)
            closed += bool(end and _close(orphan, end))
    if closed:
        outbox.wake()
    return {"closed": closed, "left": len(orphans) - closed, "not_looked_at": len(orphans) - asked}


def _orphans() -> Iterator[Orphan]:
    demo, now = accounts.demo(), datetime.now(UTC)
    rows = db.session.execute(
        select(CallSession, Tenant, CallLimits)
        .join(Tenant, Tenant.id == CallSession.tenant_id)
        .outerjoin(CallLimits, CallLimits.tenant_id == Tenant.id)
        .where(CallSession.outcome.is_(None), CallSession.last_turn_at < now - QUIET)
        .order_by(func.random())  # long live calls must not keep others from being looked at
        .limit(MOST_CALLS)
    )
    for call, tenant, own in rows:
        account = accounts.account_of(tenant) if call.channel == Channel.PHONE else None
        test, quiet = call.channel == Channel.TEST, now - call.last_turn_at
        connected = call.state == CallState.TRANSFER_ATTEMPT and not test
        bounds = limits.in_force(tenant, own)
        talk, call_time = (timedelta(seconds=s) for s in (bounds.talk_seconds, bounds.call_seconds))
        yield Orphan(
            tenant_id=call.tenant_id,
            call_id=call.id,
            call_sid=call.call_sid,
            connected=connected,
            quiet=quiet,
            overdue=quiet > talk + LOST if connected else now - call.started_at > call_time + QUIET,
            account=account if account and account.account_sid not in demo else None,
            test=test,
        )


def _end_of(orphan: Orphan, silent: set[str]) -> End | None:
    """None: it may still be going on, so it is left alone. `silent` are accounts that could not be
    asked just now: each would cost a timeout again."""
    try:
        if orphan.account and orphan.account.account_sid not in silent:
            known = carrier.call_status(orphan.account, orphan.call_sid)
            if known and known.has_ended:
                return End(known.duration, known.ended_at)
            if known:
                return _hung_up(orphan, known)
    except CarrierError as error:
        if orphan.account:
            silent.add(orphan.account.account_sid)
        log.warning("carrier could not tell", extra={"error": error.reason})
    lost = orphan.overdue if orphan.connected else orphan.quiet > LOST
    return End() if lost else None


def _hung_up(orphan: Orphan, live: CarrierCall) -> End | None:
    """Twilio's own time limits end people's talk; this is for legs that none of ours bounds."""
    if not orphan.overdue or orphan.account is None:
        return None
    carrier.hang_up(orphan.account, live.sid)
    log.warning("live call past its limit hung up")
    return End()


def _close(orphan: Orphan, end: End) -> bool:
    """One transaction a call. Locked and looked at again: a turn may have come meanwhile."""
    quiet_since = func.clock_timestamp() - QUIET
    try:
        with acting_for(orphan.tenant_id):
            still_open = select(CallSession).where(
                CallSession.id == orphan.call_id, CallSession.outcome.is_(None)
            )
            if end.at is None:
                still_open = still_open.where(CallSession.last_turn_at < quiet_since)
            call = db.session.scalar(still_open.with_for_update())
            if call is not None:
                at = end.at or (call.last_turn_at if end.duration is None else None)
                finish_call(call, ended_by="caller", duration=end.duration, at=at)
            db.session.commit()
            return call is not None
    except Exception:  # the edge: one call that cannot be closed must not keep the others open
        log.exception("call could not be closed")
        return False


def cleanup(_work: Work) -> dict[str, Any]:
    """Platform work: delete what has served its time, a batch in each transaction; then what each
    tenant keeps for so long only. Raises Unfinished when that is more than fits in one go."""
    deleted = _served_their_time(datetime.now(UTC))
    limited = retention.Round(time.monotonic() + MOST_SECONDS)
    limited.go()
    outbox.wake()
    result = deleted | {"retention": limited.counts}
    if limited.unfinished:
        raise Unfinished("There is more to delete.", result=result)
    return result


def _served_their_time(now: datetime) -> dict[str, Any]:
    old_job = or_(
        Job.finished_at < now - timedelta(days=30),
        # rows of the schedule itself; one is made every minute
        (Job.finished_at < now - timedelta(days=1)) & Job.tenant_id.is_(None),
    )
    return {
        "inbound_requests": _delete(
            InboundRequest, InboundRequest.created_at < now - timedelta(hours=48)
        ),
        "jobs": _delete(Job, Job.status.in_((JobStatus.DONE, JobStatus.SET_ASIDE)) & old_job),
        "leases": _delete(Lease, Lease.until < now - leases.KEPT),
        "login_attempts": _delete(
            # the longest sign-in ends after a week; those that passed are history for a while
            LoginAttempt,
            (LoginAttempt.at < now - timedelta(days=30))
            | (LoginAttempt.outcome != AttemptOutcome.PASSED)
            & (LoginAttempt.at < now - timedelta(days=2)),
        ),
        "user_tokens": _delete(UserToken, UserToken.expires_at < now),
        "api_keys": _delete(ApiKey, ApiKey.expires_at < now - timedelta(days=30)),
        "heartbeats": heartbeat.forget_old(),
    }


def _delete(model: Any, condition: ColumnElement[bool]) -> int:
    deleted = 0
    while True:
        some = select(model.id).where(condition).limit(BATCH)
        result = db.session.execute(
            delete(model).where(model.id.in_(some)).execution_options(synchronize_session=False)
        )
        db.session.commit()
        deleted += result.rowcount  # type: ignore[attr-defined]
        if result.rowcount < BATCH:  # type: ignore[attr-defined]
            return deleted
