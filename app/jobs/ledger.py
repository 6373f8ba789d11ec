"""Books what was used, once per key, in the caller's transaction; never a test call's."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, literal, select, text
from sqlalchemy.dialects.postgresql import insert

from app import rates, spending
from app.extensions import db
from app.metrics import catalogue, committed
from app.models import SpendKind, SpendLedger, Tenant, TwilioNumber
from app.tenancy import current_tenant_id

# What nobody reserves beforehand; calls, transfers and tokens are settled with what was reserved.
CHARGED_NOW: Final = frozenset({SpendKind.MAILS, SpendKind.RECORDING_SECONDS})
# Written out, as every call pays for it: SQLAlchemy makes an INSERT of several rows anew each time.
# `{}`: on what condition.
BOOK: Final = """
    insert into spend_ledger (tenant_id, call_id, kind, quantity, model, key)
    select :tenant, :call, kind, quantity, model, key
    from jsonb_to_recordset(cast(:items as jsonb))
        as item(kind text, quantity bigint, model text, key text) {}
    on conflict on constraint uq_spend_ledger__key do nothing
    returning kind, quantity
"""
_BOOK: Final = text(BOOK.format(""))


@dataclass(frozen=True, slots=True)
class Item:
    """Of a kind in its unit; booked once under its key."""

    kind: SpendKind
    quantity: int
    key: str
    model: str = ""


def book(
    kind: SpendKind, quantity: int, *, key: str, call_id: int | None = None, model: str = ""
) -> None:
    """Nothing is not booked; less than nothing corrects what was booked before."""
    if not book_all([Item(kind, quantity, key, model)], call_id):
        return
    if kind in CHARGED_NOW:
        cost = rates.current().cost(kind, quantity, datetime.now(UTC).date(), model)
        spending.charge(current_tenant_id() or 0, cost)


def book_all(items: Sequence[Item], call_id: int | None = None) -> int:
    """How many were not booked before. By one statement; of kinds that are charged later."""
    if not any(item.quantity for item in items):
        return 0
    given = {"tenant": current_tenant_id(), "call": call_id, "items": as_json(items)}
    booked = db.session.execute(_BOOK, given).all()
    for kind, quantity in booked:
        committed.count(catalogue.USED, quantity, kind=kind)
    return len(booked)


def as_json(items: Sequence[Item]) -> str:
    """As BOOK takes them; nothing is not booked."""
    return json.dumps([asdict(item) for item in items if item.quantity])


def book_numbers(_work: Any) -> dict[str, Any]:
    """Platform work: each number of each tenant, once a month (of the tenant's own calendar), by
    one statement."""
    month = func.to_char(func.timezone(Tenant.timezone, func.now()), "YYYY-MM")
    rented = select(
        TwilioNumber.tenant_id,
        literal(str(SpendKind.NUMBERS)),
        literal(1),
        literal("numbers:").concat(TwilioNumber.number).concat(":").concat(month),
    ).join(Tenant, Tenant.id == TwilioNumber.tenant_id)
    rented = rented.where(TwilioNumber.practice.is_(False))
    booked = db.session.execute(
        insert(SpendLedger)
        .from_select(["tenant_id", "kind", "quantity", "key"], rented)
        .on_conflict_do_nothing(constraint="uq_spend_ledger__key")
    )
    committed.count(catalogue.USED, booked.rowcount, kind=SpendKind.NUMBERS)  # type: ignore[attr-defined]
    return {"booked": booked.rowcount}  # type: ignore[attr-defined]
