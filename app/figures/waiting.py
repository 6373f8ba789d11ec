"""What waits for a person, now: whatever the days that are asked about."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import func, or_, select

from app import replica
from app.extensions import db
from app.figures.behind import Asked, Figure
from app.figures.period import Period
from app.models import GapStatus, KnowledgeGap, Lead, LeadStatus, ReceptionistConfig

ENOUGH = 10_000  # of more, nobody needs to know how many
QUESTIONS = 5


def counts(period: Period, figures: Collection[Figure]) -> dict[Figure, int]:
    """By one statement, each no further than ENOUGH + 1."""
    if not figures:
        return {}
    named = [_count(Asked(figure, period)).label(str(figure)) for figure in figures]
    row = db.session.execute(select(*named)).one()
    return dict(zip(figures, row, strict=True))


def _count(asked: Asked) -> Any:
    rows = select(asked.model.id).where(*asked.conditions).limit(ENOUGH + 1).subquery()
    return select(func.count()).select_from(rows).scalar_subquery()


def sent_elsewhere() -> list[Any]:
    """Whose calls are all sent elsewhere now: id, number, until when, why."""
    now = func.clock_timestamp()
    config = ReceptionistConfig
    found = (
        select(config.id, config.fallback_number, config.forward_until, config.forward_cause)
        .where(
            config.forward_calls,
            config.fallback_number.is_not(None),
            or_(config.forward_until.is_(None), config.forward_until > now),
        )
        .order_by(config.id)
    )
    return list(db.session.execute(found))


def questions() -> list[Any]:
    """Those without an answer that are asked most: id, words, how often, when last."""
    found = (
        select(
            KnowledgeGap.id, KnowledgeGap.question, KnowledgeGap.asked, KnowledgeGap.last_asked_at
        )
        .where(KnowledgeGap.status == GapStatus.OPEN)
        .order_by(KnowledgeGap.asked.desc(), KnowledgeGap.last_asked_at.desc())
        .limit(QUESTIONS)
    )
    return list(db.session.execute(found))


@replica.read
def leads(period: Period) -> tuple[int, int]:
    """Messages taken in the period and in the one before."""
    now, before = period.span, period.before
    made = Lead.created_at
    row = db.session.execute(
        select(
            func.count().filter(made >= now.begins), func.count().filter(made < before.ends)
        ).where(
            made >= before.begins, made < now.ends,
            Lead.test.is_(False), Lead.status != LeadStatus.SPAM,
        )
    ).one()  # fmt: skip
    return row[0], row[1]
