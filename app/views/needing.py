"""What needs a person: a line and one action each, worst first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext, ngettext
from sqlalchemy import func, or_, select

from app.alerts.rules import BY_NAME
from app.extensions import db
from app.figures import waiting
from app.figures.behind import BEHIND, Figure
from app.figures.period import Period
from app.models import Alert, ForwardCause
from app.spending import REACHED
from app.tenancy import PLATFORM, current_scope
from app.views import behind, held, moments, written

WORST_FIRST = (Figure.MAILS, Figure.WORK, Figure.LATE, Figure.OPEN, Figure.NEW)


@dataclass(frozen=True, slots=True)
class Need:
    tone: str
    text: str
    action: str
    url: str


def of(period: Period, may: Any) -> list[Need]:
    """Nothing is good news."""
    sent = _sent_elsewhere() if may("ReceptionistConfig") else []
    sent = [*_alerts(), *sent]
    near = list(_near()) if may("CallLimits") and may("SpendLedger") else []
    readable = [figure for figure in WORST_FIRST if may(BEHIND[figure][0].__name__)]
    counts = waiting.counts(period, readable)
    found = sent + [
        Need(*_said(figure, count), behind.url(figure, period))
        for figure, count in counts.items()
        if count
    ]
    return sorted([*near, *found], key=lambda need: need.tone != "bad")


def _alerts() -> Iterator[Need]:
    """What operators are told of, for those who see to the whole installation."""
    if current_scope() is not PLATFORM:
        return
    now = func.clock_timestamp()
    wrong = select(Alert.name).where(
        Alert.firing, or_(Alert.muted_until.is_(None), Alert.muted_until < now)
    )
    for name in db.session.scalars(wrong.order_by(Alert.since)):
        if name in BY_NAME:
            url = url_for("Alerts.edit", alert=name)
            yield Need("bad", gettext(BY_NAME[name].title), gettext("See the alert"), url)


def _near() -> Iterator[Need]:
    """Limits that are nearly used up, or are. Across tenants it is theirs to see to."""
    if current_scope() is PLATFORM:
        return
    url, action = url_for("CallLimitsPage.list"), gettext("See the limits")
    for used in held.close():
        reached = used.percent >= REACHED
        text = gettext(
            "%(what)s: %(spent)s of %(limit)s are used", what=used.label, spent=used.spent,
            limit=used.limit,
        )  # fmt: skip
        yield Need("bad" if reached else "warn", text, action, url)
    for label, reached in held.near_today():
        text = (
            gettext("%(what)s: the limit was reached today", what=label)
            if reached
            else gettext("%(what)s: nearly at the limit today", what=label)
        )
        yield Need("bad" if reached else "warn", text, action, url)


def _sent_elsewhere() -> list[Need]:
    """Businesses whose calls the receptionist does not answer; one that failed itself comes first
    of all."""
    found = waiting.sent_elsewhere()
    if len(found) > 1:
        text = gettext("The calls of %(number)s tenants are sent elsewhere", number=len(found))
        return [Need("bad", text, gettext("See them"), url_for("ReceptionistConfigPage.list"))]
    return [_sent(*row) for row in found]


def _sent(pk: int, number: str, until: datetime | None, cause: str | None) -> Need:
    to = {"number": written.phone_text(number)}
    if cause == ForwardCause.FAILED_TURNS and until:
        at = moments.clock(until.astimezone(moments.zone()))
        text = gettext(
            "Answers failed: until %(time)s all calls are sent to %(number)s", time=at, **to
        )
        tone = "bad"
    else:
        text, tone = gettext("All calls are sent to %(number)s", **to), "warn"
    switch = url_for("ReceptionistConfigPage.edit", pk=pk, _anchor="forward_calls")
    return Need(tone, text, gettext("Change this"), switch)


def _said(figure: Figure, count: int) -> tuple[str, str, str]:
    """Tone, text, action."""
    many = {"number": _number(count)}
    match figure:
        case Figure.MAILS:
            text = ngettext(
                "%(number)s mail could not be sent", "%(number)s mails could not be sent", count,
                **many,
            )  # fmt: skip
            return "bad", text, gettext("See the mails")
        case Figure.WORK:
            text = ngettext(
                "%(number)s job was given up", "%(number)s jobs were given up", count, **many
            )
            return "bad", text, gettext("See the jobs")
        case Figure.LATE:
            text = ngettext(
                "%(number)s lead is late: the day to call back has passed",
                "%(number)s leads are late: the day to call back has passed", count, **many,
            )  # fmt: skip
            return "bad", text, gettext("Open late leads")
        case Figure.OPEN:
            text = ngettext(
                "%(number)s question has no answer", "%(number)s questions have no answer", count,
                **many,
            )  # fmt: skip
            return "warn", text, gettext("Write answers")
    text = ngettext(
        "%(number)s new lead waits for a call back", "%(number)s new leads wait for a call back",
        count, **many,
    )  # fmt: skip
    return "warn", text, gettext("Open new leads")


def _number(count: int) -> str:
    if count > waiting.ENOUGH:
        return gettext("More than %(number)s", number=written.number(waiting.ENOUGH))
    return str(written.number(count))
