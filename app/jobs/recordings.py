"""Recordings of calls: begun after consent, stopped when it is taken back, deleted on request."""

from typing import Any

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app import accounts, carrier
from app.carrier import Account, CarrierError, CarrierRecording
from app.extensions import db
from app.jobs.outbox import JobError, Work
from app.models import CallSession, Consent, ConsentKind, Recording, RecordingStatus, Tenant
from app.overrides import OVERRIDES

CALLBACK = f"/twilio/recording-status{OVERRIDES}"


def start_recording(work: Work) -> dict[str, Any]:
    """Twilio's list is asked first: an earlier try may have succeeded without an answer."""
    call = _call(work)
    account = twilio_account()
    if account is None or call.outcome is not None or not _consented(call):
        return {"recorded": False}
    call_id, call_sid = call.id, call.call_sid
    db.session.rollback()  # no transaction stays open while Twilio is asked
    try:
        begun = _ours(account, call_sid) or carrier.start_recording(
            account, call_sid, current_app.extensions["settings"].public_base_url + CALLBACK
        )
    except CarrierError as error:
        raise JobError(error.reason, error.permanent) from error
    if begun is None:
        return {"recorded": False}
    _keep(call_id, begun)
    db.session.commit()
    if not _consented(_call(work)):  # taken back while Twilio was asked
        return stop_recording(work)
    return {"recorded": True}


def stop_recording(work: Work) -> dict[str, Any]:
    """The caller took the consent back: what was recorded so far goes, too."""
    call = _call(work)
    call_id, call_sid, account = call.id, call.call_sid, twilio_account()
    db.session.rollback()
    if account is None:
        return {"deleted": 0}
    try:
        found = [r for r in carrier.call_recordings(account, call_sid) if r.source == carrier.BY_US]
        for recording in found:
            _keep(call_id, recording)
            _marked(recording.sid, RecordingStatus.DELETING)
            db.session.commit()
            remove(account, call_sid, recording)
            _marked(recording.sid, RecordingStatus.DELETED)
            db.session.commit()
    except CarrierError as error:
        raise JobError(error.reason, error.permanent) from error
    return {"deleted": len(found)}


def delete_recording(work: Work) -> dict[str, Any]:
    """Delete at Twilio, then say so in the row."""
    sid = str(work.args["recording_sid"])
    call = _call(work)
    call_sid, account = call.call_sid, twilio_account()
    _marked(sid, RecordingStatus.DELETING)
    db.session.commit()
    try:
        if account is not None:
            found = [r for r in carrier.call_recordings(account, call_sid) if r.sid == sid]
            remove(account, call_sid, *(found or [CarrierRecording(sid, "", "")]))
    except CarrierError as error:
        raise JobError(error.reason, error.permanent) from error
    _marked(sid, RecordingStatus.DELETED)
    return {"deleted": True}


def remove(account: Account, call_sid: str, recording: CarrierRecording) -> None:
    """A recording in progress must be stopped before it can be deleted."""
    if recording.status in carrier.LIVE:
        carrier.stop_recording(account, call_sid, recording.sid)
    carrier.delete_recording(account, recording.sid)


def _ours(account: Account, call_sid: str) -> CarrierRecording | None:
    found = carrier.call_recordings(account, call_sid)
    return next((r for r in found if r.source == carrier.BY_US), None)


def _call(work: Work) -> CallSession:
    call = db.session.get(CallSession, work.call_id, populate_existing=True)
    if call is None:
        raise JobError("the call is gone", permanent=True)
    return call


def twilio_account() -> Account | None:
    """None: there is nothing at Twilio. A demo's calls come from the built-in telephone."""
    found = accounts.account_of(db.session.scalars(select(Tenant)).one())
    return None if found is None or found.account_sid in accounts.demo() else found


def _consented(call: CallSession) -> bool:
    return bool(
        db.session.scalar(
            select(Consent.given).where(
                Consent.call_id == call.id, Consent.kind == ConsentKind.RECORDING
            )
        )
    )


def _keep(call_id: int, recording: CarrierRecording) -> None:
    """The row may be there already: Twilio's callback can be faster than its answer."""
    tenant = select(CallSession.tenant_id).where(CallSession.id == call_id).scalar_subquery()
    db.session.execute(
        insert(Recording.__table__)
        .values(
            tenant_id=tenant,
            call_id=call_id,
            recording_sid=recording.sid,
            source=carrier.BY_US,
            status=str(RecordingStatus.IN_PROGRESS),
            channels=2,
        )
        .on_conflict_do_nothing(constraint="uq_recording__recording_sid")
    )


def _marked(recording_sid: str, status: RecordingStatus) -> None:
    db.session.execute(
        update(Recording)
        .where(Recording.recording_sid == recording_sid)
        .values(status=status)
        .execution_options(synchronize_session=False)
    )
