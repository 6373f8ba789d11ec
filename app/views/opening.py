"""Opening hours on one page: the week, the holidays beside it, and what callers are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select

from app.extensions import db
from app.models import Department, Holiday, OpeningHours, TwilioNumber
from app.rules import week
from app.views import act_as, moments, weekly
from app.views.interface import is_id
from app.views.receptionist import HOURS
from app.views.refusals import Refused, explained
from app.views.weekly import Day
from app.voice import facts, hours, rehearsing
from app.voice.facts import Snapshot
from app.voice.rehearsing import Moment

MOST_HOLIDAYS = 100  # that are shown, the next ones


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether somebody is open at a moment, in words."""

    name: str
    is_open: bool
    text: str


class Opening(BaseView):
    route_base = "/opening-hours"
    default_view = "show"
    class_permission_name = "OpeningHours"
    method_permission_name = {"show": "read", "save": "write"}
    base_permissions = ["can_read", "can_write"]

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        act_as.tenant_needed()
        place = _place()
        return self._page(place, weekly.saved(rows(place)))

    @expose("/", methods=["POST"])
    @has_access
    def save(self) -> Any:
        act_as.tenant_needed()
        place = _place()
        days = weekly.typed(request.form)
        error = ""
        if not any(day.error for day in days):
            try:
                with explained(OpeningHours):
                    replace(place, days)
                    db.session.commit()
                flash(_("Opening hours saved"), "success")
                return redirect(url_for("Opening.show", department=place.id if place else None))
            except Refused as refusal:
                error = refusal.text
        return self._page(place, days, error)

    def _page(self, place: Department | None, days: list[Day], error: str = "") -> Any:
        found = facts.current()
        now = facts.now()
        at = _asked() or now
        called = _called()
        moment = Moment(found, at, called=called)
        whose = place.id if place else None
        return self.render_template(
            "receptionist/opening.html", place=place, days=days, error=error,
            places=db.session.scalars(select(Department).order_by(Department.position)).all(),
            own_hours=bool(rows(place)) if place else True,
            now=standing(found, whose, now), holidays=_holidays(place),
            warnings=_warnings(place), at=at.astimezone(moments.zone()),
            greeting=rehearsing.greeting(moment), called=called, numbers=_numbers(),
            standings=[standing(found, None, at), *_standings(found, at)],
            may_write=self.appbuilder.sm.has_access("can_write", "OpeningHours"),
            date_of=moments.day,
        )  # fmt: skip


def standing(found: Snapshot, department_id: int | None, at: datetime) -> Standing:
    """By the schedule that a call goes by."""
    places = {place.department.id: place for place in found.places}
    schedule, name = found.schedule, found.business
    if department_id in places:
        place = places[department_id]
        schedule, name = place.schedule, place.department.name
    if hours.is_open(schedule, at):
        closes = hours.next_closing(schedule, at)
        return Standing(name, True, _until(closes, at) if closes else _("open round the clock"))
    opens = hours.next_opening(schedule, at)
    if opens is None:
        return Standing(name, False, _("closed, with no opening within a year"))
    words = {"day": _day(opens, at), "time": moments.clock(opens)}
    return Standing(name, False, _("closed, opens %(day)s at %(time)s", **words))


def _until(closes: datetime, at: datetime) -> str:
    if closes.date() == at.astimezone(closes.tzinfo).date():
        return _("open until %(time)s", time=moments.clock(closes))
    return _("open until %(day)s at %(time)s", day=_day(closes, at), time=moments.clock(closes))


def _day(there: datetime, at: datetime) -> str:
    """Seen from `at`: today, tomorrow, by its weekday within a week, else by its date."""
    ahead = (there.date() - at.astimezone(there.tzinfo).date()).days
    if ahead < 7:
        near = {0: _("today"), 1: _("tomorrow")}
        return near.get(ahead) or weekly.names()[there.weekday()]
    return moments.date_text(there.date())


def _standings(found: Snapshot, at: datetime) -> list[Standing]:
    return [standing(found, place.department.id, at) for place in found.places]


def _place() -> Department | None:
    named = request.args.get("department", "")
    if not named:
        return None
    return (db.session.get(Department, int(named)) if is_id(named) else None) or abort(404)


def rows(place: Department | None) -> list[OpeningHours]:
    whose = OpeningHours.department_id == (place.id if place else None)
    return list(db.session.scalars(select(OpeningHours).where(whose)))


def replace(place: Department | None, days: list[Day]) -> None:
    """What is the same stays as it is. By the entity's own rule, one after the other, as REST.
    In the caller's transaction. Raises Refused."""
    HOURS.alone()
    wanted = {(day.number, *pair) for day in days for pair in day.hours}
    kept = set()
    for row in rows(place):
        key = (row.weekday, row.opens, row.closes)
        if key in wanted and key not in kept:
            kept.add(key)
        else:
            db.session.delete(row)
    db.session.flush()
    for weekday, opens, closes in sorted(wanted - kept):
        row = OpeningHours(
            weekday=weekday, opens=opens, closes=closes, department_id=place.id if place else None
        )
        HOURS.verify(row)
        db.session.add(row)
        db.session.flush()


def _holidays(place: Department | None) -> list[Holiday]:
    """The coming ones: of the business, and of the department besides."""
    whose: ColumnElement[bool] = Holiday.department_id.is_(None)
    if place:
        whose = whose | (Holiday.department_id == place.id)
    coming = select(Holiday).where(whose, Holiday.day >= moments.today())
    return list(db.session.scalars(coming.order_by(Holiday.day, Holiday.id).limit(MOST_HOLIDAYS)))


def _warnings(place: Department | None) -> dict[int, str]:
    """By holiday: where it contradicts the week, or does not hold though one might think so."""
    own = rows(place)
    shared = own or (rows(None) if place else [])
    spans = [week.Span(row.weekday, row.opens, row.closes) for row in shared]
    found = {}
    for holiday in _holidays(place):
        special = week.SpecialDay(holiday.day, holiday.opens, holiday.closes)
        if place and own and holiday.department_id is None:
            if any(span.weekday == holiday.day.weekday() for span in spans):
                found[holiday.id] = _(
                    "%(department)s has hours of its own and is open on this day as in every week. "
                    "Add the holiday for the department if it should be closed.",
                    department=place.name,
                )
        elif clash := week.holiday_clash(special, spans):
            found[holiday.id] = clash
    return found


def _asked() -> datetime | None:
    """A moment by the clock of the business; what cannot be read is now."""
    try:
        found = datetime.fromisoformat(request.args.get("at", ""))
    except ValueError:
        return None
    if abs(found.year - moments.today().year) > 10:
        return None
    return found.replace(tzinfo=moments.zone())


def _numbers() -> list[str]:
    return list(db.session.scalars(select(TwilioNumber.number).order_by(TwilioNumber.id)))


def _called() -> str:
    numbers = _numbers()
    named = request.args.get("number", "")
    return named if named in numbers else next(iter(numbers), "")
