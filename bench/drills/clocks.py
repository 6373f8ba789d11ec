"""Drills of time: clocks of processes that jump, and opening hours over a year."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from app.voice import hours
from app.voice.hours import Holiday, Schedule
from bench.drills import shifted
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.model import all_promised
from bench.drills.nodes import taken_over
from bench.drills.postgres import messages
from bench.drills.robot import Midway
from bench.drills.world import World

CALLERS = 6
HOUR = 3600.0
# Seconds by which each clock is ahead, from one round of calls to the next.
JUMPS: tuple[dict[str, float], ...] = (
    {"web-1": HOUR, "web-2": -HOUR, "worker-1": HOUR, "worker-2": -HOUR, "scheduler": HOUR},
    {"web-1": -300, "web-2": HOUR, "worker-1": -300, "worker-2": HOUR, "scheduler": -300},
    {"web-1": 0, "web-2": -300, "worker-1": -HOUR, "worker-2": 0, "scheduler": -HOUR},
)
CLOCK = "clock"
LONGEST = 600  # seconds that a call of the robot's never takes


class Clocks:
    """One for each process of the product, at first as it is."""

    def __init__(self, world: World) -> None:
        self.files = {part.name: world.folder / f"{part.name}.clock" for part in world.product}
        self.set({})

    def set(self, ahead: dict[str, float]) -> None:
        for name, file in self.files.items():
            made = file.with_suffix(".new")
            made.write_text(str(ahead.get(name, 0.0)))
            made.rename(file)

    def environment(self, name: str) -> dict[str, str]:
        return {shifted.FILE: str(self.files[name])}


@contextmanager
def own_clocks(world: World) -> Iterator[Clocks]:
    clocks = Clocks(world)
    usual = {part.name: (part.environment, part.without) for part in world.product}
    for part in world.product:
        part.environment = dict(part.environment) | clocks.environment(part.name)
        part.without = "+".join(filter(None, (CLOCK, part.without)))
    world.restart(world.product)
    try:
        yield clocks
    finally:
        for part in world.product:
            part.environment, part.without = usual[part.name]
        world.restart(world.product)


def jumps(stage: Stage) -> Figures:
    """In the middle of calls, which go from one node to the other; each time with other clocks."""
    world, judged = stage.world, _a_year(stage)
    with _open_just_now(world, stage.mine.tenant_id), own_clocks(world) as clocks:
        for ahead in JUMPS:
            midway = Midway()
            with stage.robot.meanwhile(messages(stage, midway, CALLERS)):
                midway.wait_for(CALLERS)
                clocks.set(ahead)
                midway.go_on()
            _hours_hold(stage)
        stage.wait_settled()
        clocks.set({})
    stage.healed()
    noted = [call for call in stage.ledger.calls if call.name]
    all_promised(stage, len(noted))
    _turns_are_once(stage)
    strange = world.query(
        "select call_sid, duration from call_session where call_sid = any(%s) and"
        " (abs(extract(epoch from started_at - created_at)) > %s or ended_at < started_at"
        "  or duration > %s)", [call.call_sid for call in stage.ledger.calls], LONGEST, LONGEST,
    )  # fmt: skip
    stage.expect(not strange, f"{len(strange)} calls began or ended at another time: {strange[:1]}")
    return {"jumps": len(JUMPS), "minutes judged": judged}


@contextmanager
def _open_just_now(world: World, tenant_id: int) -> Iterator[None]:
    """And neither an hour ago nor in an hour; round the clock again afterwards."""
    world.query(
        "update opening_hours set opens = (m - interval '20 minutes')::time,"
        " closes = (m + interval '40 minutes')::time"
        " from (select clock_timestamp() at time zone 'America/New_York' as m) as here"
        " where tenant_id = %s", tenant_id,
    )  # fmt: skip
    yield
    round_the_clock = "update opening_hours set opens = '0:00', closes = '0:00'"
    world.query(f"{round_the_clock} where tenant_id = %s", tenant_id)


def _hours_hold(stage: Stage) -> None:
    """Somebody who asks for the workshop is put through, whichever node they come to."""
    for call in stage.robot.at_once([partial(stage.robot.is_connected, stage.mine)] * 4):
        call.name = ""
        stage.expect(bool(call.dials), "nobody was rung, as if it were another time")


def _turns_are_once(stage: Stage) -> None:
    """No claim of a turn was taken away from whoever was at it."""
    stage.expect(not taken_over(stage), f"{taken_over(stage)} turns were taken over")
    many = "select count(*) from job where attempts > 1 and created_at >= %s"
    again = stage.world.query(many, stage.began)[0][0]
    stage.expect(not again, f"{again} jobs were done again")


# --- Opening hours, minute by minute, by a slow look at the wall ---------------------------------

ZONES = ("America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
YEAR = 2028  # it has a 29th of February
OFFICE, NIGHT, SMALL_HOURS = ((540, 1020),), ((1320, 360),), ((60, 150), (1320, 1440))
WEEK = {0: OFFICE, 1: NIGHT, 2: OFFICE, 4: SMALL_HOURS, 5: NIGHT, 6: SMALL_HOURS}
HOLIDAYS = {
    date(YEAR, 2, 29): Holiday(), date(YEAR, 7, 4): Holiday(),
    date(YEAR, 12, 25): Holiday(((600, 720), (1320, 360))),
}  # fmt: skip


def _a_year(stage: Stage) -> int:
    for zone in ZONES:
        schedule = Schedule(zone, WEEK, HOLIDAYS)
        wrong = [at for at in _minutes() if hours.is_open(schedule, at) != _seen(schedule, at)]
        stage.expect(not wrong, f"{zone}: {len(wrong)} minutes, such as {wrong[:1]}")
    return len(ZONES) * _MINUTES


_MINUTES = 366 * 24 * 60


def _minutes() -> Iterator[datetime]:
    begin = datetime(YEAR, 1, 1, tzinfo=UTC)
    return (begin + timedelta(minutes=n) for n in range(_MINUTES))


def _seen(schedule: Schedule, moment: datetime) -> bool:
    """What stands on the door for today, and for the night that yesterday began."""
    wall = moment.astimezone(ZoneInfo(schedule.zone))
    minute = wall.hour * 60 + wall.minute
    today, yesterday = (_spans(schedule, wall.date() - timedelta(days=ago)) for ago in (0, 1))
    by_day = any(b <= minute < (e if e > b else 1440) for b, e in today)
    return by_day or any(e <= b and minute < e for b, e in yesterday)


def _spans(schedule: Schedule, day: date) -> Any:
    if day in schedule.holidays:
        return schedule.holidays[day].spans
    return schedule.weekly.get(day.weekday(), ())


DRILLS = (
    Drill(
        "clock-jumps", "clocks of all processes jump by an hour or five minutes, amid calls",
        "every message noted, no lease lost, opening hours hold; they do for a year of minutes",
        jumps, Sabotage("own-clock"), first=False,
    ),
)  # fmt: skip
