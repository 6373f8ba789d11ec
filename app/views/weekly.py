"""The week of a business or a department as it is typed: seven days, each with a few hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from flask_babel import gettext as _

from app.models import OpeningHours
from app.rules import week

INTERVALS = 3  # that a day offers
MOST = 9  # that a day may have had before
Hours = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Interval:
    opens: str = ""
    closes: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One row. `error` is what is wrong with it, in words."""

    number: int
    name: str
    is_closed: bool
    intervals: tuple[Interval, ...]
    hours: tuple[Hours, ...] = ()
    error: str = ""


def names() -> tuple[str, ...]:
    return (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"),
        _("Sunday"),
    )  # fmt: skip


def saved(rows: list[OpeningHours]) -> list[Day]:
    found = []
    for number, name in enumerate(names()):
        hours = sorted((row.opens, row.closes) for row in rows if row.weekday == number)
        intervals = [Interval(f"{opens:%H:%M}", f"{closes:%H:%M}") for opens, closes in hours]
        found.append(Day(number, name, not hours, _filled(intervals), tuple(hours)))
    return marked(found)


def typed(form: Mapping[str, str]) -> list[Day]:
    """As it was typed, with what is wrong said at its row."""
    return marked([_typed(number, name, form) for number, name in enumerate(names())])


def marked(days: list[Day]) -> list[Day]:
    """Hours that overlap are said at every row that has some of them."""
    spans = [(day, span) for day in days for span in _spans(day)]
    wrong: dict[int, str] = {}
    for at, (one, span) in enumerate(spans):
        for other, second in spans[at + 1 :]:
            if clash := week.clash((span, second)):
                wrong.setdefault(one.number, clash)
                wrong.setdefault(other.number, clash)
    return [_blamed(day, wrong.get(day.number, "")) for day in days]


def _typed(number: int, name: str, form: Mapping[str, str]) -> Day:
    intervals = [
        Interval(
            form.get(f"opens-{number}-{at}", "")[:8], form.get(f"closes-{number}-{at}", "")[:8]
        )
        for at in range(MOST)
        if f"opens-{number}-{at}" in form
    ]
    if form.get(f"closed-{number}"):
        return Day(number, name, True, _filled(intervals))
    given = [one for one in intervals if one.opens or one.closes]
    hours, error = [], ""
    for one in given:
        try:
            hours.append((_clock(one.opens), _clock(one.closes)))
        except ValueError:
            error = _("Give both times, such as 09:00 and 17:30.")
    if not given:
        error = _("Give the hours of %(day)s, or mark it as closed.", day=name)
    return Day(number, name, False, _filled(intervals), tuple(hours), error)


def _clock(text: str) -> time:
    found = time.fromisoformat(text)
    if found.tzinfo or found.second or found.microsecond:
        raise ValueError(text)
    return found


def _filled(intervals: list[Interval]) -> tuple[Interval, ...]:
    return (*intervals, *[Interval()] * (INTERVALS - len(intervals)))


def _spans(day: Day) -> list[week.Span]:
    return [week.Span(day.number, opens, closes) for opens, closes in day.hours]


def _blamed(day: Day, clash: str) -> Day:
    return Day(day.number, day.name, day.is_closed, day.intervals, day.hours, day.error or clash)
