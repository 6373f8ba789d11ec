"""A business leaves: what it has at Twilio is given back or deleted, then every row of it is."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, delete, select, update

from app import accounts, carrier
from app.carrier import Account, CarrierError
from app.extensions import db
from app.jobs.outbox import JobError, Unfinished, Work
from app.models import (
    ApiKey,
    CallSession,
    Channel,
    LoginAttempt,
    Recording,
    RecordingStatus,
    Tenant,
    TenantStatus,
    TwilioNumber,
    User,
    UserToken,
)
from app.models.audit import record

MOST_SECONDS = 60.0
"""Less than a lease; then the job is called again."""
BATCH = 1000
# The ledger and the audit log can only be appended to; the others are few. They go with the tenant.
_WITH_THE_TENANT = frozenset({"spend_ledger", "audit_log", "ab_user", "twilio_number"})
_OURS_NOT = (401, 403, 404)  # how Twilio says that an account is not under another


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tenant is at Twilio. No `account`: nowhere. With a `parent` the account is its
    subaccount. Numbers of an account that is the business's own affair stay there."""

    account: Account | None = None
    parent: Account | None = None
    gives_back: bool = False


def delete_tenant(work: Work) -> dict[str, Any]:
    """Platform work. Each step is committed by itself, so it may end after any and run again.
    Raises JobError; Unfinished when there is more than fits in one go."""
    tenant_id, until = int(work.args["of"]), time.monotonic() + MOST_SECONDS
    tenant = db.session.get(Tenant, tenant_id)
    if tenant is None:
        return {"deleted": True}
    if tenant.status != TenantStatus.CLOSED:
        raise JobError("The business was opened again: it was not deleted.", permanent=True)
    _shut_out(tenant_id)
    try:
        place = _place(tenant_id)
        _hang_up(tenant_id, place)
        _delete_recordings(tenant_id, place, until)
        _give_numbers_back(tenant_id, place)
        if place.parent and place.account:
            carrier.set_status(place.parent, place.account.account_sid, "closed")
    except CarrierError as error:
        raise JobError(error.reason, error.permanent) from error
    _delete_rows(tenant_id, until)
    return _delete(tenant_id, str(work.args.get("actor", "system")))


def _shut_out(tenant_id: int) -> None:
    """Keys and sign-ins of a closed business are refused already; they end for good."""
    people = select(User.id).where(User.tenant_id == tenant_id)
    now = datetime.now(UTC)
    for statement in (
        update(ApiKey)
        .where(ApiKey.tenant_id == tenant_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now),
        update(User)
        .where(User.tenant_id == tenant_id, User.active.is_(True))
        .values(active=False, session_epoch=User.session_epoch + 1),
        update(LoginAttempt)
        .where(LoginAttempt.user_id.in_(people), LoginAttempt.ended_at.is_(None))
        .values(ended_at=now),
        delete(UserToken).where(UserToken.user_id.in_(people)),
    ):
        db.session.execute(statement, execution_options={"synchronize_session": False})
    db.session.commit()


def _place(tenant_id: int) -> Place:
    """Raises CarrierError, JobError."""
    tenant = db.session.get_one(Tenant, tenant_id)
    sid, own, account = tenant.account_sid, accounts.has_own(tenant), accounts.account_of(tenant)
    db.session.rollback()  # no transaction stays open while Twilio is asked
    if sid in accounts.demo():
        return Place()
    if not own:
        return Place(account, gives_back=account is not None)
    parent = accounts.installation()
    if parent is not None and (found := _under(parent, str(sid))) is not None:
        return Place() if found.account_sid == "" else Place(found, parent, gives_back=True)
    if account is None and _recordings(tenant_id, 1):
        raise JobError(
            "The auth token of its Twilio account is missing, so its recordings cannot be deleted. "
            "Enter it under Tenants, then delete the business again.",
            permanent=True,
        )
    return Place(account)


def _under(parent: Account, sid: str) -> Account | None:
    """The subaccount, with an empty id if it is closed, when nothing is left to do. None: it is not
    under this account. Raises CarrierError."""
    try:
        found = carrier.subaccount(parent, sid)
    except CarrierError as error:
        if error.status not in _OURS_NOT:
            raise
        carrier.subaccount(parent, parent.account_sid)  # or is it our own token that is wrong?
        return None
    closed = found.status == "closed"
    return Account("" if closed else found.sid, found.token, parent.api_url)


def _hang_up(tenant_id: int, place: Place) -> None:
    """Calls under way: what they would ask next is gone in a moment."""
    live = db.session.scalars(
        select(CallSession.call_sid).where(
            CallSession.tenant_id == tenant_id,
            CallSession.outcome.is_(None),
            CallSession.channel == Channel.PHONE,
        )
    ).all()
    db.session.rollback()
    for call_sid in live if place.account else ():
        carrier.hang_up(place.account, call_sid)  # type: ignore[arg-type]


def _delete_recordings(tenant_id: int, place: Place, until: float) -> None:
    if place.account is None:
        return
    while found := _recordings(tenant_id, BATCH):
        for pk, sid, status, call_sid in found:
            if status == RecordingStatus.IN_PROGRESS:
                carrier.stop_recording(place.account, call_sid, sid)
            carrier.delete_recording(place.account, sid)
            db.session.execute(
                update(Recording).where(Recording.id == pk).values(status=RecordingStatus.DELETED),
                execution_options={"synchronize_session": False},
            )
            db.session.commit()
            _rest(until)


def _recordings(tenant_id: int, most: int) -> list[Any]:
    """Those that Twilio still has."""
    found = db.session.execute(
        select(Recording.id, Recording.recording_sid, Recording.status, CallSession.call_sid)
        .join(CallSession, CallSession.id == Recording.call_id)
        .where(Recording.tenant_id == tenant_id, Recording.status != RecordingStatus.DELETED)
        .order_by(Recording.id)
        .limit(most)
    ).all()
    db.session.rollback()
    return list(found)


def _give_numbers_back(tenant_id: int, place: Place) -> None:
    if place.account is None or not place.gives_back:
        return
    numbers = db.session.execute(
        select(TwilioNumber.id, TwilioNumber.number).where(
            TwilioNumber.tenant_id == tenant_id, TwilioNumber.practice.is_(False)
        )
    ).all()
    db.session.rollback()
    for pk, number in numbers:
        found = carrier.find_number(place.account, number)
        if found is not None:
            carrier.release_number(place.account, found.sid)
        db.session.execute(delete(TwilioNumber).where(TwilioNumber.id == pk))
        db.session.commit()


def _delete_rows(tenant_id: int, until: float) -> None:
    """In batches, children first: years of calls do not fit into one statement."""
    for table in reversed(db.metadata.sorted_tables):
        if "tenant_id" in table.columns and table.name not in _WITH_THE_TENANT:
            while _delete_some(table, tenant_id) == BATCH:
                _rest(until)


def _delete_some(table: Table, tenant_id: int) -> int:
    some = select(table.c.id).where(table.c.tenant_id == tenant_id).limit(BATCH)
    gone = db.session.execute(delete(table).where(table.c.id.in_(some)))
    db.session.commit()
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _delete(tenant_id: int, actor: str) -> dict[str, Any]:
    """The last step, in the transaction that finishes the job."""
    kept = select(TwilioNumber.number).where(
        TwilioNumber.tenant_id == tenant_id, TwilioNumber.practice.is_(False)
    )
    left = sorted(db.session.scalars(kept))
    entry = record("delete", "Tenant", tenant_id, {}, tenant_id=tenant_id)
    entry.actor = actor
    db.session.add(entry)
    db.session.execute(
        delete(Tenant).where(Tenant.id == tenant_id),
        execution_options={"synchronize_session": False},
    )
    return {"deleted": True, "numbers_left": left}


def _rest(until: float) -> None:
    if time.monotonic() > until:
        raise Unfinished("There is more to delete.")
