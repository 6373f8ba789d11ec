"""Where a call stands as a turn begins: read, and what the turn may use reserved, in one short
transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, func, select

from app.ai.interpreter import HISTORY, Speaker, Turn
from app.extensions import db
from app.models import CallSession, Limited, Tenant, TenantStatus, Transcript
from app.voice import callers, forwarding, means, memory
from app.voice import facts as tenant_facts
from app.voice.callers import Ring, Welcome
from app.voice.facts import Snapshot
from app.voice.flow import State
from app.voice.flow import messages as m
from app.voice.inbox import Claim
from app.voice.means import Balance, Means
from app.voice.webhook import Kind

if TYPE_CHECKING:
    from app.voice.desk import Minds

# Made once, as every turn pays for making them. With the time by the database's clock: nodes need
# not agree on it, and a call goes from one to the other.
_STANDS = (
    select(func.clock_timestamp(), Tenant.facts_version, Tenant.status, CallSession)
    .select_from(Tenant)
    .outerjoin(
        CallSession,
        and_(CallSession.tenant_id == Tenant.id, CallSession.call_sid == bindparam("sid")),
    )
    .where(Tenant.id == bindparam("tenant"))
)
_NEWEST = (
    select(Transcript.speaker, Transcript.text)
    .where(Transcript.call_id == bindparam("call"))
    .order_by(Transcript.id.desc())
    .limit(HISTORY)
)


@dataclass(frozen=True, slots=True)
class Before:
    """`limited`: why nobody is rung and no model asked; `refusal`: why the caller is not answered,
    as performing.refuse knows it, or ""."""

    now: datetime
    found: Snapshot
    state: State
    memory: m.Memory
    turn: int
    over: bool
    known: bool  # the call has its row already
    refusal: str
    forwarded: bool  # the Dial that ended connected the caller without the receptionist
    history: tuple[Turn, ...]
    means: Means
    here: Balance
    limited: Limited | None


def read(claimed: Claim, minds: "Minds") -> Before:
    """Leaves no transaction open. For a call that is turned away nothing stays reserved."""
    delivery = claimed.delivery
    of_call = {"tenant": delivery.tenant_id, "sid": delivery.call_sid}
    now, version, status, call = db.session.execute(_STANDS, of_call).one()
    found = tenant_facts.snapshot(delivery.tenant_id, version)
    practises = str(claimed.event["called"]) in found.practice
    here = means.balance(delivery.tenant_id, call, practises, now)
    history = _history(call.id) if call and claimed.event["speech"] else ()
    current = call is None or (call.outcome is None and call.turn == delivery.turn)
    if delivery.kind == Kind.VOICE and current:
        welcome = _met(claimed, status, found, here)
    else:
        asked = _asked(claimed, call, found, history, minds) if call and current else None
        granted = means.to_go_on(found, here, asked) if call and current else Means()
        welcome = Welcome(granted, Limited(call.limited) if call and call.limited else None)
    before = Before(
        now=now,
        found=found,
        state=State(call.state) if call else State.GREETING,
        memory=memory.from_json(call.memory) if call else m.Memory(),
        turn=call.turn if call else 0,
        over=bool(call and call.outcome),
        known=call is not None,
        refusal=welcome.refusal,
        forwarded=bool(
            call
            and delivery.kind == Kind.TRANSFER_STATUS
            and forwarding.is_forwarded(call.id, delivery.turn)
        ),
        history=history,
        means=welcome.means,
        here=here,
        limited=welcome.limited,
    )
    if welcome.means.granted or not welcome.refusal:
        db.session.commit()
    db.session.remove()  # the connection goes back while we think
    return before


def _met(claimed: Claim, status: str, found: Snapshot, here: Balance) -> Welcome:
    forwards = status == TenantStatus.SUSPENDED and found.suspension_number
    if status == TenantStatus.CLOSED or (status == TenantStatus.SUSPENDED and not forwards):
        return Welcome(refusal=status)
    told = claimed.event
    ring = Ring(
        claimed.delivery.call_sid,
        str(told["caller"]),
        str(told.get("verstat", "")),
        ours=bool(told.get("ours")),
        rung=bool(told.get("rung")),
    )
    welcome = callers.meet(ring, found, here)
    return _forwarded(welcome, found, here) if forwards and not welcome.refusal else welcome


def _forwarded(welcome: Welcome, found: Snapshot, here: Balance) -> Welcome:
    """While a tenant is suspended, within the same limits as any transfer; whoever would only leave
    a message hears that the number takes no calls."""
    granted = None if welcome.limited else means.to_talk(found, here, welcome.means)
    if granted is None:
        return Welcome(welcome.means, welcome.limited or Limited.SPENT, TenantStatus.CLOSED)
    return Welcome(granted, refusal=TenantStatus.SUSPENDED)


def _asked(
    claimed: Claim,
    call: CallSession,
    found: Snapshot,
    history: tuple[Turn, ...],
    minds: "Minds",
) -> int | None:
    """How many characters a model is asked about; None: it is not asked at all."""
    words, keys = str(claimed.event["speech"]).strip(), claimed.event["digits"]
    if not words or keys or call.limited or claimed.attempts > 1 or not minds.model(found.model):
        return None
    return len(words) + sum(len(turn.text) for turn in history)


def _history(call_id: int) -> tuple[Turn, ...]:
    rows = db.session.execute(_NEWEST, {"call": call_id}).all()
    return tuple(Turn(Speaker(speaker), text) for speaker, text in reversed(rows))
