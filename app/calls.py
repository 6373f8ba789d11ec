"""How a call ends and what stays of it: its lead, its outcome, and the work it causes."""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row, bindparam, func, select, text

from app import leases, rates, settling
from app.extensions import db
from app.jobs import events, outbox
from app.metrics import catalogue, committed
from app.models import (
    Block,
    CallSession,
    CallState,
    Channel,
    JobKind,
    Lead,
    Outcome,
    ReceptionistConfig,
    TransferStatus,
)
from app.rates import Rates
from app.tenancy import current_tenant_id
from app.tracing import spans
from app.tracing.spans import Span
from app.voice import memory as stored_memory
from app.voice.flow import State, decide
from app.voice.flow.messages import (
    Ask,
    CallerHungUp,
    Context,
    Draft,
    Facts,
    Known,
    Noted,
    SaveLead,
)

RECORDED = "RecordVerb"  # Twilio's word for a message spoken after the tone
_REOPENED_BY_A_MESSAGE = (Outcome.ABANDONED, Outcome.FAILED, Outcome.ANSWERED)
# What a call is by its number, in SQL: only the built-in telephones call a practice number.
CHANNEL = f"case when number.practice then '{Channel.TEST}' else '{Channel.PHONE}' end"
# Made once, as every turn pays for making them.
_BEGIN = text(f"""
    insert into call_session
        (tenant_id, call_sid, channel, number_id, caller, called, started_at, last_turn_at)
    select :tenant, :sid, {CHANNEL}, number.id, :caller, :called,
           coalesce(:at, now()), coalesce(:at, now())
    from (select 1) as always
    left join twilio_number as number on number.tenant_id = :tenant and number.number = :called
    on conflict (call_sid) do nothing
""")
_LOCKED = select(CallSession).where(CallSession.call_sid == bindparam("sid")).with_for_update()
_RECORDED = f"""
    select from recording
    where tenant_id = :tenant and call_id = :call and source = '{RECORDED}'
"""
# What there is of a call besides its row, and what its end is reckoned by.
FOUND = f"""
    exists ({_RECORDED}) as recorded, exists ({_RECORDED} and duration > 0) as spoken,
    exists (
        select from transfer_attempt
        where tenant_id = :tenant and call_id = :call and status = '{TransferStatus.ANSWERED}'
    ) as bridged,
    exists (select from lead where tenant_id = :tenant and call_id = :call) as has_lead,
    tenant.facts_version, clock_timestamp() as now
"""
_FOUND = text(f"select {FOUND} from tenant where id = :tenant")
COLUMNS = {Ask.NAME: 120, Ask.PHONE: 32, Ask.EMAIL: 254, Ask.REASON: 4000}


def begun(
    call_sid: str, *, caller: str, called: str, at: datetime | None = None
) -> CallSession | None:
    """The row of a call, locked; made if there is none yet. None: it is another tenant's. `at` is
    when a new one began, if not now."""
    db.session.execute(
        _BEGIN,
        {
            "tenant": current_tenant_id(), "sid": call_sid, "caller": caller, "called": called,
            "at": at,
        },
    )  # fmt: skip
    return locked(call_sid)


def now() -> datetime:
    """By the database's clock, as all that is compared with other moments of a call: nodes need not
    agree on the time."""
    moment: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    return moment


def locked(call_sid: str) -> CallSession | None:
    return db.session.scalar(_LOCKED, {"sid": call_sid})


def message_left(call: CallSession) -> None:
    """A message was spoken after the tone, and its recording is kept: it is a lead, unless the call
    came to something better or its caller is not answered. The caller commits."""
    if call.outcome is None and not is_blocked(call.caller):
        save_lead(call, Draft(), confirmed=False)
    elif call.outcome in _REOPENED_BY_A_MESSAGE:
        save_lead(call, Draft(), confirmed=False)
        call.outcome = Outcome.LEAD


def is_blocked(caller: str) -> bool:
    return bool(caller and db.session.scalar(select(Block.id).where(Block.phone == caller)))


def finish_call(
    call: CallSession,
    *,
    ended_by: str,
    duration: int | None = None,
    at: datetime | None = None,
    prices: Rates | None = None,
) -> None:
    """End a call: keep the message that was begun, settle the outcome, cause what follows.

    `ended_by` is "caller", "receptionist", "refused" or "error"; `duration` is in seconds, as the
    carrier told it; `prices` are those at hand. Idempotent: a call that has ended learns at most
    its duration and that it was bridged after all. The caller commits.
    """
    if call.outcome is not None:
        _learn(call, duration, prices)
        return
    unsettled = settling.end_transfers(call) if call.state == CallState.TRANSFER_ATTEMPT else ()
    db.session.flush()
    with db.session.no_autoflush:  # else the call's row is written between all questions
        found = _found(call)
        lead = _lead(call) if found.has_lead else None
        lead = _keep_begun_message(call) or lead
        if found.spoken and lead is None:
            lead = _keep_spoken_message(call)
        call.state = CallState.ENDED
        call.ended_at = at or found.now
        if duration is not None:
            call.duration = duration
        elif call.duration is None:
            call.duration = max(0, round((call.ended_at - call.started_at).total_seconds()))
        call.outcome = outcome_of(call, ended_by, found, lead)
    count(call)
    if call.outcome is Outcome.BLOCKED:
        return
    prices = prices or rates.as_of(call.tenant_id, found.facts_version)
    change = settling.valued(call, prices, unsettled)
    outbox.add(JobKind.SUMMARISE_CALL, key=f"summarise_call:{call.id}", call_id=call.id)
    events.call_ended(call)
    _settle(call, change)


def _settle(call: CallSession, change: int) -> None:
    """The account before the lease, as where a call begins (voice/callers.py): in the other order a
    call that begins and ends at once would wait for itself."""
    settling.book(call, change)
    leases.release(call.call_sid)


def count(call: CallSession) -> None:
    """One that is over, once that is committed."""
    if spans.is_on() and call.ended_at:
        committed.afterwards(partial(spans.note, _span(call, call.ended_at)))
    if call.channel == Channel.TEST:
        return
    committed.count(catalogue.CALLS, outcome=call.outcome)
    if call.outcome != Outcome.BLOCKED:
        committed.observe(catalogue.CALL_DURATION, call.duration or 0)


def _span(call: CallSession, ended_at: datetime) -> Span:
    trace_id = spans.trace_of(call.call_sid)
    began, ended = (int(at.timestamp() * 1e9) for at in (call.started_at, ended_at))
    return Span(
        "call", trace_id, began, max(began, ended), span_id=spans.root_of(trace_id),
        failed=call.outcome == Outcome.FAILED,
        attributes={
            "call_sid": call.call_sid, "tenant_id": call.tenant_id, "channel": str(call.channel),
            "outcome": str(call.outcome), "turns": call.turn,
        },
    )  # fmt: skip


def _learn(call: CallSession, duration: int | None, prices: Rates | None) -> None:
    """Of a call that is over. What a person marked as spam stays so; whoever was forwarded, or
    heard why not, cost something all the same."""
    if duration is not None:
        call.duration = duration
    if _found(call).bridged:
        if call.before_spam:
            call.before_spam = Outcome.TRANSFERRED
        else:
            call.outcome = Outcome.TRANSFERRED
    if call.outcome == Outcome.BLOCKED and not call.before_spam:
        if duration:
            _settle(call, settling.valued(call, prices or rates.current()))
    elif duration is not None:
        settling.correct(call, prices or rates.current())


def save_lead(
    call: CallSession, draft: Draft, *, confirmed: bool, facts: Facts | None = None
) -> Lead:
    """Keep a message as it stands, and tell the business. The caller commits.

    One lead per call: a second message adds its reason to the first. A missing phone number is
    the caller's, marked so.
    """
    draft = _with_caller_id(call, draft)
    lead = _lead(call)
    is_new = lead is None
    if lead is None:
        lead = Lead(
            tenant_id=call.tenant_id, call_id=call.id, test=call.channel == Channel.TEST,
            known={}, answers={}, reason="", confirmed=False,
        )  # fmt: skip
        db.session.add(lead)
    _fill(lead, draft)
    lead.confirmed = lead.confirmed or confirmed
    lead.department_id = _department(call, facts) or lead.department_id
    lead.urgent = lead.urgent or _is_urgent(lead.reason)
    db.session.flush()
    outbox.add(
        JobKind.LEAD_NOTIFICATION,
        key=f"lead_notification:{call.id}:{call.turn}",
        call_id=call.id,
        lead_id=lead.id,
    )
    if is_new:
        events.lead_created(lead)
        if not lead.test:
            committed.count(catalogue.LEADS, confirmed="yes" if lead.confirmed else "no")
    return lead


def _keep_begun_message(call: CallSession) -> Lead | None:
    memory = stored_memory.from_json(call.memory)
    decision = decide(State(call.state), CallerHungUp(), Context(memory=memory))
    lead = None
    for effect in decision.effects:
        if isinstance(effect, SaveLead):
            lead = save_lead(call, effect.draft, confirmed=False)
    call.memory = stored_memory.to_json(decision.memory)
    return lead


def _keep_spoken_message(call: CallSession) -> Lead | None:
    """Of a message after the tone perhaps nothing came here but its recording: the database was
    away when the caller was thanked for it."""
    return None if is_blocked(call.caller) else save_lead(call, Draft(), confirmed=False)


def _fill(lead: Lead, draft: Draft) -> None:
    known, answers = dict(lead.known), dict(lead.answers)
    for field in draft.fields:
        if field.key == Ask.REASON and lead.reason and field.value not in lead.reason:
            lead.reason = f"{lead.reason}\n{field.value}"[: COLUMNS[Ask.REASON]]
        elif field.key in COLUMNS:
            setattr(lead, field.key, field.value[: COLUMNS[Ask(field.key)]])
        else:
            answers[field.key] = field.value
        known[field.key] = str(field.known)
    lead.known, lead.answers = known, answers


def _with_caller_id(call: CallSession, draft: Draft) -> Draft:
    if draft.get(Ask.PHONE) or not call.caller.startswith("+"):
        return draft
    return draft.noting(Noted(Ask.PHONE, call.caller, Known.CALLER_ID))


def _department(call: CallSession, facts: Facts | None) -> int | None:
    tried = stored_memory.from_json(call.memory).tried
    still_there = {d.id for d in facts.departments} if facts else None
    return next((d for d in reversed(tried) if still_there is None or d in still_there), None)


def _is_urgent(reason: str) -> bool:
    words = db.session.scalar(select(ReceptionistConfig.urgent_words)) or []
    spoken = reason.casefold()
    return any(word.casefold() in spoken for word in words if word.strip())


def outcome_of(call: CallSession, ended_by: str, found: Row[Any], lead: Lead | None) -> Outcome:
    """`found` as FOUND tells it."""
    if ended_by == "refused":
        return Outcome.BLOCKED
    if found.bridged:
        return Outcome.TRANSFERRED
    if found.recorded or _message_taken(lead):
        return Outcome.LEAD
    if call.answers:
        return Outcome.ANSWERED
    return Outcome.FAILED if ended_by == "error" else Outcome.ABANDONED


def _message_taken(lead: Lead | None) -> bool:
    return bool(lead and (lead.confirmed or (lead.reason and (lead.phone or lead.email))))


def _lead(call: CallSession) -> Lead | None:
    return db.session.scalar(select(Lead).where(Lead.call_id == call.id))


def _found(call: CallSession) -> Row[Any]:
    """What there is of a call besides its row: a message `recorded` after the tone, with something
    `spoken` in it; whether somebody was `bridged`; and what its end is reckoned by."""
    return db.session.execute(_FOUND, {"tenant": call.tenant_id, "call": call.id}).one()
