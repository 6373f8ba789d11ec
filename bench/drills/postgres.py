"""Drills of PostgreSQL: restarted in the middle of calls, away, slow, without connections left."""

import signal
import time
from collections.abc import Callable
from functools import partial

from bench.drills import later
from bench.drills.checking import Allowed
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.faults import How
from bench.drills.robot import Midway

CALLERS = 6
OUTAGE, LATE = 20.0, 2  # seconds; callers who begin in its second half
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT
ENOUGH = 24  # callers at once, on two nodes with three connections each
TALKED = 8  # of them at least, instead of only speaking after the tone


def promised_all(stage: Stage) -> None:
    """Each caller heard that the message is noted, in words or after the tone."""
    without = [call for call in stage.ledger.calls if not call.promised]
    stage.expect(not without, f"{len(without)} callers left no message")
    for call in without:
        stage.expect(False, f"call {call.call_sid}: {call.ended} after {call.said[-6:]}")


def messages(stage: Stage, midway: Midway, many: int = CALLERS) -> list[Callable[[], object]]:
    whose = (stage.mine, stage.theirs)
    return [partial(stage.robot.leaves_message, whose[n % 2], midway.each()) for n in range(many)]


def restart(stage: Stage) -> Figures:
    """Once in good order, once as if it crashed; each time calls stand in the middle."""
    postgres, away = stage.world.postgres, []
    for how in (FAST, IMMEDIATE):
        midway = Midway()
        with stage.robot.meanwhile(messages(stage, midway)):
            midway.wait_for(CALLERS)
            began = time.monotonic()
            stage.world.stop_service(postgres, how)
            midway.go_on()
            postgres.revive()
            away.append(time.monotonic() - began)
            stage.healed()
    spoken = sum(call.read_back for call in stage.ledger.calls)
    stage.expect(spoken > CALLERS, f"only {spoken} of {2 * CALLERS} callers were held until then")
    return conclude(stage) | {"away": " and ".join(f"{one:.1f} s" for one in away)}


def outage(stage: Stage) -> Figures:
    """Calls in the middle, calls that begin, and calls that begin late in it, who are held until it
    is over."""
    postgres, midway = stage.world.postgres, Midway()
    beginning = [partial(stage.robot.leaves_message, stage.theirs)] * LATE
    with stage.robot.meanwhile(messages(stage, midway)):
        midway.wait_for(CALLERS)
        began = time.monotonic()
        stage.world.stop_service(postgres, IMMEDIATE)
        midway.go_on()
        with stage.robot.meanwhile(beginning):
            time.sleep(OUTAGE / 2)
            with stage.robot.meanwhile(beginning):
                time.sleep(max(0.0, began + OUTAGE - time.monotonic()))
                postgres.revive()
                stage.healed()
    spoken = sum(call.read_back for call in stage.ledger.calls)
    stage.expect(spoken >= LATE, f"{spoken} callers were held until it was over, not {LATE}")
    return conclude(stage)


def slow(stage: Stage) -> Figures:
    with stage.fault("postgres", How.SLOW, seconds=0.4):
        stage.robot.at_once(messages(stage, _nobody_waits()))
    return conclude(stage)


def crowded(stage: Stage) -> Figures:
    """More callers than connections, each of which is held longer than usual."""
    with stage.fault("postgres", How.SLOW, seconds=0.1):
        stage.robot.at_once(messages(stage, _nobody_waits(), ENOUGH))
    spoken = sum(call.read_back for call in stage.ledger.calls)
    stage.expect(spoken >= TALKED, f"only {spoken} of {ENOUGH} callers got beyond the tone")
    return conclude(stage)


def _nobody_waits() -> Midway:
    midway = Midway()
    midway.go_on()
    return midway


def conclude(stage: Stage) -> Figures:
    """What the database was not told is found at Twilio some minutes later."""
    promised_all(stage)
    later.let_pass(stage.world, [call.call_sid for call in stage.ledger.calls])
    stage.healed()
    calls = stage.ledger.calls
    return {
        "noted": sum(call.read_back for call in calls),
        "after the tone": sum(bool(call.recordings) for call in calls),
        "fallbacks": sum(call.fallbacks for call in calls),
    }


HELD = Allowed(unread=True, held=True)
NONE_LOST = "0 dropped, 0 lost, each answer within 8 s"
DRILLS = (
    Drill(
        "postgres-restart", "PostgreSQL restarts in the middle of calls, in good order and crashed",
        NONE_LOST, restart, Sabotage("outage-answers"), HELD,
    ),
    Drill(
        "postgres-outage", "PostgreSQL is away for 20 s in the middle of calls; others begin",
        NONE_LOST, outage, Sabotage("outage-answers"), HELD,
    ),
    Drill(
        "postgres-slow", "every answer of PostgreSQL comes 400 ms later",
        NONE_LOST, slow, Sabotage("database-clock"), HELD,
    ),
    Drill(
        "pool-exhausted", "24 callers at once, on two nodes with three connections each",
        f"{NONE_LOST}, a third talk", crowded, Sabotage("pool-timeout"), HELD,
        {"DB_POOL_SIZE": "1"}, alone=True,
    ),
)  # fmt: skip
