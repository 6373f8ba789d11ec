"""What happened on a call while the database was away, told when it is back.

The call may have begun then, and have no row; or stand where it stood before.
"""

from datetime import UTC, datetime, timedelta

from app import calls
from app.extensions import db
from app.jobs import outbox
from app.models import CallSession
from app.tenancy import acting_for
from app.voice import forwarding, inbox, late, notices, recordings, twiml
from app.voice.facts import Snapshot
from app.voice.gate import Admitted
from app.voice.inbox import Claim, Delivery
from app.voice.manner import voice_of
from app.voice.webhook import Kind, Webhook

TURN = 0  # of the Dial that outage.py answers with; the flow's own begin at 1


def is_news(claimed: Claim, known: bool) -> bool:
    """Whether what is told is not part of the call as the database has it."""
    match claimed.delivery.kind:
        case Kind.TRANSFER_STATUS:
            return not known or claimed.delivery.turn == TURN
        case Kind.MESSAGE:
            return not known
    return False


def answer(claimed: Claim, found: Snapshot) -> str:
    """Keep it, with a row for the call if there is none."""
    event = claimed.event
    call = calls.begun(
        claimed.delivery.call_sid, caller=str(event["caller"]), called=str(event["called"])
    )
    if call is None or (call.outcome is not None and not late.is_message(claimed)):
        return late.give_way(claimed, found)
    if claimed.delivery.kind == Kind.MESSAGE:
        document = _message(call, claimed, found)
    else:
        forwarding.attempt(call, claimed.delivery.turn, found.fallback_number)
        document = forwarding.settled(call, claimed, found)
    if not inbox.finish(claimed, document):
        return late.give_way(claimed, found)
    db.session.commit()
    outbox.wake()
    return document


def _message(call: CallSession, claimed: Claim, found: Snapshot) -> str:
    text = ""
    if late.is_message(claimed):
        recordings.keep_message(call, claimed)
        calls.message_left(call)
        text = notices.thanks(found.language)
    if calls.is_blocked(call.caller):
        calls.finish_call(call, ended_by="refused")
    calls.finish_call(call, ended_by="error")
    return twiml.hang_up(text, voice_of(found))


def question_again(admitted: Admitted) -> str | None:
    """For a caller who was held meanwhile: what they said could not be kept, and a redirect does
    not carry it. So they are asked again, rather than taken to be silent."""
    hook = admitted.webhook
    if not hook.since or hook.kind != Kind.GATHER or hook.speech or hook.digits:
        return None
    delivery = Delivery(admitted.tenant_id, hook.call_sid, hook.kind, hook.turn)
    with acting_for(admitted.tenant_id):
        kept = inbox.is_known(delivery)
        question = None if kept else inbox.latest_answer(admitted.tenant_id, hook.call_sid)
    db.session.remove()
    return question


def begun(hook: Webhook, called: str) -> CallSession | None:
    """The row of a call that is first heard of at its end."""
    began = datetime.now(UTC) - timedelta(seconds=hook.call_seconds or 0)
    return calls.begun(hook.call_sid, caller=hook.caller, called=called, at=began)
