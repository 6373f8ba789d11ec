"""Drills of Redis, which only wakes workers: whatever becomes of it, nothing is lost."""

from bench.drills.drill import RECOVERY, Drill, Figures, Sabotage, Stage
from bench.drills.faults import How
from bench.drills.model import CALLERS, all_promised, leave_messages

ADDED = 0.6  # seconds that a Redis which is away may cost a turn, once


def dead_at_call_end(stage: Stage) -> Figures:
    """It stays dead until every mail has arrived: so they do without it."""
    leave_messages(stage, 2)  # what a turn takes while all is well
    usual = max(stage.ledger.waits())
    before = len(stage.ledger.waits())
    with stage.fault("redis", How.REFUSE):
        stage.healed()  # recovery is counted from the calls' end, without Redis
        leave_messages(stage)
        stage.expect(stage.wait_settled(RECOVERY), "mails wait for Redis")
    all_promised(stage, CALLERS + 2)
    longest = max(stage.ledger.waits()[before:], default=0.0)
    return {"usual turn": round(usual, 2), "longest without Redis": round(longest, 2)}


DRILLS = (
    Drill(
        "redis-dead-at-call-end", "Redis is dead as calls end, and stays so",
        "every mail arrives within 60 s without it", dead_at_call_end,
        Sabotage("sweeper", of=("scheduler",)),
    ),
)  # fmt: skip
