"""What the telephones of a ring test cost, asked of Twilio once they are all over."""

from datetime import datetime
from typing import Any

from app import carrier, rates, spending
from app.carrier import CarrierCall, CarrierError
from app.extensions import db
from app.jobs import ledger
from app.jobs.outbox import JobError, Work
from app.jobs.recordings import twilio_account
from app.models import SpendKind


def book_ring_test(work: Work) -> dict[str, Any]:
    """Books the seconds that were talked, and settles what was reserved for them. `args`: the
    calls, what was `reserved` (millionths of the currency) and `since` when."""
    assert work.tenant_id is not None
    sids, since = work.args["call_sids"], datetime.fromisoformat(work.args["since"])
    seconds = {call.sid: call.duration or 0 for call in _over(sids)}
    for sid, talked in seconds.items():
        ledger.book(SpendKind.TRANSFER_SECONDS, talked, key=f"ring_test:{sid}")
    prices, day = rates.current(), since.date()
    cost = sum(prices.cost(SpendKind.TRANSFER_SECONDS, s, day) for s in seconds.values())
    spending.charge(work.tenant_id, cost - int(work.args["reserved"]), since)
    return {"seconds": sum(seconds.values())}


def _over(call_sids: list[str]) -> list[CarrierCall]:
    """Those that Twilio knows. Raises JobError while one goes on."""
    account = twilio_account()
    db.session.rollback()  # no transaction stays open while Twilio is asked
    if account is None:
        return []
    try:
        found = [carrier.call_status(account, sid) for sid in call_sids]
    except CarrierError as error:
        raise JobError(error.reason, error.permanent) from error
    known = [call for call in found if call]
    if not all(call.has_ended for call in known):
        raise JobError("A telephone is not over yet.")
    return known
