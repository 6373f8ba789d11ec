"""What became of a call's transfers and what it cost, once it is over: booked, and in the account
in place of what was reserved."""

from collections.abc import Sequence

from sqlalchemy import func, select

from app import spending
from app.extensions import db
from app.jobs import ledger
from app.jobs.ledger import Item
from app.models import (
    CallSession,
    Channel,
    SpendKind,
    SpendLedger,
    TransferAttempt,
    TransferStatus,
)
from app.rates import Rates


def end_transfers(call: CallSession) -> Sequence[TransferAttempt]:
    """Those whose result was not told (yet). The call's end may be told before it, or alone: a
    pressed 1 says already that they talked, and nothing rings any more. Of who was forwarded
    nobody knows yet."""
    attempts = db.session.scalars(
        select(TransferAttempt).where(
            TransferAttempt.call_id == call.id, TransferAttempt.seconds.is_(None)
        )
    ).all()
    for attempt in attempts:
        if attempt.status == TransferStatus.RINGING and not attempt.forwarded:
            taken = attempt.accepted_by is not None
            attempt.status = TransferStatus.ANSWERED if taken else TransferStatus.NO_ANSWER
    db.session.flush()
    return [attempt for attempt in attempts if attempt.reserved > 0]


def valued(call: CallSession, prices: Rates, unsettled: Sequence[TransferAttempt] = ()) -> int:
    """By how much the call's cost is above what was reserved for it. Whoever took an unsettled
    transfer may have talked until now."""
    if call.channel == Channel.TEST:
        return 0
    day, seconds = call.started_at.date(), call.duration or 0
    for attempt in unsettled:
        talked = prices.cost(SpendKind.TRANSFER_SECONDS, seconds, day)
        taken = attempt.accepted_by or attempt.forwarded
        cost = min(attempt.reserved, talked) if taken else 0
        call.settled += cost - attempt.reserved
        attempt.reserved = cost
    return spending.valued(call, prices)


def book(call: CallSession, change: int) -> None:
    """In the ledger, once; in the account by how much it cost more than was reserved."""
    if call.channel == Channel.TEST:
        return
    ledger.book_all(used(call), call.id)
    spending.charge(call.tenant_id, change, call.started_at)


def used(call: CallSession) -> list[Item]:
    """What is booked of a call that is not a test."""
    found = (
        (SpendKind.CALLS, 1, ""),
        (SpendKind.CALL_SECONDS, call.duration or 0, ""),
        (SpendKind.TOKENS_IN, call.tokens_in, call.model),
        (SpendKind.TOKENS_OUT, call.tokens_out, call.model),
    )
    return [Item(kind, many, f"{kind}:{call.id}", model) for kind, many, model in found]


def correct(call: CallSession, prices: Rates) -> None:
    """The carrier tells how long it lasted, after it was booked by our own clock: the last sentence
    is spoken when the call is over for us. Once; in the account, too."""
    if call.channel == Channel.TEST:
        return
    kind = SpendKind.CALL_SECONDS
    booked = db.session.scalar(
        select(func.coalesce(func.sum(SpendLedger.quantity), 0)).where(
            SpendLedger.call_id == call.id, SpendLedger.kind == kind
        )
    )
    difference = (call.duration or 0) - int(booked or 0)
    if difference:
        ledger.book(kind, difference, key=f"{kind}:{call.id}:told", call_id=call.id)
        spending.charge(call.tenant_id, spending.valued(call, prices), call.started_at)
