"""The outbox as it stands: what waits and for how long, what runs, what was given up; what carries
it out. Bounded: of more than COUNTED rows the oldest are counted, and it is said that there are
more."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.extensions import db
from app.models import Job, JobStatus

COUNTED = 10_000  # rows of each of the two: those under way, and those given up
UNDER_WAY = (JobStatus.WAITING, JobStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Kind:
    """Jobs of one kind. `again` wait for another attempt; `due` is when the oldest that is due
    should have begun."""

    kind: str
    waiting: int = 0
    again: int = 0
    running: int = 0
    given_up: int = 0
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    kinds: tuple[Kind, ...]
    there_are_more: bool

    @property
    def due(self) -> datetime | None:
        """When the job that is due longest should have begun."""
        return min((kind.due for kind in self.kinds if kind.due), default=None)


def standing(now: datetime) -> Queue:
    """Every kind that has something to do or was given up, the one due longest first."""
    under_way, given_up = _under_way(now), given_up_by_kind()
    found = {row.kind: Kind(row.kind, row.waiting, row.again, row.running, 0, row.due)
             for row in under_way}  # fmt: skip
    for kind, many in given_up.items():
        found[kind] = replace(found.get(kind, Kind(kind)), given_up=many)
    counted = sum(kind.waiting + kind.again + kind.running for kind in found.values())
    full = counted >= COUNTED or sum(given_up.values()) >= COUNTED
    late = sorted(found.values(), key=lambda kind: (kind.due is None, kind.due, kind.kind))
    return Queue(tuple(late), full)


def _under_way(now: datetime) -> Any:
    job = (
        select(Job.kind, Job.status, Job.attempts, Job.run_at)
        .where(Job.status.in_(UNDER_WAY))
        .order_by(Job.run_at)
        .limit(COUNTED)
        .subquery()
        .c
    )
    waits = job.status == JobStatus.WAITING
    return db.session.execute(
        select(
            job.kind,
            func.count().filter(waits, job.attempts == 0).label("waiting"),
            func.count().filter(waits, job.attempts > 0).label("again"),
            func.count().filter(job.status == JobStatus.RUNNING).label("running"),
            func.min(job.run_at).filter(waits, job.run_at <= now).label("due"),
        ).group_by(job.kind)
    )


def given_up_by_kind() -> dict[str, int]:
    """Most first."""
    job = select(Job.kind).where(Job.status == JobStatus.DEAD).limit(COUNTED).subquery().c
    many = func.count()
    found = db.session.execute(select(job.kind, many).group_by(job.kind).order_by(many.desc()))
    return {kind: count for kind, count in found}
