"""A decision, performed: rows, effects, TwiML and the turn itself in one commit.

Nothing is said to be noted before its commit: the TwiML leaves only when all it says is kept.
"""

from dataclasses import replace

from flask import current_app
from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert

from app import calls, spending
from app.extensions import db
from app.jobs import events, outbox
from app.metrics import catalogue, counting
from app.models import (
    CallSession,
    Channel,
    GapStatus,
    JobKind,
    KnowledgeGap,
    TenantStatus,
)
from app.voice import (
    callers,
    inbox,
    late,
    legs,
    lines,
    means,
    notices,
    recordings,
    steps,
    told,
    transcribing,
    twiml,
)
from app.voice.before import Before
from app.voice.facts import Snapshot
from app.voice.flow import State
from app.voice.flow import messages as m
from app.voice.inbox import Claim
from app.voice.manner import voice_of
from app.voice.transcribing import Said
from app.voice.webhook import Kind


def commit(claimed: Claim, before: Before, facts: m.Facts, decision: m.Decision, said: Said) -> str:
    """Perform a decision if the turn is still ours to finish; else answer what is stored."""
    done = None
    if fast := steps.only_talks(claimed, before, decision):
        done = _talk(claimed, before, facts, decision, said)
    if done is None and (not fast or steps.begins(claimed, before)):
        done = _act(claimed, before, facts, decision, said)
    if done is None:
        return _give_way(claimed, before, said)
    answer, outcome = done
    if claimed.delivery.kind == Kind.VOICE and not before.here.test:
        counting.count(catalogue.CALLS_BEGUN)
    told.decided(before.state, decision, said.understood, outcome)
    return answer


Done = tuple[str, str | None]  # the TwiML, and the call's outcome if it ended


def _talk(
    claimed: Claim, before: Before, facts: m.Facts, decision: m.Decision, said: Said
) -> Done | None:
    """By one statement; None: the turn is not ours any more, or it is not that simple."""
    parts = _parts(claimed, before, facts, decision)
    answer = _rendered(claimed, before, facts, decision, parts)
    lines_said = transcribing.lines(decision, said, parts, facts)
    done = steps.talk(claimed, before, _step(before, facts, decision, said), lines_said, answer)
    return (answer, None) if done else None


def _act(
    claimed: Claim, before: Before, facts: m.Facts, decision: m.Decision, said: Said
) -> Done | None:
    """With all that the effects keep; None: the turn is not ours any more."""
    call = _locked(claimed, before)
    if call is None or call.outcome is not None or call.turn != claimed.delivery.turn:
        return None
    if claimed.delivery.kind == Kind.VOICE:
        _begin(call, claimed, before)
    steps.onto(call, _step(before, facts, decision, said), before.now)
    legs.settle(call, claimed, before.found.rates)
    recordings.keep_message(call, claimed)
    _keep(call, before, facts, decision)
    parts = _parts(claimed, before, facts, decision)
    if claimed.event.get("unkept"):
        parts.insert(0, _not_kept(call, before.found, decision))
    lines_said = transcribing.lines(decision, said, parts, facts)
    transcribing.transcribe(call, claimed.delivery.turn, lines_said)
    if decision.state == State.ENDED:
        calls.finish_call(call, ended_by="receptionist", prices=before.found.rates)
    answer = _rendered(claimed, before, facts, decision, parts, legs.ringing(call))
    if not inbox.finish(claimed, answer):
        return None
    outcome = call.outcome
    db.session.commit()
    outbox.wake()
    return answer, outcome


def _step(before: Before, facts: m.Facts, decision: m.Decision, said: Said) -> steps.Step:
    model = facts.model or current_app.extensions["settings"].openai_model
    return steps.step(before, decision, said, model, _tokens_cost(before, said))


def refuse(claimed: Claim, before: Before) -> str:
    """A caller who is not answered: unwanted ones are rejected, those of a suspended tenant
    forwarded where it chose to, others hear a sentence."""
    call = _new_call(claimed)
    if call is None:
        return _give_way(claimed, before)
    call.turn += 1
    call.limited = before.limited
    means.put_down(call, replace(before.means, talk=0), 0)  # its end tells what it cost
    calls.finish_call(call, ended_by="refused", duration=0, prices=before.found.rates)
    answer = _refusal(call, before)
    if not inbox.finish(claimed, answer):
        return _give_way(claimed, before)
    db.session.commit()
    return answer


def _refusal(call: CallSession, before: Before) -> str:
    found, refusal = before.found, before.refusal
    if refusal == callers.REJECTED:
        return twiml.reject()
    if refusal == TenantStatus.SUSPENDED and found.suspension_number:
        links = twiml.Links(_base_url(), call.turn, called=call.called)
        talk_seconds = before.means.talk_seconds
        return twiml.forward(found.suspension_number, call.caller, links, talk_seconds)
    return late.not_in_service(found)


def _give_way(claimed: Claim, before: Before, said: Said | None = None) -> str:
    """Another node finished this turn, or the caller hung up meanwhile: its answer counts. What was
    reserved for this one is given back, but for what it cost."""
    db.session.rollback()
    told.gave_way()
    cost = _tokens_cost(before, said) if said else 0
    if before.means.granted and not before.here.test:
        spending.charge(claimed.delivery.tenant_id, cost - before.means.granted)
        db.session.commit()
    return late.give_way(claimed, before.found)


def _locked(claimed: Claim, before: Before) -> CallSession | None:
    if not before.known:
        return _new_call(claimed)
    return calls.locked(claimed.delivery.call_sid)


def _new_call(claimed: Claim) -> CallSession | None:
    """The row of a call that begins; only /voice may begin one."""
    if claimed.delivery.kind != Kind.VOICE:
        return None
    event = claimed.event
    return calls.begun(
        claimed.delivery.call_sid, caller=str(event["caller"]), called=str(event["called"])
    )


def _begin(call: CallSession, claimed: Claim, before: Before) -> None:
    """A test call was registered before anybody dialled."""
    call.caller = str(claimed.event["caller"])
    call.started_at = before.now
    call.limited = before.limited


def _tokens_cost(before: Before, said: Said) -> int:
    used = said.understood
    return means.tokens_cost(before.found, used.tokens_in, used.tokens_out) if used else 0


def _parts(
    claimed: Claim, before: Before, facts: m.Facts, decision: m.Decision
) -> list[twiml.Part]:
    """What Twilio is to play, in order."""
    parts: list[twiml.Part] = []
    found = before.found
    language = found.language_of(str(claimed.event["called"]), decision.memory.language)
    voice = lines.Voice(greeting=found.greeting_in(language), language=language)
    for effect in decision.effects:
        match effect:
            case m.Say():
                text = lines.render(effect, facts, decision.memory, voice)
                whole = effect.line is m.Line.RECORDING_NOTICE
                other = effect.line is m.Line.OTHER_LANGUAGE
                said_by = voice_of(found, facts.other_language) if other else None
                parts.append(twiml.Spoken(text, whole, said_by))
            case m.Dial() | m.Listen() | m.Record() | m.HangUp():
                parts.append(effect)
    return parts


def _keep(call: CallSession, before: Before, facts: m.Facts, decision: m.Decision) -> None:
    """Write what each effect keeps."""
    for effect in decision.effects:
        match effect:
            case m.SaveLead(draft, confirmed):
                calls.save_lead(call, draft, confirmed=confirmed, facts=facts)
            case m.NoteGap(words):
                _note_gap(call, words)
            case m.NoteConsent(given):
                language = before.found.language_of(call.called, decision.memory.language)
                _note_consent(call, given, language)
            case m.Dial(department_id):
                legs.begin(call, facts, department_id, before.means.talk)


def _rendered(
    claimed: Claim,
    before: Before,
    facts: m.Facts,
    decision: m.Decision,
    parts: list[twiml.Part],
    attempt: int | None = None,
) -> str:
    called = str(claimed.event["called"])
    links = twiml.Links(_base_url(), claimed.delivery.turn + 1, called=called, attempt=attempt)
    language = before.found.language_of(called, decision.memory.language)
    return twiml.render(parts, links, voice_of(before.found, language), facts)


def _note_consent(call: CallSession, given: bool, language: str) -> None:
    """Calls of the built-in telephone have no sound that Twilio could record."""
    before = recordings.consented(call)
    recordings.note_consent(call, given, language)
    if before != given and call.channel == Channel.PHONE:
        kind = JobKind.START_RECORDING if given else JobKind.STOP_RECORDING
        outbox.add(kind, key=f"{kind}:{call.id}", call_id=call.id)


def _not_kept(call: CallSession, found: Snapshot, decision: m.Decision) -> twiml.Spoken:
    """The caller is told; and a recording of the call, which holds the number, is deleted."""
    if recordings.consented(call) and call.channel == Channel.PHONE:
        key = f"{JobKind.STOP_RECORDING}:{call.id}:unkept"
        outbox.add(JobKind.STOP_RECORDING, key=key, call_id=call.id)
    language = found.language_of(call.called, decision.memory.language)
    return twiml.Spoken(notices.not_kept(language))


def _note_gap(call: CallSession, words: str) -> None:
    """A question that nothing answered; the same words again only count, and are not told of. If
    they were answered, they are open again: that answer is not found. Test calls leave none."""
    folded = " ".join(words.casefold().split())[:500]
    if not folded or call.channel == Channel.TEST:
        return
    fresh = insert(KnowledgeGap.__table__).values(
        tenant_id=call.tenant_id, question=words[:500], folded=folded, call_id=call.id
    )
    table = KnowledgeGap.__table__
    gap_id, asked = db.session.execute(
        fresh.on_conflict_do_update(
            constraint="uq_knowledge_gap__folded",
            set_={
                "asked": table.c.asked + 1,
                "last_asked_at": func.now(),
                "call_id": fresh.excluded.call_id,
                "status": case(
                    (table.c.status == GapStatus.ANSWERED, str(GapStatus.OPEN)),
                    else_=table.c.status,
                ),
            },
        ).returning(table.c.id, table.c.asked)
    ).one()
    if asked == 1:
        events.gap_found(
            db.session.scalars(select(KnowledgeGap).where(KnowledgeGap.id == gap_id)).one()
        )


def _base_url() -> str:
    return str(current_app.extensions["settings"].public_base_url)
