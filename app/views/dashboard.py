"""The first page: what needs a person, then the figures of some days, each with the list behind it.

Everybody sees what they may read; a super admin all tenants, or the one acted for.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import redirect, request
from flask_appbuilder import IndexView, expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from app.figures import calls, transfers, waiting, work
from app.figures.period import LONGEST, Period
from app.models import Channel, JobKind, Outcome
from app.tenancy import PLATFORM, current_scope
from app.views import behind, charted, moments, needing, opening, reckoning, tones
from app.views.opening import Standing
from app.views.refusals import Refused
from app.voice import facts

USUAL = 7
DAYS = {1: _("Today"), 7: _("7 days"), 30: _("30 days")}


@dataclass(frozen=True, slots=True)
class Choice:
    """The days in the address. `days` is one of DAYS; None: chosen one by one. What was typed stays
    in the form, also what could not be read: then `problem` says so, and the usual days show."""

    period: Period
    days: int | None
    typed: dict[str, str] = field(default_factory=dict)
    problem: str = ""


class Dashboard(IndexView):
    @expose("/")
    def index(self) -> Any:
        if not current_user.is_authenticated:
            return redirect(self.appbuilder.get_url_for_login)
        self.update_redirect()
        choice = _chosen()
        context = _found(choice.period, self._may)
        page = self.render_template(
            "dashboard.html", chosen=choice, period=choice.period, days=DAYS, behind=behind,
            zone=choice.period.zone_name, today=moments.today(),
            across=current_scope() is PLATFORM, standing=_standing(), **context,
        )  # fmt: skip
        return page, 400 if choice.problem else 200

    def _may(self, name: str) -> bool:
        return bool(self.appbuilder.sm.has_access("can_read", name))


def _standing() -> Standing | None:
    """Whether the business is open now; None across tenants."""
    if current_scope() is PLATFORM:
        return None
    return opening.standing(facts.current(), None, facts.now())


def _found(period: Period, may: Any) -> dict[str, Any]:
    """What the page shows, as far as whoever asks may read it."""
    found: dict[str, Any] = {"needs": needing.of(period, may), "cards": [], "Outcome": Outcome,
                             "Channel": Channel}  # fmt: skip
    counted = put_through = None
    across = current_scope() is PLATFORM
    if may("CallSession"):
        counted = calls.counted(period)
        found |= {
            "calls": counted, "latest": calls.latest(),
            "days_chart": charted.days(period, counted), "grid": charted.grid(period, counted),
            "busiest": calls.busiest(calls.by_tenant(period)) if across else [],
        }  # fmt: skip
    if may("TransferAttempt"):
        put_through = transfers.counted(period)
        found |= {
            "transfers": put_through, "departments": transfers.named(put_through),
            "hours_chart": charted.hours(period, put_through),
        }  # fmt: skip
    if may("KnowledgeGap"):
        found["questions"] = waiting.questions()
    if may("Job"):
        found |= {"work": work.by_kind(period), "measured": work.MEASURED, "kind_of": _kind}
    return found | {"cards": reckoning.cards(period, may, counted, put_through)}


def _kind(kind: str) -> str:
    return str(tones.said(JobKind, kind).text)


def _chosen() -> Choice:
    typed = {name: request.args.get(name, "")[:20] for name in ("from", "to")}
    try:
        if any(typed.values()):
            return Choice(behind.period_of(*_typed(typed)), None, typed)
        days = request.args.get("days", str(USUAL))
        if days not in map(str, DAYS):
            raise Refused(gettext("Choose today, 7 days or 30 days."), "days")
        return Choice(_last(int(days)), int(days), _days(_last(int(days))))
    except Refused as refusal:
        return Choice(_last(USUAL), None, typed, str(refusal.message))


def _last(days: int) -> Period:
    today = moments.today()
    return behind.period_of(today - timedelta(days=days - 1), today)


def _days(period: Period) -> dict[str, str]:
    return {"from": period.first.isoformat(), "to": period.last.isoformat()}


def _typed(typed: dict[str, str]) -> tuple[date, date]:
    """Raises Refused."""
    try:
        first, last = (behind.day_of(typed[name]) for name in ("from", "to"))
    except ValueError as error:
        raise Refused(
            gettext("First day and last day: choose both, each written like 2026-11-22."), "from"
        ) from error
    if last < first:
        raise Refused(gettext("Last day: choose one that is not before the first day."), "to")
    if last > moments.today():
        raise Refused(gettext("Last day: choose today or an earlier day."), "to")
    if (last - first).days >= LONGEST:
        raise Refused(
            gettext("First day: choose at most %(days)d days in all.", days=LONGEST), "from"
        )
    return first, last
