"""Work after calls: how long it took from being caused to being done, and what was given up."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app import replica
from app.extensions import db
from app.figures.behind import within
from app.figures.period import Period
from app.models import Job, JobStatus

MEASURED = 10_000  # jobs, the newest of the period: enough for a median


@dataclass(frozen=True, slots=True)
class Kind:
    """Jobs of one kind in a period: finished ones with the seconds that half of them, and nineteen
    in twenty, took at most; those given up."""

    kind: str
    finished: int = 0
    half: float | None = None
    most: float | None = None
    failed: int = 0


@replica.read
def by_kind(period: Period) -> list[Kind]:
    """Slowest first. Of more than MEASURED, the newest."""
    dead = _failed(period)
    found = {
        kind: Kind(kind, finished, half, most, dead.pop(kind, 0))
        for kind, finished, half, most in db.session.execute(_times(period))
    }
    found |= {kind: Kind(kind, failed=failed) for kind, failed in dead.items()}
    return sorted(found.values(), key=lambda one: (-one.failed, -(one.most or 0), one.kind))


def _times(period: Period) -> Any:
    took = func.extract("epoch", Job.finished_at - Job.created_at)
    job = (
        select(Job.kind, took.label("took"))
        .where(
            within(Job.created_at, period.span),
            Job.status == JobStatus.DONE,
            Job.finished_at.is_not(None),
        )
        .order_by(Job.created_at.desc())
        .limit(MEASURED)
        .subquery()
        .c
    )
    share = [func.percentile_cont(part).within_group(job.took) for part in (0.5, 0.95)]
    return select(job.kind, func.count(), *share).group_by(job.kind)


def _failed(period: Period) -> dict[str, int]:
    counted = (
        select(Job.kind, func.count())
        .where(within(Job.created_at, period.span), Job.status == JobStatus.DEAD)
        .group_by(Job.kind)
    )
    return {kind: count for kind, count in db.session.execute(counted)}
