"""Minutes that pass without anybody waiting for them.

What the product leaves alone for some minutes, since its callback may still be on the way, is made
older: calls that went quiet, and recordings at the stand-in Twilio. Then the rows are added that
its scheduler plans each minute and every five.
"""

import itertools
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

from bench.drills.world import World

LONG_ENOUGH = timedelta(minutes=6)
_times = itertools.count(1)


def let_pass(world: World, call_sids: list[str], time: timedelta = LONG_ENOUGH) -> None:
    world.query(
        "update call_session set last_turn_at = last_turn_at - %s"
        " where outcome is null and call_sid = any(%s)", time, call_sids,
    )  # fmt: skip
    for found in world.twilio.recordings.values():
        if found["call_sid"] in call_sids and "date_created" in found:
            made = parsedate_to_datetime(found["date_created"]) - time
            found["date_created"] = format_datetime(made)
    _plan(world, "close_orphans", "collect_messages")


def clean_up(world: World) -> None:
    """What goes each hour goes now."""
    _plan(world, "cleanup")


def _plan(world: World, *kinds: str) -> None:
    n = next(_times)
    for kind in kinds:
        world.query("insert into job (kind, key) values (%s, %s)", kind, f"{kind}:later-{n}")
