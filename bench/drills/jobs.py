"""Drills of work that cannot be done: rows that raise, crash their worker, or never end."""

from collections import Counter

from bench.drills.checking import Allowed
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.mail import PROMPT, theirs_flow, wait_for
from bench.drills.planted import CRASHES, HANGS, RAISES, REASON, TRIES
from bench.drills.rows import KeptJob

MANY, FEW = 10, 2
DIED = "each worker that took it died or ran out of its lease"


def plant(stage: Stage, kind: str, many: int) -> None:
    for number in range(many):
        stage.world.query(
            "insert into job (tenant_id, kind, key) values (%s, %s, %s)",
            stage.mine.tenant_id, kind, f"{kind}:{stage.random.random()}:{number}",
        )  # fmt: skip


def poison(stage: Stage) -> Figures:
    plant(stage, RAISES, MANY)
    plant(stage, CRASHES, FEW)
    wait_for("a row is tried", lambda: any(job.attempts for job in _of(stage, CRASHES)))
    took = theirs_flow(stage)
    stage.healed()
    stage.wait_settled()
    _given_up(stage, RAISES, MANY, REASON)
    _given_up(stage, CRASHES, FEW, DIED)
    return {"rows": MANY + FEW, "the other's took": round(took, 1)}


def hanging(stage: Stage) -> Figures:
    plant(stage, HANGS, 1)
    wait_for("a row hangs", lambda: any(job.attempts for job in _of(stage, HANGS)))
    took = [theirs_flow(stage)]
    wait_for("it is tried again", lambda: _of(stage, HANGS)[0].attempts > 1)
    took.append(theirs_flow(stage))
    stage.healed()
    stage.wait_settled()
    _given_up(stage, HANGS, 1, DIED)
    return {"the other's took": " and ".join(f"{one:.1f} s" for one in took)}


def _of(stage: Stage, kind: str) -> list[KeptJob]:
    return [job for job in stage.kept().jobs if job.kind == kind]


def _given_up(stage: Stage, kind: str, many: int, reason: str) -> None:
    """Tried as often as it may, and no more."""
    jobs = _of(stage, kind)
    found = Counter(job.status for job in jobs)
    stage.expect(found == {"dead": many}, f"{kind}: {dict(found)}, not {many} given up")
    tries = max(job.attempts for job in jobs)
    stage.expect(tries <= TRIES + 1, f"{kind}: taken {tries} times, may be tried {TRIES} times")
    without = [job.error for job in jobs if reason not in job.error]
    stage.expect(not without, f"{kind}: the reason is {without[:1]}")


POISON = Allowed(dead=frozenset({RAISES, CRASHES, HANGS}))
BAR = f"tried {TRIES} times, given up with the reason; the other's mails within {PROMPT:.0f} s"
DRILLS = (
    Drill(
        "poison-job", f"{MANY} rows that always raise, {FEW} that crash whoever takes them",
        BAR, poison, Sabotage("bounded-tries", of=("worker",)), POISON, planted="poison",
    ),
    Drill(
        "hanging-job", "a row that never ends (leases and times a fifteenth of the product's)",
        BAR, hanging, Sabotage("bounded-work", of=("worker",)), POISON, planted="poison",
    ),
)  # fmt: skip
