"""Which rows each figure counts. The lists behind the figures ask the same, so they agree.

A call that was a test, was blocked or is spam (its lead is marked so) is counted nowhere, and
neither are its transfers. Work is counted whatever it was for: a mail that failed wants somebody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Integer, and_, cast, exists, func, select

from app.figures.period import Period, Span
from app.models import (
    MAILS,
    CallSession,
    Channel,
    GapStatus,
    Job,
    JobStatus,
    KnowledgeGap,
    Lead,
    LeadStatus,
    Outcome,
    TransferAttempt,
    TransferStatus,
)

TO_DO = (LeadStatus.NEW, LeadStatus.CONTACTED)
STILL_ON = "open"  # the outcome of a call that has none yet


class Figure(StrEnum):
    TAKEN = "taken"
    CONFIRMED = "confirmed"
    KNOWN = "known"
    TIMED = "timed"
    LEADS = "leads"
    NEW = "new"
    LATE = "late"
    TRIED = "tried"
    REACHED = "reached"
    MISSED = "missed"
    OPEN = "open"
    MAILS = "mails"
    WORK = "work"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a figure. `weekday`: 0 is Monday; `department`: 0 is none (any more)."""

    weekday: int | None = None
    hour: int | None = None
    outcome: str = ""
    department: int | None = None
    tenant: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows of one figure. Without a period: all of them. Days and hours are the period's
    zone's, and so is today."""

    figure: Figure
    period: Period
    part: Part = Part()

    @property
    def model(self) -> Any:
        return BEHIND[self.figure][0]

    @property
    def conditions(self) -> list[Any]:
        model, moment, such = BEHIND[self.figure]
        found = list(such(self.period))
        if moment is not None:
            found.append(within(moment, self.period.span))
        return [*found, *_part(model, moment, self.part, self.period.zone_name)]


def lead_since(moment: datetime) -> Any:
    """Of each call that began then or later its lead, as a subquery: older leads, which are most,
    need not be read, since a lead is made after its call began."""
    return (
        select(Lead.tenant_id, Lead.call_id, Lead.status, Lead.confirmed)
        .where(Lead.created_at >= moment)
        .subquery()
    )


def within(moment: Any, span: Span) -> Any:
    return and_(moment >= span.begins, moment < span.ends)


def is_real() -> tuple[Any, ...]:
    """Neither a test nor spam."""
    spam = exists().where(
        Lead.tenant_id == CallSession.tenant_id,
        Lead.call_id == CallSession.id,
        Lead.status == LeadStatus.SPAM,
    )
    return CallSession.channel != Channel.TEST, ~spam


def _taken(_period: Period) -> tuple[Any, ...]:
    return *is_real(), CallSession.outcome.is_distinct_from(str(Outcome.BLOCKED))


def _confirmed(period: Period) -> tuple[Any, ...]:
    agreed = exists().where(
        Lead.tenant_id == CallSession.tenant_id, Lead.call_id == CallSession.id, Lead.confirmed
    )
    return *_taken(period), agreed


def _tried(_period: Period) -> tuple[Any, ...]:
    of_call = exists().where(
        CallSession.tenant_id == TransferAttempt.tenant_id,
        CallSession.id == TransferAttempt.call_id,
        *is_real(),
    )
    return (of_call,)


def _late(period: Period) -> tuple[Any, ...]:
    today = period.now.astimezone(period.zone).date()
    return Lead.test.is_(False), Lead.status.in_(TO_DO), Lead.due < today


def _dead(kinds: Callable[[Any], Any]) -> Callable[[Period], tuple[Any, ...]]:
    return lambda _period: (Job.status == JobStatus.DEAD, kinds(Job.kind))


# Model, the moment by which it belongs to a period (None: it is about now), conditions.
BEHIND: dict[Figure, tuple[Any, Any, Callable[[Period], tuple[Any, ...]]]] = {
    Figure.TAKEN: (CallSession, CallSession.started_at, _taken),
    Figure.CONFIRMED: (CallSession, CallSession.started_at, _confirmed),
    Figure.KNOWN: (
        CallSession, CallSession.started_at, lambda p: (*_taken(p), CallSession.answers > 0)
    ),
    Figure.TIMED: (
        CallSession, CallSession.started_at,
        lambda p: (*_taken(p), CallSession.duration.is_not(None)),
    ),
    Figure.LEADS: (
        Lead, Lead.created_at,
        lambda _p: (Lead.test.is_(False), Lead.status != LeadStatus.SPAM),
    ),
    Figure.NEW: (
        Lead, None, lambda _p: (Lead.test.is_(False), Lead.status == LeadStatus.NEW)
    ),
    Figure.LATE: (Lead, None, _late),
    Figure.TRIED: (TransferAttempt, TransferAttempt.created_at, _tried),
    Figure.REACHED: (
        TransferAttempt, TransferAttempt.created_at,
        lambda p: (*_tried(p), TransferAttempt.status == TransferStatus.ANSWERED),
    ),
    Figure.MISSED: (
        TransferAttempt, TransferAttempt.created_at,
        lambda p: (*_tried(p), TransferAttempt.status != TransferStatus.ANSWERED),
    ),
    Figure.OPEN: (KnowledgeGap, None, lambda _p: (KnowledgeGap.status == GapStatus.OPEN,)),
    Figure.MAILS: (Job, None, _dead(lambda kind: kind.in_(MAILS))),
    Figure.WORK: (Job, None, _dead(lambda kind: kind.not_in(MAILS))),
    Figure.FINISHED: (Job, Job.created_at, lambda _p: (Job.status == JobStatus.DONE,)),
    Figure.FAILED: (Job, Job.created_at, lambda _p: (Job.status == JobStatus.DEAD,)),
}  # fmt: skip


def local(moment: Any, zone: str) -> Any:
    return func.timezone(zone, moment)


def weekday(local_time: Any) -> Any:
    """0 is Monday."""
    return cast(func.date_part("isodow", local_time), Integer) - 1


def hour(local_time: Any) -> Any:
    return cast(func.date_part("hour", local_time), Integer)


def _part(model: Any, moment: Any, part: Part, zone: str) -> list[Any]:
    found = []
    if part.weekday is not None and moment is not None:
        found.append(weekday(local(moment, zone)) == part.weekday)
    if part.hour is not None and moment is not None:
        found.append(hour(local(moment, zone)) == part.hour)
    if part.outcome and model is CallSession:
        is_on = part.outcome == STILL_ON
        found.append(model.outcome.is_(None) if is_on else model.outcome == part.outcome)
    if part.department is not None and model is TransferAttempt:
        found.append(model.department_id.is_not_distinct_from(part.department or None))
    if part.kind and model is Job:
        found.append(model.kind == part.kind)
    if part.tenant is not None:
        found.append(model.tenant_id == part.tenant)
    return found
