"""Deliveries that come too late: for a turn that is past, or for a call that is over."""

from app import calls
from app.extensions import db
from app.jobs import outbox
from app.models import CallSession, Outcome
from app.voice import inbox, legs, notices, recordings, twiml
from app.voice.facts import Snapshot
from app.voice.inbox import Claim
from app.voice.manner import voice_of
from app.voice.webhook import Kind


def give_way(claimed: Claim, found: Snapshot) -> str:
    """Another node finished this turn, or the caller hung up meanwhile: its answer counts."""
    db.session.rollback()
    stored = inbox.answer_of(claimed.delivery)
    if stored is None:
        return answer(claimed, found)
    return stored


def answer(claimed: Claim, found: Snapshot) -> str:
    """What Twilio tells only once is kept all the same: how a Dial ended, what was recorded."""
    call = calls.locked(claimed.delivery.call_sid)
    document = twiml.hang_up("", twiml.VoiceSettings())
    if call is not None:
        _settle(call, claimed, found)
        document = _answer(call, claimed, found)
    inbox.finish(claimed, document)
    db.session.commit()
    outbox.wake()
    return document


def _settle(call: CallSession, claimed: Claim, found: Snapshot) -> None:
    if claimed.delivery.kind == Kind.TRANSFER_STATUS:
        legs.settle(call, claimed, found.rates)
        if call.outcome is not None:
            calls.finish_call(call, ended_by="caller", prices=found.rates)
    if is_message(claimed):
        recordings.keep_message(call, claimed)
        calls.message_left(call)


def _answer(call: CallSession, claimed: Claim, found: Snapshot) -> str:
    """A call that was forwarded and that nobody took hears what it would have heard without."""
    if call.outcome == Outcome.BLOCKED and _nobody_took(claimed):
        return not_in_service(found)
    if is_message(claimed):
        return twiml.hang_up(notices.thanks(found.language), voice_of(found))
    newest = inbox.latest_answer(call.tenant_id, call.call_sid)
    if call.outcome is not None or newest is None:
        return twiml.hang_up("", twiml.VoiceSettings())
    return newest


def not_in_service(found: Snapshot) -> str:
    return twiml.hang_up(notices.not_in_service(found.language), voice_of(found))


def is_message(claimed: Claim) -> bool:
    """Whether something was spoken after the tone."""
    return claimed.delivery.kind == Kind.MESSAGE and bool(claimed.event["recording_sid"])


def _nobody_took(claimed: Claim) -> bool:
    """Whether a Dial without screening was in vain."""
    if claimed.delivery.kind != Kind.TRANSFER_STATUS:
        return False
    return claimed.event["dial_status"] not in twiml.TAKEN
