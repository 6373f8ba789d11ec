"""Attempts to put callers through: how many reached a person, by department and by hour."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, tuple_

from app import replica
from app.extensions import db
from app.figures import behind
from app.figures.period import Period
from app.models import (
    CallSession,
    Channel,
    Department,
    LeadStatus,
    Tenant,
    TransferAttempt,
    TransferStatus,
)

SHOWN = 8  # departments
LONGEST_CALL = timedelta(days=1)  # Twilio ends it then


@dataclass(slots=True)
class Tried:
    tried: int = 0
    reached: int = 0

    def add(self, tried: int, reached: int) -> None:
        self.tried += tried
        self.reached += reached


@dataclass(slots=True)
class Transfers:
    """`departments`: by id, 0 for those of none (any more)."""

    now: Tried = field(default_factory=Tried)
    before: Tried = field(default_factory=Tried)
    departments: dict[int, Tried] = field(default_factory=dict)
    hours: dict[int, Tried] = field(default_factory=dict)


@replica.read
def counted(period: Period) -> Transfers:
    found = Transfers()
    for is_now, department, hour, of_departments, tried, reached in db.session.execute(
        _statement(period)
    ):
        if of_departments:
            (found.now if is_now else found.before).add(tried, reached)
        if is_now and of_departments:
            found.departments[department or 0] = Tried(tried, reached)
        elif is_now:
            found.hours[hour] = Tried(tried, reached)
    return found


def _statement(period: Period) -> Any:
    now, before = period.span, period.before
    moment, began = TransferAttempt.created_at, CallSession.started_at
    lead = behind.lead_since(before.begins - LONGEST_CALL)
    attempt = (
        select(
            TransferAttempt.department_id, TransferAttempt.status,
            (moment >= now.begins).label("is_now"),
            behind.hour(behind.local(moment, period.zone_name)).label("hour"),
        )
        .join(
            CallSession,
            and_(
                CallSession.tenant_id == TransferAttempt.tenant_id,
                CallSession.id == TransferAttempt.call_id,
            ),
        )
        .outerjoin(
            lead,
            and_(lead.c.tenant_id == CallSession.tenant_id, lead.c.call_id == CallSession.id),
        )
        .where(
            began >= before.begins - LONGEST_CALL, began < now.ends,
            moment >= before.begins, moment < now.ends,
            or_(moment < before.ends, moment >= now.begins),
            CallSession.channel != Channel.TEST,
            lead.c.status.is_distinct_from(str(LeadStatus.SPAM)),
        )
        .subquery()
        .c
    )  # fmt: skip
    return select(
        attempt.is_now, attempt.department_id, attempt.hour,
        func.grouping(attempt.department_id) == 0,
        func.count(), func.count().filter(attempt.status == str(TransferStatus.ANSWERED)),
    ).group_by(
        func.grouping_sets(
            tuple_(attempt.is_now, attempt.department_id), tuple_(attempt.is_now, attempt.hour)
        )
    )  # fmt: skip


@replica.read
def named(transfers: Transfers) -> list[tuple[int, str, str, Tried]]:
    """Those that were tried most: id, name, whose it is, how often. A department that is no more
    has no name."""
    most = sorted(transfers.departments.items(), key=lambda pair: (-pair[1].tried, pair[0]))[:SHOWN]
    asked = (
        select(Department.id, Department.name, Tenant.name)
        .join(Tenant, Tenant.id == Department.tenant_id)
        .where(Department.id.in_([department for department, _tried in most]))
    )
    names = {pk: (name, tenant) for pk, name, tenant in db.session.execute(asked)} if most else {}
    return [(pk, *names.get(pk, ("", "")), tried) for pk, tried in most]
