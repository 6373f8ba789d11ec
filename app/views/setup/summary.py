"""The last page: what is set up, what is missing, and a call to try it."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, ngettext
from sqlalchemy import func, select

from app.extensions import db
from app.models import (
    Department,
    EntryStatus,
    KnowledgeEntry,
    ReceptionistConfig,
    Tenant,
    TwilioNumber,
    User,
)
from app.views import opening, written
from app.views.act_as import is_super_admin
from app.views.setup import number
from app.views.setup.progress import Progress
from app.views.setup.steps import STEPS, TRADES, Step
from app.voice import facts, rehearsing
from app.voice.rehearsing import Moment


@dataclass(frozen=True, slots=True)
class Line:
    """A step, and what of it is there, in words."""

    step: Step
    text: str
    is_done: bool


def context(found: Progress) -> dict[str, Any]:
    numbers = number.own()
    # A practice number can be called without an account at Twilio.
    called = next((row for row in numbers if row.practice), None) or next(iter(numbers), None)
    moment = Moment(facts.current(), facts.now(), called=called.number if called else "")
    return {
        "lines": [Line(step, _said(step, found, numbers), found.is_done(step)) for step in STEPS],
        "missing": found.missing, "called": called,
        "may_practise": number.may_practise(), "greeting": rehearsing.greeting(moment),
        "receptionist": db.session.scalar(select(ReceptionistConfig.id)),
        "drafts": _count(KnowledgeEntry.status == EntryStatus.DRAFT),
        "is_deserted": is_super_admin() and not db.session.scalar(select(User.id).limit(1)),
    }  # fmt: skip


def _said(step: Step, found: Progress, numbers: list[TwilioNumber]) -> str:
    match step:
        case Step.BUSINESS:
            zone = db.session.scalars(select(Tenant.timezone)).one().replace("_", " ")
            trade = TRADES.get(found.trade)
            return ", ".join(filter(None, (found.name, trade and str(trade), zone)))
        case Step.HOURS:
            now = opening.standing(facts.current(), None, facts.now())
            return gettext("Right now: %(standing)s.", standing=now.text)
        case Step.DEPARTMENTS:
            return _departments()
        case Step.KNOWLEDGE:
            live = _count(KnowledgeEntry.status == EntryStatus.LIVE)
            return ngettext("%(num)d answer is live.", "%(num)d answers are live.", live)
        case Step.RECIPIENTS:
            to = db.session.scalar(select(ReceptionistConfig.lead_recipients)) or []
            return ", ".join(to) or gettext("Nobody gets messages by mail.")
        case _:
            told = ", ".join(str(written.phone_text(row.number)) for row in numbers)
            if numbers and all(row.practice for row in numbers):
                return gettext("%(number)s, for test calls. Callers need a real one.", number=told)
            return told or gettext("No number yet.")


def _departments() -> str:
    rows = db.session.scalars(select(Department).order_by(Department.position, Department.id)).all()
    if not rows:
        return gettext("None: callers can ask questions and leave messages.")
    silent = [row.name for row in rows if not row.numbers]
    names = ", ".join(row.name for row in rows)
    if not silent:
        return names
    return gettext("%(names)s. Without a telephone: %(silent)s.", names=names,
                   silent=", ".join(silent))  # fmt: skip


def _count(condition: Any) -> int:
    rows = select(func.count()).select_from(KnowledgeEntry).where(condition)
    return int(db.session.scalar(rows) or 0)
