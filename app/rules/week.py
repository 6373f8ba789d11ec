"""Opening hours that contradict each other, found and told in the owner's words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import combinations

DAY = 24 * 60
WEEK = 7 * DAY
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Span:
    """Hours that begin on `weekday` (0 is Monday). An end at or before the start is the next
    day's."""

    weekday: int
    opens: time
    closes: time

    @property
    def start(self) -> int:
        return self.weekday * DAY + _minute(self.opens)

    @property
    def length(self) -> int:
        return (_minute(self.closes) - _minute(self.opens)) % DAY or DAY

    def __str__(self) -> str:
        return f"{_clock(self.opens)}–{_clock(self.closes)}"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """What holds on one date in place of the week; without hours it is closed."""

    day: date
    opens: time | None = None
    closes: time | None = None


def overlap(one: Span, other: Span) -> bool:
    """Also around the end of the week; spans that only touch do not overlap."""
    return (other.start - one.start) % WEEK < one.length or (
        one.start - other.start
    ) % WEEK < other.length


def clash(spans: Iterable[Span]) -> str | None:
    """The first two that overlap, as a sentence that says what to do."""
    in_order = sorted(spans, key=lambda span: span.start)
    for one, other in combinations(in_order, 2):
        if overlap(one, other):
            return f"{_both(one, other)} Change one so that they do not overlap."
    return None


def holiday_clash(holiday: SpecialDay, week: Iterable[Span]) -> str | None:
    """A holiday with hours of its own that run into the hours of the night before or the day
    after."""
    if holiday.opens is None or holiday.closes is None:
        return None
    own = Span(holiday.day.weekday(), holiday.opens, holiday.closes)
    for ahead in (-1, 1):
        beside = (holiday.day + timedelta(days=ahead)).weekday()
        for span in (span for span in week if span.weekday == beside):
            if overlap(own, span):
                return (
                    f"The holiday has {own}, but {NAMES[beside]} has {span}. "
                    "Change one so that they do not overlap."
                )
    return None


def _both(one: Span, other: Span) -> str:
    if one.weekday == other.weekday:
        return f"{NAMES[one.weekday]} has {one} and {other}."
    return f"{NAMES[one.weekday]} has {one}, and {NAMES[other.weekday]} {other}."


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"
