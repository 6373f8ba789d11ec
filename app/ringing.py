"""A ring test: the telephones of a department are rung for real, hear a sentence and are hung up.

The numbers come from the department's row alone, and pass what a transfer's numbers pass.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text

from app import carrier, numbers, spending
from app.carrier import Account, CarrierError
from app.extensions import db
from app.jobs import outbox
from app.models import (
    AuditLog,
    Department,
    JobKind,
    SpendKind,
    Tenant,
    TenantStatus,
    TwilioNumber,
)
from app.models.audit import record
from app.numbers import Unable
from app.spending import Offer
from app.voice import facts, notices, twiml
from app.voice.facts import Snapshot

MOST = 3  # tests of a business within WITHIN, whatever the department
WITHIN = text("interval '10 minutes'")
ACTION = "ring test"
RING_SECONDS = 20
TALK_SECONDS = 30
MOST_TELEPHONES = 10  # as many as ring at once for a caller
OVER = timedelta(seconds=RING_SECONDS + TALK_SECONDS + 10)


@dataclass(frozen=True, slots=True)
class Rung:
    """A telephone: `call_sid` is Twilio's call to it; without one, `problem` says why not."""

    number: str
    call_sid: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a telephone: `status` in Twilio's words, "" when it could not be told."""

    number: str
    status: str = ""
    problem: str = ""

    @property
    def is_over(self) -> bool:
        return bool(self.problem) or self.status in carrier.ENDED


def ring(tenant_id: int, department_id: int) -> list[Rung]:
    """Of the tenant in scope. Raises Unable. Commits; no transaction is open while Twilio is
    asked."""
    place = db.session.get_one(Department, department_id)
    telephones, name = place.numbers[:MOST_TELEPHONES], place.name
    caller = db.session.scalar(select(TwilioNumber.number).order_by(TwilioNumber.id).limit(1))
    found = facts.current()
    _refuse(telephones, caller)
    account = numbers.account_for(tenant_id)  # forgets what was loaded
    allowed = _allowed(found, department_id)
    reserved = 0
    if allowed:
        _permit(tenant_id, department_id)
        reserved = _reserve(tenant_id, found, sum(one in allowed for one in telephones))
    words = notices.ring_test(found.business, name, found.language)
    said = twiml.hang_up(words, twiml.VoiceSettings(found.voice, found.language))
    rung = [
        _ring(account, str(caller), one, said) if one in allowed else Rung(one, problem=_BARRED)
        for one in telephones
    ]
    if reserved:
        _settle_later([one.call_sid for one in rung if one.call_sid], reserved)
    return rung


_BARRED = (
    "It may not be rung: it is in a country that is not allowed, bills whoever rings it, or is "
    "answered by a receptionist."
)


def became(tenant_id: int, rung: list[Rung]) -> list[Became]:
    """As Twilio tells it now. Raises Unable."""
    account = numbers.account_for(tenant_id)
    return [_became(account, one) for one in rung]


def _refuse(telephones: list[str], caller: str | None) -> None:
    status = db.session.scalars(select(Tenant.status)).one()
    if status == TenantStatus.SUSPENDED:
        raise Unable("The business is suspended: nothing is rung for it.")
    if not telephones:
        raise Unable("This department has no telephone yet. Add its numbers first.")
    if caller is None:
        raise Unable("There is no number to call from. Add one under Numbers first.")


def _allowed(found: Snapshot, department_id: int) -> frozenset[str]:
    """Those that a call would be connected to."""
    places = (place.department for place in found.places)
    return frozenset(next((one.numbers for one in places if one.id == department_id), ()))


def _permit(tenant_id: int, department_id: int) -> None:
    """Note who rings, in the audit log, which also counts. Commits. Raises Unable."""
    db.session.execute(
        text("select pg_advisory_xact_lock(7236004, :tenant)"), {"tenant": tenant_id}
    )
    made = db.session.scalar(
        select(func.count())
        .select_from(AuditLog)
        .where(AuditLog.tenant_id == tenant_id, AuditLog.action == ACTION)
        .where(AuditLog.created_at > func.now() - WITHIN)
    )
    if made and made >= MOST:
        db.session.rollback()
        raise Unable(f"There were {MOST} ring tests within ten minutes. Wait a little.")
    db.session.add(record(ACTION, "Department", department_id, {}))
    db.session.commit()


def _reserve(tenant_id: int, found: Snapshot, telephones: int) -> int:
    """What it costs if all are answered and nobody hangs up. Commits. Raises Unable."""
    seconds = telephones * TALK_SECONDS
    cost = found.rates.cost(SpendKind.TRANSFER_SECONDS, seconds, datetime.now(UTC).date())
    granted = spending.reserve(tenant_id, found.bounds, [Offer(cost)])
    db.session.commit()
    if granted is None:
        raise Unable("What this business may spend is used up: see its limits. Nothing is rung.")
    return cost


def _settle_later(call_sids: list[str], reserved: int) -> None:
    outbox.add(
        JobKind.BOOK_RING_TEST, key=f"{JobKind.BOOK_RING_TEST}:{uuid.uuid4().hex}", delay=OVER,
        call_sids=call_sids, reserved=reserved, since=datetime.now(UTC).isoformat(),
    )  # fmt: skip
    db.session.commit()


def _ring(account: Account, caller: str, number: str, said: str) -> Rung:
    try:
        call = carrier.place_call(
            account, to=number, caller=caller, twiml=said, ring_seconds=RING_SECONDS,
            talk_seconds=TALK_SECONDS,
        )  # fmt: skip
    except CarrierError as problem:
        return Rung(number, problem=problem.reason)
    return Rung(number, call.sid)


def _became(account: Account, one: Rung) -> Became:
    if one.problem:
        return Became(one.number, problem=one.problem)
    try:
        call = carrier.call_status(account, one.call_sid)
    except CarrierError as problem:
        return Became(one.number, problem="" if not problem.permanent else problem.reason)
    return Became(one.number, call.status) if call else Became(one.number, problem=_GONE)


_GONE = "Twilio does not know this call any more."
