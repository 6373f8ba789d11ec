"""One thought about one turn: facts, understanding, decision, and all that follows in one commit.

Between reading the facts and writing the result no connection is held and no transaction is open:
that is where a model may think for seconds.
"""

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from app import calls
from app.ai import knowledge, speaking, values
from app.ai.interpreter import HISTORY, Heard, Speaker, Tier, Turn, Understood, interpret_within
from app.ai.reading import consent, departments, phones, private
from app.extensions import db
from app.models import CallSession, Tenant, TenantStatus, Transcript
from app.voice import facts as tenant_facts
from app.voice import forwarding, late, meanwhile, memory, performing, spoken
from app.voice.facts import Snapshot
from app.voice.flow import State, decide
from app.voice.flow import messages as m
from app.voice.inbox import Claim
from app.voice.transcribing import Said
from app.voice.webhook import Kind

if TYPE_CHECKING:
    from app.voice.desk import Minds

THINK_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Before:
    """Where the call stands when a turn begins; read in one short transaction."""

    found: Snapshot
    state: State
    memory: m.Memory
    turn: int
    over: bool
    known: bool  # the call has its row already
    refusal: str  # why the caller is not answered: "suspended", "closed", "blocked" or ""
    forwarded: bool  # the Dial that ended connected the caller without the receptionist
    history: tuple[Turn, ...]


def think(claimed: Claim, minds: "Minds") -> str:
    """Decide a claimed turn and commit it; the TwiML that is now stored for it."""
    began = time.monotonic()
    before = _read(claimed)
    db.session.remove()  # the connection goes back while we think
    if (answer := _beside(claimed, before)) is not None:
        return answer
    facts = tenant_facts.build(
        before.found,
        tenant_facts.now(),
        caller=str(claimed.event["caller"]),
        called=str(claimed.event["called"]),
        chosen=before.memory.language,
    )
    if claimed.delivery.kind == Kind.VOICE:  # while the caller is greeted
        knowledge.prepare(facts.passages, facts.language)
        departments.prepare(facts.departments, facts.language)
    event, understood = _understand(claimed, before, facts, minds)
    decision = decide(before.state, event, m.Context(facts, before.memory))
    said = Said(
        words=str(claimed.event["speech"]),
        keys=str(claimed.event["digits"]),
        understood=understood,
        milliseconds=round((time.monotonic() - began) * 1000),
    )
    return performing.commit(claimed, before, facts, decision, said)


def _beside(claimed: Claim, before: Before) -> str | None:
    """The answer to what the flow does not decide."""
    if meanwhile.is_news(claimed, before.known):
        return meanwhile.answer(claimed, before.found)
    if before.over or before.turn != claimed.delivery.turn:
        return late.answer(claimed, before.found)
    if before.refusal:
        return performing.refuse(claimed, before.found, before.refusal)
    if before.forwarded:
        return forwarding.ended(claimed, before.found)
    to = before.found.forwards_to(tenant_facts.now())
    if to and claimed.delivery.kind == Kind.VOICE:
        return forwarding.forward(claimed, before.found, to)
    return None


def _read(claimed: Claim) -> Before:
    delivery = claimed.delivery
    version, status, call = db.session.execute(
        select(Tenant.facts_version, Tenant.status, CallSession)
        .select_from(Tenant)
        .outerjoin(
            CallSession,
            and_(CallSession.tenant_id == Tenant.id, CallSession.call_sid == delivery.call_sid),
        )
        .where(Tenant.id == delivery.tenant_id)
    ).one()
    found = tenant_facts.snapshot(delivery.tenant_id, version)
    starting = delivery.kind == Kind.VOICE
    return Before(
        found=found,
        state=State(call.state) if call else State.GREETING,
        memory=memory.from_json(call.memory) if call else m.Memory(),
        turn=call.turn if call else 0,
        over=bool(call and call.outcome),
        known=call is not None,
        refusal=_refusal(status, str(claimed.event["caller"])) if starting else "",
        forwarded=bool(
            call
            and delivery.kind == Kind.TRANSFER_STATUS
            and forwarding.is_forwarded(call.id, delivery.turn)
        ),
        history=_history(call.id) if call and claimed.event["speech"] else (),
    )


def _refusal(status: str, caller: str) -> str:
    if status in (TenantStatus.SUSPENDED, TenantStatus.CLOSED):
        return status
    return "blocked" if calls.is_blocked(caller) else ""


def _history(call_id: int) -> tuple[Turn, ...]:
    newest = (
        select(Transcript.speaker, Transcript.text)
        .where(Transcript.call_id == call_id)
        .order_by(Transcript.id.desc())
        .limit(HISTORY)
    )
    rows = db.session.execute(newest).all()
    return tuple(Turn(Speaker(speaker), text) for speaker, text in reversed(rows))


def _understand(
    claimed: Claim, before: Before, facts: m.Facts, minds: "Minds"
) -> tuple[m.Event, Understood | None]:
    told = claimed.event
    match claimed.delivery.kind:
        case Kind.VOICE:
            return m.CallStarted(), None
        case Kind.TRANSFER_STATUS:
            return m.DialEnded(bool(told["dial_bridged"]), str(told["dial_status"])), None
        case Kind.MESSAGE:
            return m.MessageRecorded(int(told["recording_seconds"])), None
    keys, words = str(told["digits"]), private.unmarked(str(told["speech"]).strip())
    if keys:  # when both come, keys are the surer ones
        return m.KeysPressed(_as_number(keys, before.memory, facts)), None
    if told.get("unkept") and not re.search(r"\w", words):
        return m.KeysPressed(""), None  # nothing is left that anybody could understand
    if not words:
        return m.CallerSilent(), None
    refuses = False
    if asked := before.memory.recording:
        refuses, words = consent.refusal(words, asked=asked == m.Consent.ASKED)
        if not words:
            return m.CallerSpoke("", no_recording=True), None
    heard = Heard(words, before.state, m.Context(facts, before.memory), before.history)
    understood = _grounded(_interpret(claimed, heard, minds), facts, words)
    passing = values.told(heard)
    return m.CallerSpoke(
        words, understood.proposal, refuses, understood.besides, passing
    ), understood


def _interpret(claimed: Claim, heard: Heard, minds: "Minds") -> Understood:
    facts = heard.context.facts
    model = minds.model(facts.model) if claimed.attempts == 1 else None
    if model is None:  # no key; or the first thinker died, and the caller has waited long enough
        return minds.offline.interpret(heard)
    guard = minds.guard(facts.model)
    return interpret_within(model, minds.offline, heard, THINK_SECONDS, minds.calls, guard)


def _grounded(understood: Understood, facts: m.Facts, words: str) -> Understood:
    """What no source says is not spoken as fact, whoever proposed it."""
    if understood.tier is not Tier.MODEL or understood.proposal is None:
        return understood
    speech = spoken.speech(facts.language)
    proposal, refused = speaking.grounded(
        understood.proposal, facts, lambda day: spoken.hours((day.day,), facts, speech), [words]
    )
    reason = "ungrounded" if refused else understood.reason
    return replace(understood, proposal=proposal, reason=reason, unsaid=refused)


def _as_number(keys: str, before: m.Memory, facts: m.Facts) -> str:
    if before.asking != m.Ask.PHONE or len(keys) < 7:
        return keys
    return phones.e164(keys.strip("*#"), facts.region) or keys
