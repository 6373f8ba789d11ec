"""The days that are asked about, and the stretch before them that they are compared with."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

LONGEST = 92  # days
WHOLE = {timedelta(hours=n) for n in range(-12, 15)}  # offsets from UTC


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment until just before another."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a zone, both included. `now` only says how far a period has come that is not
    over: half a day is compared with half a day."""

    first: date
    last: date
    zone: tzinfo
    now: datetime

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def every_day(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(self.days)]

    @property
    def span(self) -> Span:
        return Span(self._midnight(self.first), self._midnight(self.last + timedelta(days=1)))

    @property
    def before(self) -> Span:
        """As many days, as far into them."""
        back = timedelta(days=self.days)
        begins = self._midnight(self.first - back)
        if not self.is_running:
            return Span(begins, self.span.begins)
        local = self.now.astimezone(self.zone)
        return Span(begins, datetime.combine(local.date() - back, local.time(), self.zone))

    @property
    def before_days(self) -> tuple[date, date]:
        """The first and the last of the days before."""
        return self.first - timedelta(days=self.days), self.first - timedelta(days=1)

    @property
    def grain(self) -> timedelta:
        """A stretch of time that lies within one hour of the zone's clock: not all zones are whole
        hours away from UTC."""
        moments = (self.before.begins, self.span.begins, self.span.ends)
        whole = all(m.utcoffset() in WHOLE for m in moments)
        return timedelta(hours=1) if whole else timedelta(minutes=15)

    @property
    def is_running(self) -> bool:
        return self.span.begins <= self.now < self.span.ends

    @property
    def zone_name(self) -> str:
        """As PostgreSQL knows it."""
        return str(getattr(self.zone, "key", "UTC"))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone)
