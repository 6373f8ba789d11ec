"""From a figure of the first page to the list of what it counts, and that list narrowed to it.

In a list's address: `figure`, the days `from` and `to`, and a part of it, such as `hour`.
"""

import re
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import Any

from babel.dates import format_date, get_day_names
from flask import request, url_for
from flask_appbuilder.models.filters import BaseFilter
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.extensions import db
from app.figures.behind import BEHIND, STILL_ON, Asked, Figure, Part
from app.figures.period import Period
from app.models import Department, JobKind, Outcome
from app.views import moments, tones, written
from app.views.fields import LARGEST

NAMES = {
    Figure.TAKEN: _("Calls taken"),
    Figure.CONFIRMED: _("Calls with a confirmed lead"),
    Figure.KNOWN: _("Calls answered from knowledge"),
    Figure.TIMED: _("Calls with a known length"),
    Figure.LEADS: _("Leads"),
    Figure.NEW: _("New leads"),
    Figure.LATE: _("Late leads"),
    Figure.TRIED: _("Attempts to put through"),
    Figure.REACHED: _("Reached a person"),
    Figure.MISSED: _("Reached nobody"),
    Figure.OPEN: _("Questions without an answer"),
    Figure.MAILS: _("Mails that could not be sent"),
    Figure.WORK: _("Work that was given up"),
    Figure.FINISHED: _("Finished jobs"),
    Figure.FAILED: _("Jobs that were given up"),
}
PARTS = tuple(part.name for part in fields(Part))
TEXTS = {"outcome": (*map(str, Outcome), STILL_ON), "kind": tuple(map(str, JobKind))}
LARGEST_OF = {"weekday": 6, "hour": 23}
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Counted(BaseFilter):
    """The rows that a figure counts."""

    arg_name = None

    def __init__(self, datamodel: Any) -> None:
        super().__init__("figure", datamodel)

    def apply(self, query: Any, value: Asked) -> Any:
        return query.filter(*value.conditions)


def url(figure: Figure, period: Period, **part: Any) -> str:
    """The list of what this figure, or this part of it, counts."""
    model, moment, _such = BEHIND[figure]
    days: dict[str, Any] = {"from": period.first, "to": period.last} if moment is not None else {}
    return url_for(f"{model.__name__}Page.list", figure=str(figure), **days, **part)


def asked(view: Any) -> Asked | None:
    """What the address of this list asks for. Raises ValueError, which makes it 400."""
    if request.endpoint not in (f"{view.endpoint}.list", f"{view.endpoint}.sheet"):
        return None
    if "figure" not in request.args:
        return None
    found = Asked(Figure(request.args["figure"]), _period(), Part(**_parts()))
    if found.model is not view.entity.model:
        raise ValueError("a figure of other rows")
    return found


def period_of(first: date, last: date) -> Period:
    return Period(first, last, moments.zone(), datetime.now(UTC))


def day_of(text: str) -> date:
    """Raises ValueError. Not of the first nor the last years there are: zones reach beyond."""
    if not DAY.fullmatch(text) or not "1971" < text < "9000":
        raise ValueError(text)
    return date.fromisoformat(text)


def _period() -> Period:
    today = moments.today()
    first, last = (
        day_of(request.args[name]) if name in request.args else today for name in ("from", "to")
    )
    if last < first:
        raise ValueError("days in the wrong order")
    return period_of(first, last)


def _parts() -> dict[str, Any]:
    return {
        name: _part(name, value) for name in PARTS if (value := request.args.get(name)) is not None
    }


def _part(name: str, value: str) -> Any:
    if name in TEXTS:
        if value not in TEXTS[name]:
            raise ValueError(value)
        return value
    number = int(value)
    if not 0 <= number <= LARGEST_OF.get(name, LARGEST):
        raise ValueError(value)
    return number


def told(view: Any) -> list[tuple[str, tuple[str, ...]]]:
    """The figure and its part in words, each with the arguments to leave out to be without it."""
    found = asked(view)
    if found is None:
        return []
    said = [(_figure(found), ("figure", "from", "to", *PARTS))]
    given = [(name, value) for name, value in asdict(found.part).items() if name in request.args]
    return said + [(_told(name, value), (name,)) for name, value in given]


def _figure(found: Asked) -> str:
    name, period = NAMES[found.figure], found.period
    if BEHIND[found.figure][1] is None:
        return str(name)
    first, last = day(period.first), day(period.last)
    if first == last:
        return gettext("%(figure)s, %(day)s", figure=name, day=first)
    return gettext("%(figure)s, %(first)s to %(last)s", figure=name, first=first, last=last)


def _told(name: str, value: Any) -> str:
    match name:
        case "weekday":
            return weekday(value)
        case "hour":
            return gettext("Between %(hour)d:00 and %(hour)d:59", hour=value)
        case "outcome":
            return outcome(value)
        case "kind":
            return str(tones.said(JobKind, value).text)
        case "department":
            row = db.session.get(Department, value)
            return row.name if row else gettext("No department")
    return str(written.tenant_name(value))


def day(value: date) -> str:
    return str(format_date(value, "medium", locale=moments.language()))


def weekday(number: int) -> str:
    """0 is Monday."""
    return str(get_day_names("wide", locale=moments.language())[number])


def outcome(value: str) -> str:
    return gettext("Still talking") if value == STILL_ON else str(tones.said(Outcome, value).text)
