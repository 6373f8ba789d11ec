"""The legs of a transfer: an attempt begins, and what Twilio says came of it."""

from datetime import UTC, datetime

from sqlalchemy import select

from app import leases, spending
from app.extensions import db
from app.jobs import events, ledger
from app.metrics import catalogue, committed
from app.models import (
    CallSession,
    CallState,
    Channel,
    SpendKind,
    TransferAttempt,
    TransferStatus,
)
from app.rates import Rates
from app.voice import twiml
from app.voice.flow import messages as m
from app.voice.inbox import Claim
from app.voice.webhook import Kind

_DIAL_RESULTS = {
    "completed": TransferStatus.REFUSED,  # somebody or something picked up; nobody was bridged
    "answered": TransferStatus.REFUSED,
    "busy": TransferStatus.BUSY,
    "no-answer": TransferStatus.NO_ANSWER,
}


def begin(call: CallSession, facts: m.Facts, department_id: int, reserved: int) -> None:
    """`reserved` for it, in millionths of the currency."""
    department = facts.department(department_id)
    leases.extend(call.call_sid, facts.limits.talk_seconds)
    db.session.add(
        TransferAttempt(
            tenant_id=call.tenant_id,
            call_id=call.id,
            department_id=department_id,
            turn=call.turn,
            numbers=list(department.numbers[: twiml.MOST_NUMBERS]) if department else [],
            reserved=reserved,
        )
    )
    db.session.flush()


def ringing(call: CallSession) -> int | None:
    """The attempt begun in this turn, whose id the screening URL carries."""
    if call.state != CallState.TRANSFER_ATTEMPT:
        return None
    return db.session.scalar(
        select(TransferAttempt.id).where(
            TransferAttempt.call_id == call.id, TransferAttempt.turn == call.turn
        )
    )


def was_taken(call_sid: str, turn: int) -> bool:
    """Whether somebody pressed 1 in the attempt that this turn's Dial was."""
    wanted = (CallSession.call_sid == call_sid, TransferAttempt.turn == turn)
    found = select(TransferAttempt.accepted_by).join(
        CallSession, CallSession.id == TransferAttempt.call_id
    )
    return db.session.scalar(found.where(*wanted)) is not None


def settle(call: CallSession, claimed: Claim, prices: Rates) -> None:
    """Note what came of a Dial. `DialBridged` decides: "completed" is also said of a leg that was
    picked up and refused."""
    if claimed.delivery.kind != Kind.TRANSFER_STATUS:
        return
    attempt = db.session.scalar(
        select(TransferAttempt)
        .where(TransferAttempt.call_id == call.id, TransferAttempt.turn == claimed.delivery.turn)
        .with_for_update()
    )
    if attempt is None:
        return
    if claimed.event["dial_bridged"]:
        attempt.status = TransferStatus.ANSWERED
    else:
        status = str(claimed.event["dial_status"])
        attempt.status = _DIAL_RESULTS.get(status, TransferStatus.FAILED)
    attempt.ended_at = datetime.now(UTC)
    attempt.seconds = claimed.event["dial_seconds"]
    _book(call, attempt, prices)
    if call.channel != Channel.TEST:
        committed.count(catalogue.TRANSFERS, result=attempt.status)
    if attempt.status != TransferStatus.ANSWERED:
        events.transfer_failed(attempt, call)


def _book(call: CallSession, attempt: TransferAttempt, prices: Rates) -> None:
    if call.channel == Channel.TEST:
        return
    put_through = attempt.status == TransferStatus.ANSWERED
    used = {
        SpendKind.TRANSFERS: int(put_through),
        SpendKind.TRANSFER_SECONDS: (put_through and attempt.seconds) or 0,
    }
    for kind, quantity in used.items():
        ledger.book(kind, quantity, key=f"{kind}:{attempt.id}", call_id=call.id)
    day = call.started_at.date()
    cost = sum(prices.cost(kind, quantity, day) for kind, quantity in used.items())
    spending.settle_transfer(call, attempt, cost)
