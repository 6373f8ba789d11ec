"""When a business is open, in its own time zone: weekly hours, nights, holidays, clock changes.

Everything goes by the clock on the wall: when clocks fall back, 01:30 comes twice and both are
open if 01:30 is; what falls into the hour that clocks skip does not exist. Spans belong to the
day they begin on, so a night runs to its end into a closed holiday, and a holiday's own out of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[int, int]  # minutes after midnight; an end at or before its start is the next day's

DAY = 24 * 60
_MINUTE = timedelta(minutes=1)
_HORIZON = 370  # days: whoever opens once a year is still found


class ScheduleError(ValueError):
    """The schedule cannot be used: unknown zone or impossible minutes. Retrying does not help."""

    permanent = True


@dataclass(frozen=True, slots=True)
class Holiday:
    """What holds on one date in place of the weekly hours. No spans: closed."""

    spans: tuple[Span, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """The hours of one local day, as they are told to a caller."""

    day: date
    spans: tuple[Span, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`zone` is an IANA name; `weekly` maps Monday=0 … Sunday=6 to spans."""

    zone: str
    weekly: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    holidays: Mapping[date, Holiday] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _zone(self.zone)
        special = (holiday.spans for holiday in self.holidays.values())
        for spans in (*self.weekly.values(), *special):
            for start, end in spans:
                if not (0 <= start < DAY and 0 <= end <= DAY):
                    raise ScheduleError(f"A span must lie within a day, but is {start} to {end}.")


def is_open(schedule: Schedule, moment: datetime) -> bool:
    """`moment` must be aware; its own zone does not matter."""
    local = _local(schedule, moment)
    minute = local.hour * 60 + local.minute
    today = day_hours(schedule, local.date())
    if any(start <= minute and (minute < end or end <= start) for start, end in today):
        return True
    yesterday = day_hours(schedule, local.date() - timedelta(days=1))
    return any(end <= start and minute < end for start, end in yesterday)


def day_hours(schedule: Schedule, day: date) -> tuple[Span, ...]:
    """The spans that begin on this day, holidays considered, earliest first."""
    holiday = schedule.holidays.get(day)
    spans = holiday.spans if holiday else schedule.weekly.get(day.weekday(), ())
    return tuple(sorted(spans))


def next_opening(schedule: Schedule, moment: datetime) -> datetime | None:
    """The earliest moment from `moment` on that is open, in the business's zone: `moment` itself
    when it is open now, None when it does not open within a year."""
    local = _local(schedule, moment)
    if is_open(schedule, moment):
        return local
    zone = _zone(schedule.zone)
    for ahead in range(_HORIZON):
        for candidate in _candidates(schedule, local.date() + timedelta(days=ahead), zone):
            if candidate >= moment and is_open(schedule, candidate):
                return candidate.astimezone(zone)
    return None


def next_closing(schedule: Schedule, moment: datetime) -> datetime | None:
    """When what is open at `moment` closes, in the business's zone: None when it is closed, or does
    not close within a week. Spans that touch are one."""
    local = _local(schedule, moment)
    zone = _zone(schedule.zone)
    days = (local.date() + timedelta(days=ahead) for ahead in range(-1, 8))
    ends = sorted(
        datetime.combine(day, time(), zone) + timedelta(minutes=end if end > start else end + DAY)
        for day in days
        for start, end in day_hours(schedule, day)
    )
    if not is_open(schedule, moment):
        return None
    return next((end for end in ends if end > local and not is_open(schedule, end)), None)


def around(schedule: Schedule, moment: datetime, days: int = 14) -> tuple[Day, ...]:
    """The local day of `moment` and those after it, and in front of them the day before, whose
    night may run into it."""
    today = _local(schedule, moment).date()
    return tuple(
        Day(day, day_hours(schedule, day), holiday.name if holiday else "")
        for day in (today + timedelta(days=ahead) for ahead in range(-1, days))
        for holiday in (schedule.holidays.get(day),)
    )


def clock(minute: int) -> str:
    """Minutes after midnight as "HH:MM"; the end of the day is "00:00"."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _candidates(schedule: Schedule, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments of a local day at which it may open, in order. On a day whose clock changes that
    may be any minute: clocks falling back can land amid a span that had ended."""
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    offsets = {at.astimezone(zone).utcoffset() for at in (begin - _MINUTE, begin, end - _MINUTE)}
    if len(offsets) == 1:
        for start, _ in day_hours(schedule, day):
            yield begin + timedelta(minutes=start)
        return
    while begin < end:
        yield begin
        begin += _MINUTE


def _local(schedule: Schedule, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ScheduleError("A moment without a zone says nothing about opening hours.")
    return moment.astimezone(_zone(schedule.zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:  # OSError: "America" is a directory
        raise ScheduleError(f"There is no time zone called {name!r}.") from unknown
