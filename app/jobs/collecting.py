"""Messages that were spoken after the tone while nobody here could be told: found at Twilio.

The callback of a recording may come during an outage, and Twilio's own fallback or nginx may have
asked for the message without us. So Twilio's list is what counts.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging import getLogger
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import accounts, calls, carrier, logs
from app.carrier import Account, CarrierCall, CarrierError, Message
from app.extensions import db
from app.jobs.outbox import Work
from app.models import Collected, Recording, RecordingStatus, Tenant, TenantStatus, TwilioNumber
from app.models.sealed import SealBroken
from app.tenancy import acting_for
from app.voice import recordings

OVERLAP = timedelta(hours=1)
"""Looked at again each time: a recording is listed late, or its call could not be asked for."""
FRESH = timedelta(minutes=2)
"""Younger ones are left to the callback, which is on its way."""
MOST_SECONDS = 90.0
"""Less than a lease; accounts that are left are gone through the next time."""

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Whose:
    tenant_id: int
    since: datetime  # the number is the tenant's


def collect_messages(_work: Work) -> dict[str, Any]:
    """Platform work: go through each account's messages since the last time."""
    kept, failed = 0, 0
    everyone = _accounts()
    db.session.rollback()
    random.shuffle(everyone)  # one that is slow must not keep the others for ever
    until = time.monotonic() + MOST_SECONDS
    for account in everyone:
        if time.monotonic() > until:
            break
        try:
            kept += _collect(account)
        except CarrierError as error:
            failed += 1
            log.warning("messages not listed", extra={"error": error.reason})
    return {"accounts": len(everyone), "kept": kept, "not_reached": failed}


def _accounts() -> list[Account]:
    """Each once. Those of the demo are made up; a closed business's messages are nobody's."""
    found = {own.account_sid: own for own in [accounts.installation()] if own}
    for tenant in db.session.scalars(select(Tenant).where(Tenant.status != TenantStatus.CLOSED)):
        try:
            account = accounts.account_of(tenant)
        except SealBroken:
            log.error("token cannot be read", extra={"tenant_id": tenant.id})
            continue
        if account:
            found[account.account_sid] = account
    return [account for sid, account in found.items() if sid not in accounts.demo()]


def _collect(account: Account) -> int:
    began, since = datetime.now(UTC), _since(account.account_sid)
    found = [m for m in carrier.messages(account, since) if m.created_at < began - FRESH]
    unknown = _unknown(found)
    kept = 0
    for message in unknown:
        with logs.about(call_sid=message.call_sid):
            kept += _keep(account, message)
    fresh = insert(Collected).values(account_sid=account.account_sid, until=began)
    db.session.execute(
        fresh.on_conflict_do_update(
            index_elements=["account_sid"], set_={"until": fresh.excluded.until}
        )
    )
    db.session.commit()
    return kept


def _since(account_sid: str) -> datetime:
    """An account that is new here has no messages of ours from before."""
    until = db.session.scalar(select(Collected.until).where(Collected.account_sid == account_sid))
    db.session.rollback()
    return (until or datetime.now(UTC)) - OVERLAP


def _unknown(found: list[Message]) -> list[Message]:
    known = set(
        db.session.scalars(
            select(Recording.recording_sid).where(
                Recording.recording_sid.in_([message.sid for message in found])
            )
        )
    )
    db.session.rollback()
    return [message for message in found if message.sid not in known]


def _keep(account: Account, message: Message) -> bool:
    """Raises CarrierError: then the account is gone through again."""
    call = carrier.call_status(account, message.call_sid)
    whose = _whose(account, call.called) if call else None
    if call is None or whose is None or (call.began_at or message.created_at) < whose.since:
        return False
    with acting_for(whose.tenant_id):
        kept = _kept(call, message)
        db.session.commit()
    return kept


def _whose(account: Account, called: str) -> Whose | None:
    """The tenant whose number it is, and whose account this is."""
    row = db.session.execute(
        select(Tenant, TwilioNumber.created_at)
        .join(TwilioNumber, TwilioNumber.tenant_id == Tenant.id)
        .where(TwilioNumber.number == called, Tenant.status != TenantStatus.CLOSED)
    ).one_or_none()
    own = accounts.account_of(row[0]) if row else None
    found = None
    if row and own and own.account_sid == account.account_sid:
        found = Whose(row[0].id, row[1])
    db.session.rollback()
    return found


def _kept(at_carrier: CarrierCall, message: Message) -> bool:
    """The call's row, the recording, the consent and the lead: each once, as the callback may come
    at the same time."""
    call = calls.begun(
        at_carrier.sid, caller=at_carrier.caller[:64], called=at_carrier.called,
        at=at_carrier.began_at or message.created_at,
    )  # fmt: skip
    if call is None:
        return False
    recordings.keep(
        call, recording_sid=message.sid, source=carrier.BY_TONE, duration=message.seconds,
        status=str(RecordingStatus.COMPLETED), channels=1,
    )  # fmt: skip
    calls.message_left(call)
    if at_carrier.has_ended:
        by = "refused" if calls.is_blocked(call.caller) else "caller"
        calls.finish_call(call, ended_by=by, duration=at_carrier.duration, at=at_carrier.ended_at)
    return True
