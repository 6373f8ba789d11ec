"""What each tenant used in a month, and what it costs by the prices of those days."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Numeric,
    Select,
    case,
    cast,
    func,
    select,
    true,
)

from app import replica
from app.extensions import db
from app.models import UNITS, Price, SpendKind, SpendLedger, Tenant


@dataclass(frozen=True, slots=True)
class Line:
    """One kind (of tokens: and model) in one month. `quantity` is in the ledger's unit: seconds,
    tokens, pieces. Without a price for it there is no `cost`."""

    tenant_id: int
    tenant: str
    month: date
    kind: SpendKind
    model: str
    quantity: int
    currency: str = ""
    cost: Decimal | None = None

    @property
    def amount(self) -> float:
        """In the unit that prices are for."""
        return self.quantity / UNITS[self.kind][0]

    @property
    def unit(self) -> str:
        return UNITS[self.kind][1]


@dataclass(slots=True)
class Month:
    """A tenant's month. `costs` by currency; `unpriced`: kinds that some day had no price for."""

    tenant_id: int
    tenant: str
    month: date
    lines: list[Line] = field(default_factory=list)

    @property
    def used(self) -> dict[SpendKind, int]:
        return used(self.lines)

    @property
    def costs(self) -> dict[str, Decimal]:
        return total(self.lines)

    @property
    def unpriced(self) -> list[SpendKind]:
        return sorted({line.kind for line in self.lines if line.cost is None})


@replica.read
def months(first: date, last: date, tenant_id: int | None = None) -> list[Month]:
    """From one month to another, both the first days of theirs, as each tenant's own calendar has
    them: newest first, then by name. Of one tenant, or of all that the scope may see."""
    found: dict[tuple[date, str, int], Month] = {}
    for line in _lines(first, following(last), *_of(tenant_id)):
        key = (line.month, line.tenant, line.tenant_id)
        found.setdefault(key, Month(line.tenant_id, line.tenant, line.month)).lines.append(line)
    by_name = sorted(found.values(), key=lambda month: (month.tenant.casefold(), month.tenant_id))
    return sorted(by_name, key=lambda month: month.month, reverse=True)


@replica.read
def costs(first: date, last: date, tenant_id: int | None = None) -> dict[str, Decimal]:
    """What was used from one day to another, both included, costs: by currency. Nothing that has
    no price."""
    return total(_lines(first, last + timedelta(days=1), *_of(tenant_id)))


def _of(tenant_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if tenant_id is None else (SpendLedger.tenant_id == tenant_id,)


def of_call(call_id: int, began: datetime) -> list[Line]:
    """What one call used, by kind; mails and recordings may have been booked some weeks later."""
    first = began.date().replace(day=1) - timedelta(days=1)
    return list(_lines(first, first + timedelta(days=95), SpendLedger.call_id == call_id))


def _lines(first: date, end: date, *conditions: ColumnElement[bool]) -> Iterator[Line]:
    for row in db.session.execute(_statement(first, end, *conditions)):
        tenant, name, month, kind, model, quantity, currency, cost = row
        yield Line(tenant, name, month, SpendKind(kind), model, int(quantity), currency or "", cost)


def used(lines: Iterable[Line]) -> dict[SpendKind, int]:
    """By kind, in the ledger's units; nothing is 0."""
    found = dict.fromkeys(SpendKind, 0)
    for line in lines:
        found[line.kind] += line.quantity
    return found


def total(lines: Iterable[Line]) -> dict[str, Decimal]:
    """By currency: different ones cannot be added up."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.cost is not None:
            found[line.currency] += line.cost
    return dict(sorted(found.items()))


def this_month(zone: str = "UTC") -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(zone)).date().replace(day=1)


def following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _statement(first: date, end: date, *conditions: ColumnElement[bool]) -> Select[Any]:
    """One statement: the ledger by day, then each day's price, then months. Days are the tenant's,
    so the bounds are converted rather than each row's time: the index on it can be used."""
    begins, ends = (
        func.timezone(Tenant.timezone, cast(day, DateTime(timezone=False))) for day in (first, end)
    )
    day = cast(func.timezone(Tenant.timezone, SpendLedger.created_at), Date).label("day")
    spent = (
        select(
            SpendLedger.tenant_id, Tenant.name, SpendLedger.kind, SpendLedger.model, day,
            func.sum(SpendLedger.quantity).label("quantity"),
        )
        .join(Tenant, Tenant.id == SpendLedger.tenant_id)
        .where(
            SpendLedger.created_at >= begins,
            SpendLedger.created_at < ends,
            # the same, roughly, for whoever plans the statement: no zone is a day away
            SpendLedger.created_at > _midnight(first) - timedelta(days=1),
            SpendLedger.created_at < _midnight(end) + timedelta(days=1),
            *conditions,
        )
        .group_by(SpendLedger.tenant_id, Tenant.name, SpendLedger.kind, SpendLedger.model, day)
    )  # fmt: skip
    days = spent.subquery()
    price = (
        select(Price.amount, Price.currency)
        .where(
            Price.kind == days.c.kind,
            Price.model.in_((days.c.model, "")),
            Price.valid_from <= days.c.day,
        )
        .order_by(Price.model.desc(), Price.valid_from.desc())
        .limit(1)
        .lateral()
    )
    pieces = case({str(kind): unit for kind, (unit, _) in UNITS.items()}, value=days.c.kind)
    month = cast(func.date_trunc("month", days.c.day), Date)
    cost = func.sum(days.c.quantity * price.c.amount / cast(pieces, Numeric))
    by = (
        days.c.tenant_id, days.c.name, month, days.c.kind, days.c.model, price.c.currency,
    )  # fmt: skip
    return (
        select(*by[:5], func.sum(days.c.quantity), price.c.currency, cost)
        .select_from(days.outerjoin(price, true()))
        .group_by(*by)
        .order_by(days.c.kind, days.c.model)
    )
