"""Recordings as Twilio tells of them, and the consent that each rests on."""

from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.jobs import ledger
from app.models import (
    CallSession,
    Channel,
    Consent,
    ConsentKind,
    Recording,
    RecordingStatus,
    SpendKind,
)
from app.voice import notices
from app.voice.inbox import Claim
from app.voice.webhook import Kind

MESSAGE = "RecordVerb"  # Twilio's word for a recording made by <Record>


def keep_message(call: CallSession, claimed: Claim) -> None:
    """A message that the caller was asked to leave is its own consent."""
    event = claimed.event
    if claimed.delivery.kind != Kind.MESSAGE or not event["recording_sid"]:
        return
    keep(
        call,
        recording_sid=str(event["recording_sid"]),
        source=MESSAGE,
        status=str(RecordingStatus.IN_PROGRESS),
        duration=int(event["recording_seconds"]),
        channels=1,
    )


def keep(call: CallSession, **known: Any) -> None:
    """Insert or complete a Recording, and the Consent of a message left after the tone."""
    fresh = insert(Recording.__table__).values(tenant_id=call.tenant_id, call_id=call.id, **known)
    told: dict[str, Any] = {
        key: func.coalesce(func.nullif(fresh.excluded[key], 0), Recording.__table__.c[key])
        for key in ("duration", "channels")
        if key in known
    }
    if known.get("status") != RecordingStatus.IN_PROGRESS:
        gone = (str(RecordingStatus.DELETING), str(RecordingStatus.DELETED))
        status = Recording.__table__.c.status
        told["status"] = case((status.in_(gone), status), else_=fresh.excluded.status)
    db.session.execute(
        fresh.on_conflict_do_update(constraint="uq_recording__recording_sid", set_=told)
        if told
        else fresh.on_conflict_do_nothing()
    )
    if known.get("duration") and call.channel != Channel.TEST:
        key = f"{SpendKind.RECORDING_SECONDS}:{known['recording_sid']}"
        ledger.book(SpendKind.RECORDING_SECONDS, known["duration"], key=key, call_id=call.id)
    if known.get("source") == MESSAGE:
        db.session.execute(
            insert(Consent.__table__)
            .values(
                tenant_id=call.tenant_id,
                call_id=call.id,
                kind=str(ConsentKind.MESSAGE),
                given=True,
                text_version=notices.RECORDING_TEXT_VERSION,
            )
            .on_conflict_do_nothing()
        )


def note_consent(call: CallSession, given: bool, language: str) -> None:
    """What the caller said to the announcement; a later refusal takes an agreement back."""
    fresh = insert(Consent.__table__).values(
        tenant_id=call.tenant_id,
        call_id=call.id,
        kind=str(ConsentKind.RECORDING),
        given=given,
        text_version=f"{notices.CALL_RECORDING_TEXT_VERSION}:{language}",
    )
    db.session.execute(
        fresh.on_conflict_do_update(constraint="uq_consent__kind", set_={"given": given})
    )


def consented(call: CallSession) -> bool:
    """Whether the call may be recorded."""
    found = select(Consent.given).where(
        Consent.call_id == call.id, Consent.kind == ConsentKind.RECORDING
    )
    return bool(db.session.scalar(found))
