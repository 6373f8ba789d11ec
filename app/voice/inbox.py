"""The inbox: each delivery of a turn is claimed once, finished once, and answered alike ever after.

Duplicates, slow minds, dead nodes and redirects are this one path. A claim is a lease: whoever
holds its token may finish the turn; when the lease runs out, the next delivery takes over with the
event that was stored, so the caller need not repeat a word.
"""

import secrets
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

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
# The database's clock, and not the transaction's start: nodes need not agree on the time.
_lease_end = func.clock_timestamp() + text(f"interval '{LEASE_SECONDS} seconds'")
_fresh = insert(_table).values(lease_until=_lease_end)
_CLAIM = _fresh.on_conflict_do_update(
    constraint="uq_inbound_request__delivery",
    set_={
        "lease_token": _fresh.excluded.lease_token,
        "lease_until": _fresh.excluded.lease_until,
        "attempts": _table.c.attempts + literal_column("1"),
    },
    where=_table.c.twiml.is_(None) & (_table.c.lease_until < func.clock_timestamp()),
).returning(_table.c.event, _table.c.attempts)
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


def claim(delivery: Delivery, event: dict[str, Any]) -> Claim | None:
    """Claim a delivery that is new or whose lease ran out; None: done, or being thought about."""
    token = secrets.token_hex(16)
    given = asdict(delivery) | {"event": event, "lease_token": token}
    row = db.session.execute(_CLAIM, given).one_or_none()
    return Claim(delivery, token, row.event, row.attempts) if row else None


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
