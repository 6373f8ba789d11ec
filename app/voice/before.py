"""Where a call stands as a turn begins: claimed and read by one statement, in a transaction of its
own; then, where what was reserved before does not do, what the turn may use, in another."""

import secrets
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from app import at_once
from app.ai.interpreter import HISTORY, Speaker, Turn
from app.extensions import db
from app.models import Channel, Limited, TenantStatus
from app.voice import callers, forwarding, inbox, means, memory
from app.voice import facts as tenant_facts
from app.voice.callers import Ring, Welcome
from app.voice.facts import Snapshot
from app.voice.flow import State
from app.voice.flow import messages as m
from app.voice.inbox import Claim, Delivery
from app.voice.means import Balance, Means
from app.voice.webhook import Kind

if TYPE_CHECKING:
    from app.voice.minds import Minds


@dataclass(frozen=True, slots=True)
class Call:
    """As much of a call's row as a turn begins with."""

    id: int
    channel: str
    state: str
    outcome: str | None
    turn: int
    memory: dict[str, Any]
    started_at: datetime
    limited: str | None
    reserved: int
    settled: int
    line_paid: int
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A delivery as it came in. `now` is by the database's clock: nodes need not agree on it, and a
    call goes from one to the other. `claim` None: another's. `call` None: it has no row yet.
    `history`: what was said last, in order; empty when nothing is said now."""

    now: datetime
    claim: Claim | None
    version: int
    status: str
    call: Call | None
    history: tuple[Turn, ...]


# One statement, written out: every turn pays for it.
_TAKE: Final = text(f"""
    with claimed as ({inbox.CLAIM})
    select clock_timestamp() as now, claimed.event, claimed.attempts, tenant.facts_version,
           tenant.status,
           (
               select json_agg(json_build_array(speaker, text) order by id)
               from (
                   select id, speaker, text from transcript
                   where claimed.event->>'speech' <> ''
                     and tenant_id = :tenant and call_id = call.id
                   order by id desc limit {HISTORY}
               ) as newest
           ) as history,
           {", ".join(f"call.{field.name}" for field in fields(Call))}
    from tenant
    left join claimed on true
    left join call_session as call on call.tenant_id = tenant.id and call.call_sid = :sid
    where tenant.id = :tenant and tenant.account_sid is not distinct from :account
      and tenant.sealed_auth_token is not distinct from :sealed
""")
_BEFORE_CALL: Final = 6  # columns


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


def take(
    delivery: Delivery, event: dict[str, Any], kept: tuple[str | None, str | None]
) -> Standing | None:
    """Claim a delivery that is new or whose lease ran out, and see where its call stands. `kept` as
    Admitted has it; None: the tenant is gone, or not any more with that account and token; nothing
    is written then. Commits, together with what the session's transaction has written."""
    token = secrets.token_hex(16)
    given = inbox.claiming(delivery, event, token, kept)
    if db.session.registry.has() and db.session().in_transaction():
        row = db.session.execute(_TAKE, given).one_or_none()
        if row is None:
            db.session.rollback()
        else:
            db.session.commit()
    else:
        row = at_once.row(delivery.tenant_id, _TAKE, given)
    if row is None:
        return None
    call = Call(*row[_BEFORE_CALL:]) if row.id is not None else None
    return Standing(
        now=row.now,
        claim=inbox.claimed(delivery, token, row.event, row.attempts),
        version=row.facts_version,
        status=row.status,
        call=call,
        history=tuple(Turn(Speaker(speaker), said) for speaker, said in row.history or ()),
    )


def read(claimed: Claim, standing: Standing, minds: "Minds") -> Before:
    """Leaves no transaction open. For a call that is turned away nothing stays reserved."""
    delivery, call, history = claimed.delivery, standing.call, standing.history
    now = standing.now
    found = tenant_facts.snapshot(delivery.tenant_id, standing.version)
    practises = str(claimed.event["called"]) in found.practice
    here = _balance(delivery.tenant_id, call, practises, now)
    current = call is None or (call.outcome is None and call.turn == delivery.turn)
    if delivery.kind == Kind.VOICE and current:
        welcome = _met(claimed, standing.status, found, here)
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
    if db.session.registry.has():
        if welcome.means.granted or not welcome.refusal:
            db.session.commit()
        db.session.remove()  # the connection goes back while we think
    return before


def _balance(tenant_id: int, call: Call | None, test: bool, now: datetime) -> Balance:
    """`test`: what a call without a row yet will be."""
    if call is None:
        return Balance(tenant_id, test)
    return Balance(
        tenant_id,
        test=call.channel == Channel.TEST,
        elapsed=round((now - call.started_at).total_seconds()),
        reserved=call.reserved,
        settled=call.settled,
        line_paid=call.line_paid,
        tokens=call.tokens_in + call.tokens_out,
    )


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
    call: Call,
    found: Snapshot,
    history: tuple[Turn, ...],
    minds: "Minds",
) -> int | None:
    """How many characters a model is asked about; None: it is not asked at all."""
    words, keys = str(claimed.event["speech"]).strip(), claimed.event["digits"]
    if not words or keys or call.limited or claimed.attempts > 1 or not minds.model(found.model):
        return None
    return len(words) + sum(len(turn.text) for turn in history)
