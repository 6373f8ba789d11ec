"""The inbox: each delivery of a turn is claimed once, finished once, and answered alike ever after.

Duplicates, slow minds, dead nodes and redirects are this one path. A claim is a lease: whoever
holds its token may finish the turn; when the lease runs out, the next delivery takes over with the
event that was stored, so the caller need not repeat a word.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from app.extensions import db
from app.models import InboundRequest

LEASE_SECONDS = 5.0  # thinking takes 4 at most
_table = InboundRequest.__table__
# Made once: every turn pays for these statements, and making them costs more than running them.
_this = (
    _table.c.tenant_id == bindparam("of_tenant"),
    _table.c.call_sid == bindparam("of_call"),
    _table.c.kind == bindparam("of_kind"),
    _table.c.turn == bindparam("of_turn"),
)
# The database's clock, and not the transaction's start: nodes need not agree on the time. Written
# out, as it is a part of the statement with which a turn begins (before.py). No tenant, or not with
# the account and token by which the request was let in: no row.
CLAIM: Final = f"""
    insert into inbound_request (tenant_id, call_sid, kind, turn, event, lease_token, lease_until)
    select tenant.id, :sid, :kind, :turn, cast(:event as jsonb), :token,
           clock_timestamp() + interval '{LEASE_SECONDS} seconds'
    from tenant
    where tenant.id = :tenant and tenant.account_sid is not distinct from :account
      and tenant.sealed_auth_token is not distinct from :sealed
    on conflict on constraint uq_inbound_request__delivery do update
    set lease_token = excluded.lease_token, lease_until = excluded.lease_until,
        attempts = inbound_request.attempts + 1
    where inbound_request.twiml is null and inbound_request.lease_until < clock_timestamp()
    returning event, attempts
"""
_FINISH = (
    update(_table)
    .where(*_this, _table.c.lease_token == bindparam("token"), _table.c.twiml.is_(None))
    .values(twiml=bindparam("answer"))
    .returning(_table.c.id)
)
_KNOWN = select(_table.c.id).where(*_this)
_ANSWER = select(_table.c.twiml).where(*_this)
_LATEST = (
    select(_table.c.twiml)
    .where(
        _table.c.tenant_id == bindparam("of_tenant"),
        _table.c.call_sid == bindparam("of_call"),
        _table.c.twiml.is_not(None),
    )
    .order_by(_table.c.turn.desc(), _table.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is delivered once or many times: one turn of one call."""

    tenant_id: int
    call_sid: str
    kind: str
    turn: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to finish a delivery. `event` is what the caller did when it first came."""

    delivery: Delivery
    token: str
    event: dict[str, Any]
    attempts: int


def claiming(
    delivery: Delivery, event: dict[str, Any], token: str, kept: tuple[str | None, str | None]
) -> dict[str, Any]:
    """The parameters of CLAIM; `kept` as Admitted has it."""
    return {
        "tenant": delivery.tenant_id, "sid": delivery.call_sid, "kind": str(delivery.kind),
        "turn": delivery.turn, "event": json.dumps(event), "token": token,
        "account": kept[0], "sealed": kept[1],
    }  # fmt: skip


def claimed(
    delivery: Delivery, token: str, event: dict[str, Any] | None, attempts: int | None
) -> Claim | None:
    """Of what CLAIM returned: new, or its lease had run out. None: done, or being thought about."""
    if event is None or attempts is None:
        return None
    return Claim(delivery, token, event, attempts)


def answer_of(delivery: Delivery) -> str | None:
    """The stored TwiML of a delivery, once somebody finished it."""
    return db.session.scalar(_ANSWER, _is(delivery))


def is_known(delivery: Delivery) -> bool:
    """Whether it was claimed: then what the caller did is kept."""
    return db.session.scalar(_KNOWN, _is(delivery)) is not None


def latest_answer(tenant_id: int, call_sid: str) -> str | None:
    """The TwiML of the newest finished turn: what a stale delivery is answered with."""
    return db.session.scalar(_LATEST, {"of_tenant": tenant_id, "of_call": call_sid})


def finish(claimed: Claim, twiml: str) -> bool:
    """Store the answer if the claim still holds. The caller commits, or rolls back on False."""
    given = _is(claimed.delivery) | {"token": claimed.token, "answer": twiml}
    done = db.session.scalar(_FINISH, given)
    return done is not None


def _is(delivery: Delivery) -> dict[str, Any]:
    return {
        "of_tenant": delivery.tenant_id,
        "of_call": delivery.call_sid,
        "of_kind": delivery.kind,
        "of_turn": delivery.turn,
    }
