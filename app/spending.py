"""A tenant's money: reserved before it is spent, settled after, each by one statement.

The account's row is locked only while a statement and its commit run, and what does not fit is not
reserved: however many calls race for it, their reservations never pass the limit. Sums are in
millionths of the currency. Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Date, TextClause, case, cast, func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.jobs import outbox
from app.limits import Limits
from app.models import CallSession, JobKind, SpendAccount, SpendKind, Tenant, TransferAttempt
from app.rates import CENT, Rates

WARNED_AT: Final = 80  # percent of a limit at which a tenant's people are told
REACHED: Final = 100
MODEL_SHARE: Final = 90  # percent of the limits; the rest is for the line and for transfers

# A period that has begun anew counts from nothing; a node whose clock is late does not bring the
# old one back.
_HELD: Final = """
    today as (
        select timezone, (clock_timestamp() at time zone timezone)::date as day,
               date_trunc('month', clock_timestamp() at time zone timezone)::date as month
        from tenant where id = :tenant
    ),
    held as (
        select a.id, t.timezone, greatest(a.day, t.day) as day, greatest(a.month, t.month) as month,
               case when a.day < t.day then 0 else a.day_spent end as day_spent,
               case when a.day < t.day then 0 else a.day_told end as day_told,
               case when a.month < t.month then 0 else a.month_spent end as month_spent,
               case when a.month < t.month then 0 else a.month_told end as month_told
        from spend_account a, today t where a.tenant_id = :tenant for update of a
    )
"""


def _told(period: str) -> str:
    """How many percent of a limit are used, in the steps that people are told of."""
    most, spent = f"cast(:{period}_most as bigint)", f"f.{period}_spent"
    return f"""greatest(f.{period}_told, case
        when {most} = 0 then 0
        when {spent} + greatest(f.micros, :least) > {most} then {REACHED}
        when ({spent} + f.micros) * 100 >= {most} * {WARNED_AT} then {WARNED_AT}
        else 0 end)"""


# The first offer that fits is taken.
_RESERVE: Final = text(f"""
    with {_HELD},
    fitting as (
        select held.*, offer.at, coalesce(offer.micros, 0) as micros
        from held left join lateral (
            select micros, at
            from unnest(cast(:micros as bigint[]), cast(:percents as bigint[]))
                 with ordinality as o(micros, percent, at)
            where held.day_spent + micros <= percent * :day_most / 100
              and held.month_spent + micros <= percent * :month_most / 100
            order by at limit 1
        ) as offer on true
    ),
    done as (
        update spend_account a
        set day = f.day, day_spent = f.day_spent + f.micros, day_told = {_told("day")},
            month = f.month, month_spent = f.month_spent + f.micros, month_told = {_told("month")}
        from fitting f where a.id = f.id
        returning f.at, a.day, a.day_told, f.day_told as day_was,
                  a.month, a.month_told, f.month_told as month_was
    )
    select * from done
""")
# What was reserved before a period began is not given back to it. `{}`: on what condition.
CHARGE: Final = f"""
    with {_HELD},
    since as (select (cast(:since as timestamptz) at time zone timezone)::date as day from held)
    update spend_account a
    set day = h.day, day_told = h.day_told, month = h.month, month_told = h.month_told,
        day_spent = greatest(0, h.day_spent
            + case when :micros < 0 and s.day < h.day then 0 else :micros end),
        month_spent = greatest(0, h.month_spent
            + case when :micros < 0 and s.day < h.month then 0 else :micros end)
    from held h, since s where a.id = h.id {{}}
    returning a.id
"""
_CHARGE: Final = text(CHARGE.format(""))


@dataclass(frozen=True, slots=True)
class Offer:
    """An amount that would do, within so many percent of the limits."""

    micros: int
    percent: int = 100


def reserve(tenant_id: int, limits: Limits, offers: Sequence[Offer]) -> int | None:
    """The place of the first offer that fits into the day and the month, reserved; None: none does.
    Whoever is to be told of a limit is, in the same transaction."""
    row = _moved(
        _RESERVE,
        tenant_id,
        micros=[offer.micros for offer in offers],
        percents=[offer.percent for offer in offers],
        least=min(offer.micros for offer in offers),
        day_most=limits.day_cents * CENT,
        month_most=limits.month_cents * CENT,
    )
    for period in ("day", "month"):
        if row[f"{period}_told"] > row[f"{period}_was"]:
            _tell(period, row[period], row[f"{period}_told"])
    return None if row["at"] is None else int(row["at"]) - 1


def charge(tenant_id: int, micros: int, since: datetime | None = None) -> None:
    """Put down what is spent, or (below 0) give back what was reserved `since` and is not."""
    if micros:
        _moved(_CHARGE, tenant_id, micros=micros, since=since or datetime.now(UTC))


def _moved(statement: TextClause, tenant_id: int, **values: Any) -> Any:
    row = db.session.execute(statement, {"tenant": tenant_id, **values}).mappings().one_or_none()
    if row is not None:
        return row
    # The first that this tenant ever spends. A period of long ago begins anew at once.
    long_ago = date(1970, 1, 1)
    db.session.execute(
        insert(SpendAccount)
        .values(tenant_id=tenant_id, day=long_ago, month=long_ago)
        .on_conflict_do_nothing(constraint="uq_spend_account__tenant")
    )
    return db.session.execute(statement, {"tenant": tenant_id, **values}).mappings().one()


def _tell(period: str, begins: date, percent: int) -> None:
    outbox.add(
        JobKind.LIMIT_MAIL, key=f"limit:{period}:{begins}:{percent}",
        limit=f"{period}_cents", percent=percent,
    )  # fmt: skip


def valued(call: CallSession, rates: Rates) -> int:
    """A call is over: what it cost takes the place of what was reserved for it. By how much that is
    more is to be charged."""
    day = call.started_at.date()
    line = rates.cost(SpendKind.CALL_SECONDS, call.duration or 0, day)
    cost = call.settled + line + rates.cost(SpendKind.CALLS, 1, day)
    change, call.reserved = cost - call.reserved, cost
    return change


def settle_transfer(call: CallSession, attempt: TransferAttempt, cost: int) -> None:
    """`cost` takes the place of what was reserved for a transfer, or thought to be its cost."""
    change = cost - attempt.reserved
    charge(call.tenant_id, change, call.started_at)
    attempt.reserved = cost
    call.settled += change
    call.reserved += change


@dataclass(frozen=True, slots=True)
class Spent:
    """Of a tenant: today and this month, by its own calendar, with what is reserved."""

    tenant_id: int
    day: int
    month: int


def spent() -> list[Spent]:
    """Of every tenant in scope that ever spent anything, by one statement."""
    local = func.timezone(Tenant.timezone, func.clock_timestamp())
    sums = (
        case((period < cast(began, Date), 0), else_=spent)
        for period, began, spent in (
            (SpendAccount.day, local, SpendAccount.day_spent),
            (SpendAccount.month, func.date_trunc("month", local), SpendAccount.month_spent),
        )
    )
    rows = db.session.execute(
        select(SpendAccount.tenant_id, *sums).join(Tenant, Tenant.id == SpendAccount.tenant_id)
    )
    return [Spent(*row) for row in rows]
