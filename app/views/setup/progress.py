"""How far the tenant in scope has come: what was saved here, and what it has anyway."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app import starters
from app.extensions import db
from app.models import (
    Department,
    EntryStatus,
    KnowledgeEntry,
    OpeningHours,
    ReceptionistConfig,
    Setup,
    Tenant,
    TwilioNumber,
)
from app.starters import Starter
from app.tenancy import current_tenant_id
from app.views.setup.steps import STEPS, Step

# By what rows a step is done, also of a business that never came here.
_ROWS = {
    Step.HOURS: select(OpeningHours.id).where(OpeningHours.department_id.is_(None)),
    Step.DEPARTMENTS: select(Department.id),
    Step.KNOWLEDGE: select(KnowledgeEntry.id).where(KnowledgeEntry.status == EntryStatus.LIVE),
    Step.RECIPIENTS: select(ReceptionistConfig.id).where(
        func.cardinality(ReceptionistConfig.lead_recipients) > 0
    ),
    Step.NUMBER: select(TwilioNumber.id).where(TwilioNumber.practice.is_(False)),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """`saved` are steps that were saved here, `has` those whose rows are there. `language` is the
    receptionist's."""

    name: str
    trade: str
    language: str
    saved: frozenset[Step]
    has: frozenset[Step]
    dismissed: bool

    def is_done(self, step: Step) -> bool:
        return step in self.saved or step in self.has

    @property
    def missing(self) -> tuple[Step, ...]:
        """What callers would feel the lack of."""
        return tuple(step for step in _ROWS if not self.is_done(step))

    @property
    def next(self) -> Step | None:
        """Where to go on; None: all is done."""
        return next((step for step in STEPS if not self.is_done(step)), None)

    @property
    def starter(self) -> Starter | None:
        return starters.of(self.trade, self.language)

    def offers(self, step: Step) -> bool:
        """Whether what the trade suggests is taken unless it is refused: once, at the beginning."""
        return not self.is_done(step)


def current() -> Progress:
    config = select(ReceptionistConfig.language).limit(1).scalar_subquery()
    there = [rows.exists() for rows in _ROWS.values()]
    found = db.session.execute(
        select(Tenant.name, config, Setup.trade, Setup.steps, Setup.dismissed_at, *there)
        .select_from(Tenant)
        .outerjoin(Setup, Setup.tenant_id == Tenant.id)
        .where(Tenant.id == current_tenant_id())
    ).one()
    name, language, trade, steps, dismissed_at, *has = found
    return Progress(
        name=name,
        trade=trade or "",
        language=language or "en-US",
        saved=frozenset(step for step in STEPS if step in (steps or ())),
        has=frozenset(step for step, is_there in zip(_ROWS, has, strict=True) if is_there),
        dismissed=dismissed_at is not None,
    )


def mark(step: Step, trade: str = "") -> None:
    """In the transaction that saves the step."""
    row = _row()
    row.steps = [str(one) for one in STEPS if one == step or one in row.steps]
    row.trade = trade or row.trade


def dismiss() -> None:
    """Not pointed out on the first page any more. In the caller's transaction."""
    _row().dismissed_at = datetime.now(UTC)


def _row() -> Setup:
    """Made when it is needed first; two at once make one."""
    fresh = insert(Setup.__table__).values(tenant_id=current_tenant_id())
    db.session.execute(fresh.on_conflict_do_nothing(constraint="uq_setup__tenant"))
    return db.session.scalars(select(Setup).with_for_update()).one()
