"""A person ends a call that is going on: at Twilio, or here where Twilio has nothing to end."""

from sqlalchemy import select

from app import accounts, carrier
from app.calls import finish_call
from app.carrier import Account, CarrierCall
from app.extensions import db
from app.jobs import outbox
from app.models import CallSession, Channel, Tenant
from app.models.audit import record
from app.tenancy import acting_for


def end(tenant_id: int, call_id: int) -> bool:
    """True: it is over. False: Twilio is ending it and will tell us, as of any call. Commits; no
    transaction is open while Twilio is asked. Raises CarrierError."""
    with acting_for(tenant_id):
        call = db.session.scalars(select(CallSession).where(CallSession.id == call_id)).one()
        is_over, call_sid, account = call.outcome is not None, call.call_sid, _account_of(call)
        db.session.add(record("end", "CallSession", call_id, {}))
        db.session.commit()
        if is_over:
            return True
        known = carrier.call_status(account, call_sid) if account else None
        if account and known and not known.has_ended:
            carrier.hang_up(account, call_sid)
            return False
        _finish(call_id, known)
        return True


def _account_of(call: CallSession) -> Account | None:
    """None: a call of a built-in telephone, which Twilio does not know."""
    if call.channel == Channel.TEST:
        return None
    account = accounts.account_of(db.session.scalars(select(Tenant)).one())
    return account if account and account.account_sid not in accounts.demo() else None


def _finish(call_id: int, known: CarrierCall | None) -> None:
    """Looked at again under a lock: a turn may have ended it meanwhile."""
    call = db.session.scalars(
        select(CallSession).where(CallSession.id == call_id).with_for_update()
    ).one()
    if call.outcome is None:
        finish_call(
            call, ended_by="caller", duration=known.duration if known else None,
            at=known.ended_at if known else None,
        )  # fmt: skip
    db.session.commit()
    outbox.wake()
