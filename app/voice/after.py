"""What Twilio tells beside the turns: a leg that picked up, the call's end, a finished recording.

Each may come twice, late, or not at all, and in any order.
"""

from sqlalchemy import select

from app import calls, hanging_up
from app.extensions import db
from app.jobs import outbox
from app.models import (
    CallSession,
    Department,
    JobKind,
    TransferAttempt,
)
from app.voice import facts, meanwhile, memory, notices, recordings, twiml
from app.voice.gate import Admitted
from app.voice.manner import voice_of

TAKE_IT = "1"


def screen(admitted: Admitted, base_url: str) -> str:
    """Tell the person who picked up who is calling and why; 1 takes the call, all else declines.

    An answering machine presses nothing, so it never "answers".
    """
    hook = admitted.webhook
    attempt = db.session.get(TransferAttempt, hook.attempt)
    call = db.session.get(CallSession, admitted.call_id)
    if attempt is None or call is None or attempt.call_id != call.id or call.outcome is not None:
        return twiml.hang_up("", twiml.VoiceSettings())
    if hook.digits == TAKE_IT:
        attempt.accepted_by = attempt.accepted_by or hook.to
        db.session.commit()
        return twiml.empty()
    if hook.digits:
        return twiml.hang_up("", twiml.VoiceSettings())
    found = facts.current()
    links = twiml.Links(base_url, call.turn)
    text = notices.who_is_calling(
        caller=call.caller,
        region=facts.region(call.called),
        wish=memory.from_json(call.memory).last_words,
        department=_name(attempt),
        language=found.language,
        recorded=recordings.consented(call),
    )
    return twiml.screen(text, links.screen(attempt.id), voice_of(found))


def _name(attempt: TransferAttempt) -> str:
    return str(
        db.session.scalar(select(Department.name).where(Department.id == attempt.department_id))
        or ""
    )


def call_ended(admitted: Admitted) -> None:
    """The call is over at Twilio. One that is not known began while the database was away: it gets
    its row now."""
    hook = admitted.webhook
    if not hanging_up.end(admitted.tenant_id, hook.call_sid, hook.call_seconds):
        call = calls.locked(hook.call_sid) or meanwhile.begun(hook, admitted.called)
        if call is None:
            return
        calls.finish_call(call, ended_by="caller", duration=hook.call_seconds)
        db.session.commit()
    outbox.wake()


def recording_ready(admitted: Admitted) -> None:
    """Twilio finished a recording. A message spoken counts as one; what nobody consented to (they
    took it back, or somebody else records this number) is deleted."""
    hook = admitted.webhook
    call = calls.locked(hook.call_sid)
    if call is None:
        return
    recordings.keep(
        call,
        recording_sid=hook.recording_sid,
        source=hook.recording_source,
        status=hook.recording_status,
        duration=hook.recording_seconds,
        channels=hook.recording_channels,
    )
    by_tone = hook.recording_source == recordings.MESSAGE
    if not by_tone and not recordings.consented(call):
        outbox.add(
            JobKind.DELETE_RECORDING, key=f"delete_recording:{hook.recording_sid}",
            call_id=call.id, recording_sid=hook.recording_sid,
        )  # fmt: skip
    if by_tone and hook.recording_seconds > 0 and call.outcome is not None:
        calls.message_left(call)
    db.session.commit()
    outbox.wake()
