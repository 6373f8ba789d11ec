"""Figures as drawings: what app/static/js/today.js draws, and the same as tables."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date, get_day_names
from flask_babel import gettext, ngettext

from app.figures.behind import STILL_ON, Figure
from app.figures.calls import Counted
from app.figures.period import Period
from app.figures.transfers import Transfers
from app.models import Outcome
from app.views import behind, moments, written

# Each with its colour of the tokens, from the axis up.
OUTCOMES = {
    Outcome.ANSWERED: "c1", Outcome.LEAD: "c2", Outcome.TRANSFERRED: "c3",
    Outcome.ABANDONED: "c4", Outcome.FAILED: "bad", STILL_ON: "field",
}  # fmt: skip
USUAL_HOURS = (8, 18)  # shown, even without calls
STEPS = 5  # of the strength of a colour


@dataclass(frozen=True, slots=True)
class Series:
    label: str
    colour: str
    values: list[int]
    urls: list[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars. `said` is what they show, in a sentence; `heads` names each bar in full."""

    said: str
    labels: list[str]
    heads: list[str]
    series: list[Series]

    @property
    def drawn(self) -> dict[str, Any]:
        """For the script."""
        return {
            "labels": self.labels,
            "series": [
                {"label": one.label, "colour": one.colour, "values": one.values, "urls": one.urls}
                for one in self.series
            ],
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """`level`: 0 for none, then 1 to STEPS."""

    count: int
    level: int
    url: str
    said: str


@dataclass(frozen=True, slots=True)
class Grid:
    said: str
    weekdays: list[str]
    hours: list[tuple[str, list[Cell]]]


def days(period: Period, calls: Counted) -> Chart:
    every = period.every_day
    shown = [o for o in OUTCOMES if o not in (Outcome.FAILED, STILL_ON) or _any(calls, str(o))]
    series = [
        Series(
            behind.outcome(str(outcome)), OUTCOMES[outcome],
            [calls.days.get((day, str(outcome)), 0) for day in every],
            [_of_day(period, day, outcome=str(outcome)) for day in every],
        )
        for outcome in shown
    ]  # fmt: skip
    labels = [_short(day) for day in every]
    return Chart(_most(period, calls), labels, [behind.day(day) for day in every], series)


def _any(calls: Counted, outcome: str) -> bool:
    return any(of == outcome for _day, of in calls.days)


def _of_day(period: Period, day: date, **part: str) -> str:
    return behind.url(Figure.TAKEN, Period(day, day, period.zone, period.now), **part)


def _short(day: date) -> str:
    return str(format_date(day, "EEE d", locale=moments.language()))


def _most(period: Period, calls: Counted) -> str:
    if not calls.now.taken:
        return gettext("No calls in these days.")
    most = max(period.every_day, key=calls.of_day)
    return ngettext(
        "%(number)s call, most of them on %(day)s.", "%(number)s calls, most of them on %(day)s.",
        calls.now.taken, number=written.number(calls.now.taken), day=behind.day(most),
    )  # fmt: skip


def grid(period: Period, calls: Counted) -> Grid:
    """By weekday and hour. Hours at night are left out while nobody calls then."""
    used = [hour for _weekday, hour in calls.hours]
    first, last = min([*used, USUAL_HOURS[0]]), max([*used, USUAL_HOURS[1]])
    most = max(calls.hours.values(), default=0)

    def cell(weekday: int, hour: int) -> Cell:
        count = calls.hours.get((weekday, hour), 0)
        level = -(-STEPS * count // most) if count else 0
        url = behind.url(Figure.TAKEN, period, weekday=weekday, hour=hour) if count else ""
        return Cell(count, level, url, _called(weekday, hour, count))

    hours = [
        (clock(hour), [cell(weekday, hour) for weekday in range(7)])
        for hour in range(first, last + 1)
    ]
    names = get_day_names("abbreviated", locale=moments.language())
    return Grid(_busiest(calls), [names[n] for n in range(7)], hours)


def _called(weekday: int, hour: int, count: int) -> str:
    return ngettext(
        "%(weekday)s, %(hour)s: %(num)d call", "%(weekday)s, %(hour)s: %(num)d calls", count,
        weekday=behind.weekday(weekday), hour=clock(hour),
    )  # fmt: skip


def _busiest(calls: Counted) -> str:
    if not calls.hours:
        return gettext("No calls in these days.")
    weekday, hour = max(calls.hours, key=lambda at: calls.hours[at])
    return gettext(
        "Stronger colour means more calls. Busiest: %(weekday)s at %(hour)s.",
        weekday=behind.weekday(weekday), hour=clock(hour),
    )  # fmt: skip


def clock(hour: int) -> str:
    """“9 am”, or “9” where people count to 24."""
    if not moments.language().startswith("en"):
        return str(hour)
    return f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}"


def hours(period: Period, transfers: Transfers) -> Chart:
    """Attempts to put through, by hour: those that reached a person and those that did not."""
    used = transfers.hours
    shown = range(min([*used, USUAL_HOURS[0]]), max([*used, USUAL_HOURS[1]]) + 1)
    reached = [used[hour].reached if hour in used else 0 for hour in shown]
    tried = [used[hour].tried if hour in used else 0 for hour in shown]
    series = [
        Series(
            gettext("Reached a person"), "c3", reached,
            [behind.url(Figure.REACHED, period, hour=hour) for hour in shown],
        ),
        Series(
            gettext("Not reached"), "c4",
            [all_of - one for all_of, one in zip(tried, reached, strict=True)],
            [behind.url(Figure.MISSED, period, hour=hour) for hour in shown],
        ),
    ]  # fmt: skip
    labels = [clock(hour) for hour in shown]
    return Chart(_missed(transfers), labels, labels, series)


def _missed(transfers: Transfers) -> str:
    if not transfers.now.tried:
        return gettext("Nobody was to be put through in these days.")
    missed = {hour: one.tried - one.reached for hour, one in transfers.hours.items()}
    if not any(missed.values()):
        return gettext("Every attempt reached a person.")
    worst = max(missed, key=lambda hour: missed[hour])
    return gettext("Most attempts that reached nobody were made at %(hour)s.", hour=clock(worst))
