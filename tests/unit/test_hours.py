"""Opening hours: known awkward moments, and a minute-by-minute oracle."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.voice import hours
from app.voice.flow.messages import DayHours, Facts
from app.voice.hours import Holiday, Schedule, ScheduleError
from app.voice.spoken import is_open_at

OFFICE = (9 * 60, 17 * 60)
NIGHT = (22 * 60, 6 * 60)
EVERY_DAY = range(7)


def every_day(*spans: hours.Span, zone: str = "America/New_York", **more) -> Schedule:
    return Schedule(zone, dict.fromkeys(EVERY_DAY, spans), **more)


def at(zone: str, *when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone), fold=fold)


def ny(*when: int, fold: int = 0) -> datetime:
    return at("America/New_York", *when, fold=fold)


def test_it_is_open_from_the_first_minute_to_before_the_last():
    office = every_day(OFFICE)
    assert not hours.is_open(office, ny(2026, 3, 2, 8, 59))
    assert hours.is_open(office, ny(2026, 3, 2, 9, 0))
    assert hours.is_open(office, ny(2026, 3, 2, 16, 59))
    assert not hours.is_open(office, ny(2026, 3, 2, 17, 0))


def test_the_zone_of_the_moment_does_not_matter():
    assert hours.is_open(every_day(OFFICE), datetime(2026, 7, 1, 13, 0, tzinfo=UTC))
    assert not hours.is_open(every_day(OFFICE), datetime(2026, 7, 1, 12, 59, tzinfo=UTC))


def test_a_night_runs_past_midnight_and_belongs_to_the_day_it_began():
    friday_night = Schedule("America/New_York", {4: (NIGHT,)})
    assert hours.is_open(friday_night, ny(2026, 3, 6, 22, 0))
    assert hours.is_open(friday_night, ny(2026, 3, 7, 5, 59))
    assert not hours.is_open(friday_night, ny(2026, 3, 7, 6, 0))
    assert not hours.is_open(friday_night, ny(2026, 3, 6, 5, 0))


def test_a_night_runs_to_its_end_into_a_closed_holiday():
    nights = every_day(NIGHT, holidays={date(2026, 12, 25): Holiday(name="Christmas")})
    assert hours.is_open(nights, ny(2026, 12, 25, 5, 59))
    assert not hours.is_open(nights, ny(2026, 12, 25, 22, 30))
    assert not hours.is_open(nights, ny(2026, 12, 26, 3, 0))


def test_the_night_of_a_holiday_runs_out_of_it():
    party = Schedule("America/New_York", {}, {date(2026, 12, 31): Holiday(((1200, 120),), "Eve")})
    assert hours.is_open(party, ny(2027, 1, 1, 1, 59))
    assert not hours.is_open(party, ny(2027, 1, 1, 2, 0))


def test_equal_start_and_end_is_all_day_and_so_is_midnight_to_24():
    for span in ((0, 0), (0, hours.DAY)):
        assert hours.is_open(every_day(span), ny(2026, 3, 2, 23, 59))
        assert hours.is_open(every_day(span), ny(2026, 3, 2, 0, 0))


def test_an_hour_that_comes_twice_is_open_twice():
    early = every_day((90, 110))
    assert hours.is_open(early, ny(2026, 11, 1, 1, 30, fold=0))
    assert hours.is_open(early, ny(2026, 11, 1, 1, 30, fold=1))
    reopening = hours.next_opening(early, ny(2026, 11, 1, 1, 55, fold=0))
    assert reopening.astimezone(UTC) == ny(2026, 11, 1, 1, 30, fold=1).astimezone(UTC)


def test_clocks_that_fall_back_into_a_span_open_it_again():
    reopening = hours.next_opening(every_day((50, 80)), ny(2026, 11, 1, 1, 30, fold=0))
    assert reopening.astimezone(UTC) == datetime(2026, 11, 1, 6, 0, tzinfo=UTC)  # 01:00 again


def test_an_opening_in_the_skipped_hour_is_when_the_clock_goes_on():
    opening = hours.next_opening(every_day((150, 600)), ny(2026, 3, 8, 1, 0))
    assert opening.astimezone(UTC) == ny(2026, 3, 8, 3, 0).astimezone(UTC)


def test_hours_wholly_in_the_skipped_hour_wait_for_the_next_day():
    opening = hours.next_opening(every_day((130, 170)), ny(2026, 3, 8, 1, 0))
    assert (opening.date(), opening.hour, opening.minute) == (date(2026, 3, 9), 2, 10)


def test_lord_howe_shifts_by_half_an_hour():
    island = "Australia/Lord_Howe"
    opening = hours.next_opening(every_day((130, 300), zone=island), at(island, 2026, 10, 4, 1, 0))
    assert (opening.hour, opening.minute) == (2, 30)  # 02:00 to 02:30 is skipped


def test_kathmandu_is_three_quarters_off():
    office = every_day(OFFICE, zone="Asia/Kathmandu")
    assert hours.is_open(office, datetime(2026, 5, 5, 3, 15, tzinfo=UTC))
    assert not hours.is_open(office, datetime(2026, 5, 5, 3, 14, tzinfo=UTC))


def test_the_29th_of_february_is_a_day_like_others():
    leap = every_day(OFFICE, holidays={date(2028, 2, 29): Holiday(name="Leap day")})
    assert not hours.is_open(leap, ny(2028, 2, 29, 12, 0))
    assert hours.next_opening(leap, ny(2028, 2, 28, 18, 0)) == ny(2028, 3, 1, 9, 0)


def test_open_now_is_its_own_next_opening():
    moment = ny(2026, 3, 2, 12, 34)
    assert hours.next_opening(every_day(OFFICE), moment) == moment


def test_a_business_that_never_opens_has_no_next_opening():
    assert hours.next_opening(Schedule("UTC"), datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_the_days_around_name_their_holiday():
    week = hours.around(
        every_day(OFFICE, holidays={date(2026, 11, 26): Holiday(name="Thanksgiving")}),
        datetime(2026, 11, 26, 3, 0, tzinfo=UTC),  # still the 25th in New York
        days=3,
    )
    assert week == (
        hours.Day(date(2026, 11, 24), (OFFICE,)),
        hours.Day(date(2026, 11, 25), (OFFICE,)),
        hours.Day(date(2026, 11, 26), (), "Thanksgiving"),
        hours.Day(date(2026, 11, 27), (OFFICE,)),
    )


def test_a_minute_is_written_as_on_a_clock():
    assert [hours.clock(minute) for minute in (0, 545, 1440)] == ["00:00", "09:05", "00:00"]


@pytest.mark.parametrize("name", ["Mars/Base", "", "America", "../etc/passwd", "/etc/hosts"])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(ScheduleError):
        Schedule(name)


def test_impossible_minutes_and_naive_moments_are_refused():
    with pytest.raises(ScheduleError):
        every_day((1440, 10))
    with pytest.raises(ScheduleError):
        Schedule("UTC", {}, {date(2026, 1, 1): Holiday(((-1, 10),))})
    with pytest.raises(ScheduleError):
        hours.is_open(every_day(OFFICE), datetime(2026, 1, 1))


# --- The oracle: every minute of a week, judged by laying the spans on a calendar ---------------

# Zone and the first day of a week in which its clock does something, or nothing.
WEEKS = (
    ("America/New_York", date(2026, 3, 5)),
    ("America/New_York", date(2026, 10, 29)),
    ("Australia/Lord_Howe", date(2026, 4, 2)),
    ("Australia/Lord_Howe", date(2026, 10, 1)),
    ("Asia/Kathmandu", date(2028, 2, 26)),
    ("America/Havana", date(2026, 3, 5)),  # midnight is skipped
    ("America/Havana", date(2026, 10, 29)),  # midnight comes twice
    ("Pacific/Apia", date(2011, 12, 27)),  # a whole day is skipped
    ("Africa/Casablanca", date(2026, 2, 12)),
)
minutes = st.sampled_from([0, 30, 60, 61, 90, 110, 120, 135, 150, 180, 360, 540, 1020, 1320, 1439])
spans = st.lists(st.tuples(minutes, minutes | st.just(1440)), max_size=2).map(tuple)
schedules = st.fixed_dictionaries({day: spans for day in EVERY_DAY})
holidays = st.dictionaries(st.integers(0, 6), st.builds(Holiday, spans), max_size=2)


def laid_out(schedule: Schedule, first: date) -> list[tuple[datetime, datetime]]:
    """Spans as wall-clock datetimes without a zone, from the day before `first` on."""
    found = []
    for day in (first + timedelta(days=ahead) for ahead in range(-1, 9)):
        holiday = schedule.holidays.get(day)
        for start, end in holiday.spans if holiday else schedule.weekly[day.weekday()]:
            midnight = datetime(day.year, day.month, day.day)
            days = 1 if end <= start else 0
            until = midnight + timedelta(days=days, minutes=end)
            found.append((midnight + timedelta(minutes=start), until))
    return found


@settings(max_examples=12, phases=[Phase.generate])  # shrinking takes minutes
@given(st.sampled_from(WEEKS), schedules, holidays)
def test_every_minute_of_an_awkward_week_agrees_with_the_calendar(week, weekly, special):
    zone, first = week
    schedule = Schedule(
        zone, weekly, {first + timedelta(days=ahead): day for ahead, day in special.items()}
    )
    calendar = laid_out(schedule, first)
    begin = datetime(first.year, first.month, first.day, 12, tzinfo=UTC)
    moments = [begin + timedelta(minutes=ahead) for ahead in range(7 * 24 * 60)]
    local = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments]
    truth = [any(start <= wall < end for start, end in calendar) for wall in local]
    assert [hours.is_open(schedule, moment) for moment in moments] == truth
    for sample in range(0, len(moments) - 1, 397):
        later = range(sample, len(moments))
        opening = next((moments[minute] for minute in later if truth[minute]), None)
        if opening:
            found = hours.next_opening(schedule, moments[sample])
            assert found.astimezone(UTC) == opening  # a fold is never equal across zones


# --- Opening questions, judged by the same calendar over a year ---------------------------------

ZONES = ("America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "UTC")
YEAR = tuple(date(2026, 1, 1) + timedelta(days=ahead) for ahead in range(365))


@settings(max_examples=25, phases=[Phase.generate])
@given(
    st.sampled_from(ZONES),
    st.sampled_from(YEAR),
    st.integers(0, 1439),
    schedules,
    st.dictionaries(st.integers(0, 9), st.builds(Holiday, spans), max_size=3),
)
def test_are_you_open_then_is_computed_as_the_calendar_has_it(zone, today, minute, weekly, special):
    """Asked at any minute of the year about every quarter of an hour of the days ahead: on the
    clock of the wall, whatever it skips or repeats."""
    schedule = Schedule(
        zone, weekly, {today + timedelta(days=ahead): day for ahead, day in special.items()}
    )
    now = datetime(today.year, today.month, today.day, tzinfo=ZoneInfo(zone))
    before, *days = (
        DayHours(day.day, tuple((hours.clock(a), hours.clock(b)) for a, b in day.spans))
        for day in hours.around(schedule, now + timedelta(minutes=minute), 10)
    )
    facts = Facts(hours=tuple(days), yesterday=before, today=days[0].day)
    calendar = laid_out(schedule, days[0].day)
    for day in days[:8]:
        for clock in range(minute % 15, 24 * 60, 15):
            wall = datetime(day.day.year, day.day.month, day.day.day, clock // 60, clock % 60)
            truth = any(start <= wall < end for start, end in calendar)
            assert is_open_at(day.day, wall.time(), facts) == truth


@pytest.mark.parametrize(
    ("at", "closes"),
    [
        ("2026-11-23T10:00", "2026-11-23T17:00"),  # spans that touch are one
        ("2026-11-23T08:00", None),  # closed
        ("2026-11-27T23:00", "2026-11-28T02:00"),  # into the night
        ("2026-11-28T01:00", "2026-11-28T02:00"),
    ],
)
def test_it_knows_when_it_closes(at: str, closes: str | None):
    zone = ZoneInfo("America/New_York")
    week = {0: ((540, 720), (720, 1020)), 4: ((1200, 120),)}
    found = hours.next_closing(
        hours.Schedule("America/New_York", week), datetime.fromisoformat(at).replace(tzinfo=zone)
    )
    assert found == (datetime.fromisoformat(closes).replace(tzinfo=zone) if closes else None)


def test_who_never_closes_has_no_closing():
    always = hours.Schedule("UTC", dict.fromkeys(range(7), ((0, 0),)))
    assert hours.next_closing(always, datetime(2026, 11, 23, 12, tzinfo=UTC)) is None
