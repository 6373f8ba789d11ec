"""Calls that are sent elsewhere, without the receptionist: the Dial, and what comes of it.

Beside the flow: there is nothing to decide, and what sends calls away may be that deciding fails.
"""

from flask import current_app
from sqlalchemy import select

from app import calls, leases
from app.extensions import db
from app.jobs import outbox
from app.models import (
    CallSession,
    CallState,
    Speaker,
    Transcript,
    TransferAttempt,
    TransferStatus,
)
from app.voice import inbox, late, legs, means, notices, twiml
from app.voice.facts import Snapshot
from app.voice.inbox import Claim
from app.voice.manner import voice_of
from app.voice.means import Means


def forward(claimed: Claim, found: Snapshot, number: str, used: Means) -> str:
    """Connect a call that begins with `number`, for as long as `used` says. Test calls are
    registered before they begin."""
    event = claimed.event
    call = calls.begun(
        claimed.delivery.call_sid, caller=str(event["caller"]), called=str(event["called"])
    )
    if call is None or call.outcome is not None or call.turn != claimed.delivery.turn:
        return late.give_way(claimed, found)
    call.caller, call.started_at = str(event["caller"]), calls.now()
    _advance(call, CallState.TRANSFER_ATTEMPT)
    means.put_down(call, used, 0)
    leases.extend(call.call_sid, used.talk_seconds)
    attempt(call, call.turn, number, used.talk)
    document = twiml.forward(number, call.caller, links(call), used.talk_seconds)
    return _finished(claimed, found, document)


def attempt(call: CallSession, turn: int, number: str, reserved: int = 0) -> None:
    db.session.add(
        TransferAttempt(
            tenant_id=call.tenant_id, call_id=call.id, turn=turn, forwarded=True,
            numbers=[number] if number else [], reserved=reserved,
        )
    )  # fmt: skip
    db.session.flush()


def is_forwarded(call_id: int, turn: int) -> bool:
    """Whether the Dial of this turn connected the caller without the receptionist."""
    wanted = (TransferAttempt.call_id == call_id, TransferAttempt.turn == turn)
    return bool(db.session.scalar(select(TransferAttempt.forwarded).where(*wanted)))


def ended(claimed: Claim, found: Snapshot) -> str:
    """The Dial is over. Whom nobody took may speak a message."""
    call = calls.locked(claimed.delivery.call_sid)
    if call is None or call.outcome is not None or call.turn != claimed.delivery.turn:
        return late.give_way(claimed, found)
    return _finished(claimed, found, settled(call, claimed, found))


def settled(call: CallSession, claimed: Claim, found: Snapshot) -> str:
    """The answer to the end of a Dial that `attempt` knows. The caller commits."""
    legs.settle(call, claimed, found.rates)
    _advance(call, CallState.LEAD_CAPTURE)
    if _taken(call, claimed.delivery.turn):
        calls.finish_call(call, ended_by="receptionist", prices=found.rates)
        return twiml.hang_up("", twiml.VoiceSettings())
    text = notices.nobody_there(found.language)
    _said(call, text, claimed.delivery.turn)
    return twiml.leave_message(text, links(call), voice_of(found))


def links(call: CallSession) -> twiml.Links:
    base = str(current_app.extensions["settings"].public_base_url)
    return twiml.Links(base, call.turn, called=call.called)


def _taken(call: CallSession, turn: int) -> bool:
    wanted = (TransferAttempt.call_id == call.id, TransferAttempt.turn == turn)
    status = db.session.scalar(select(TransferAttempt.status).where(*wanted))
    return status == TransferStatus.ANSWERED


def _advance(call: CallSession, state: CallState) -> None:
    call.turn += 1
    call.state = state
    call.last_turn_at = calls.now()


def _said(call: CallSession, text: str, turn: int) -> None:
    db.session.add(
        Transcript(
            tenant_id=call.tenant_id, call_id=call.id, turn=turn, speaker=Speaker.RECEPTIONIST,
            text=text, state=call.state,
        )
    )  # fmt: skip


def _finished(claimed: Claim, found: Snapshot, document: str) -> str:
    if not inbox.finish(claimed, document):
        return late.give_way(claimed, found)
    db.session.commit()
    outbox.wake()
    return document
