"""Calls of a period: how many, by day and outcome, by weekday and hour; and of the one before.

One statement, whatever the number of calls: PostgreSQL groups them in several ways at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, and_, cast, func, or_, select, text, tuple_

from app import replica
from app.extensions import db
from app.figures import behind
from app.figures.period import Period
from app.models import CallSession, CallSummary, Channel, Lead, LeadStatus, Outcome, Tenant

LATEST = 6
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # of the stretches
BUSIEST = 8


@dataclass(slots=True)
class Calls:
    """`confirmed`: with a lead that the caller agreed to; `known`: with an answer from knowledge;
    `timed`: whose length is known, in all `seconds`."""

    taken: int = 0
    confirmed: int = 0
    known: int = 0
    timed: int = 0
    seconds: int = 0

    @property
    def average(self) -> float | None:
        """Seconds."""
        return self.seconds / self.timed if self.timed else None

    def add(self, taken: int, confirmed: int, known: int, timed: int, seconds: int | None) -> None:
        self.taken += taken
        self.confirmed += confirmed
        self.known += known
        self.timed += timed
        self.seconds += seconds or 0


@dataclass(slots=True)
class Counted:
    """`days`: by day and outcome (STILL_ON: none yet); `hours`: by weekday (0 is Monday) and
    hour."""

    now: Calls = field(default_factory=Calls)
    before: Calls = field(default_factory=Calls)
    days: dict[tuple[date, str], int] = field(default_factory=dict)
    hours: dict[tuple[int, int], int] = field(default_factory=dict)

    def of_day(self, day: date) -> int:
        return sum(n for (when, _outcome), n in self.days.items() if when == day)


@replica.read
def counted(period: Period) -> Counted:
    """Of what the scope may see."""
    found = Counted()
    for row in db.session.execute(_statement(period)):
        *_keys, taken, confirmed, known, timed, seconds = row
        if row.of_days:
            half = found.now if row.is_now else found.before
            half.add(taken, confirmed, known, timed, seconds)
            if row.is_now:
                found.days[row.day, row.outcome or behind.STILL_ON] = taken
        elif row.is_now:
            found.hours[row.weekday, row.hour] = taken
    return found


def _statement(period: Period) -> Any:
    """First by stretches of UTC, which is quick; those then by the zone's days and hours."""
    part = _parts(period)
    local = behind.local(part.c.at, period.zone_name)
    call = (
        select(
            part,
            cast(local, Date).label("day"),
            behind.weekday(local).label("weekday"),
            behind.hour(local).label("hour"),
        )
        .subquery()
        .c
    )
    return select(
        call.is_now, call.day, call.outcome, call.weekday, call.hour,
        (func.grouping(call.day) == 0).label("of_days"),
        *(
            cast(func.sum(column), BigInteger)
            for column in (call.taken, call.confirmed, call.known, call.timed, call.seconds)
        ),
    ).group_by(
        func.grouping_sets(
            tuple_(call.is_now, call.day, call.outcome),
            tuple_(call.is_now, call.weekday, call.hour),
        )
    )  # fmt: skip


def _parts(period: Period) -> Any:
    now, before = period.span, period.before
    moment = CallSession.started_at
    lead = behind.lead_since(before.begins)
    is_now = (moment >= now.begins).label("is_now")
    at = func.date_bin(period.grain, moment, EPOCH).label("at")
    return (
        select(
            is_now, at, CallSession.outcome,
            func.count().label("taken"),
            func.count().filter(lead.c.confirmed).label("confirmed"),
            func.count().filter(CallSession.answers > 0).label("known"),
            func.count(CallSession.duration).label("timed"),
            func.sum(CallSession.duration).label("seconds"),
        )
        .outerjoin(
            lead,
            and_(lead.c.tenant_id == CallSession.tenant_id, lead.c.call_id == CallSession.id),
        )
        .where(
            moment >= before.begins, moment < now.ends,
            or_(moment < before.ends, moment >= now.begins),
            *_real(lead),
        )
        .group_by(text("1"), text("2"), CallSession.outcome)
        .subquery()
    )  # fmt: skip


def _real(lead: Any) -> tuple[Any, ...]:
    return (
        CallSession.channel != Channel.TEST,
        CallSession.outcome.is_distinct_from(str(Outcome.BLOCKED)),
        lead.c.status.is_distinct_from(str(LeadStatus.SPAM)),
    )


@replica.read
def by_tenant(period: Period) -> dict[int, int]:
    """Calls taken in the period, of each tenant that had any."""
    span = period.span
    lead = behind.lead_since(span.begins)
    same = and_(lead.c.tenant_id == CallSession.tenant_id, lead.c.call_id == CallSession.id)
    found = db.session.execute(
        select(CallSession.tenant_id, func.count())
        .outerjoin(lead, same)
        .where(behind.within(CallSession.started_at, span), *_real(lead))
        .group_by(CallSession.tenant_id)
    )
    return {tenant: calls for tenant, calls in found}


@replica.read
def busiest(tenants: Mapping[int, int]) -> list[tuple[int, str, int]]:
    """The tenants with most calls: id, name, calls."""
    most = sorted(tenants.items(), key=lambda pair: (-pair[1], pair[0]))[:BUSIEST]
    named = select(Tenant.id, Tenant.name).where(Tenant.id.in_([tenant for tenant, _n in most]))
    names = {tenant: name for tenant, name in db.session.execute(named)} if most else {}
    return [(tenant, names.get(tenant, ""), calls) for tenant, calls in most]


def latest() -> list[Any]:
    """The newest calls, tests and all, with what is known of them: who, and what about."""
    newest = (
        select(
            CallSession.id, CallSession.tenant_id, CallSession.caller, CallSession.outcome,
            CallSession.channel, CallSession.started_at,
        )
        .order_by(CallSession.started_at.desc())
        .limit(LATEST)
        .subquery()
    )  # fmt: skip

    def of(model: Any) -> Any:
        return and_(model.tenant_id == newest.c.tenant_id, model.call_id == newest.c.id)

    found = (
        select(newest, Lead.name, Lead.reason, CallSummary.text.label("summary"))
        .outerjoin(Lead, of(Lead))
        .outerjoin(CallSummary, of(CallSummary))
        .order_by(newest.c.started_at.desc())
    )
    return list(db.session.execute(found))
