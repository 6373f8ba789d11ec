"""Drills of Redis, which only wakes workers: whatever becomes of it, nothing is lost."""

import signal

import redis

from bench.drills.drill import RECOVERY, Drill, Figures, Sabotage, Stage
from bench.drills.faults import How
from bench.drills.ledger import share
from bench.drills.model import CALLERS, all_promised, leave_messages

ADDED = 0.6  # seconds that a Redis which is away may cost a turn, once
SWEPT = 30.0


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


def black_hole(stage: Stage) -> Figures:
    """Connections are taken, and nothing ever comes back."""
    leave_messages(stage, 2)
    usual = share(stage.ledger.waits(), 0.95)
    began = len(stage.ledger.calls)
    with stage.fault("redis", How.BLACK_HOLE):
        stage.healed()
        leave_messages(stage)
        stage.expect(stage.wait_settled(RECOVERY), "mails wait for Redis")
    all_promised(stage, CALLERS + 2)
    waits = [wait for call in stage.ledger.calls[began:] for wait in call.waits]
    now = share(waits, 0.95)
    stage.expect_in_time(now < usual + ADDED, f"a turn took {now:.1f} s, and {usual:.1f} s before")
    return {"usual p95": round(usual, 2), "p95 with the hole": round(now, 2)}


def flushed(stage: Stage) -> Figures:
    """Emptied while what was rung for still waits, then restarted with nothing on its disk."""
    workers = [part for part in stage.world.product if part.command == "worker"]
    for worker in workers:
        worker.signal(signal.SIGSTOP)
    leave_messages(stage)
    with redis.Redis.from_url(stage.world.valkey.url) as valkey:
        waiting = valkey.llen("rq:queue:outbox")
        valkey.flushall()
    for worker in workers:
        worker.signal(signal.SIGCONT)
    stage.healed()
    stage.expect(stage.wait_settled(SWEPT), f"not done {SWEPT:.0f} s after Redis was emptied")
    stage.world.stop_service(stage.world.valkey, signal.SIGKILL)
    leave_messages(stage)
    stage.world.valkey.revive()
    stage.healed()
    all_promised(stage, 2 * CALLERS)
    return {"looks lost": waiting}


DRILLS = (
    Drill(
        "redis-dead-at-call-end", "Redis is dead as calls end, and stays so",
        "every mail arrives within 60 s without it", dead_at_call_end,
        Sabotage("sweeper", of=("scheduler",)),
    ),
    Drill(
        "redis-black-hole", "Redis takes connections and never answers",
        "turns at most 0.6 s longer, every mail within 60 s", black_hole,
        Sabotage("redis-patience"),
    ),
    Drill(
        "redis-flushed", "Redis is emptied while work waits, then killed and restarted",
        "every mail arrives, within 30 s of the flush", flushed,
        Sabotage("sweeper", of=("scheduler",)),
    ),
)  # fmt: skip
