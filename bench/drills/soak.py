"""A drill of everything at once: thousands of calls, and seeded faults all the while."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from app.phone.callee import TransferResult
from bench.drills import later
from bench.drills.checking import Allowed
from bench.drills.drill import RECOVERY, Drill, Figures, Sabotage, Stage
from bench.drills.faults import How
from bench.drills.parts import Part
from tests.fakes import openai_server as fake

FEW, MANY = 300, 10_000
BESIDE = {FEW: 6, MANY: 14}  # so many calls at once
CALM = (2.0, 6.0)  # seconds between two faults
LASTS = (1.0, 4.0)  # seconds of a fault
BEHIND, LOOK = 60, 1.0  # rows of work that are due, beyond which callers wait; seconds
PATIENCE = 900.0  # seconds in which mails that failed several times have their next try
COPIES = 6  # of one mail: each time that a worker was killed or a connection broken over it


class Faults:
    """One after the other, until the last caller hangs up. Processes are killed and started again:
    by this thread, as they end with the one that started them (PR_SET_PDEATHSIG)."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.chance = stage, random.Random(stage.random.random())
        self.over, self.done = threading.Event(), Counter[str]()
        world = stage.world
        self.kinds: dict[str, Callable[[], None]] = {
            "model refuses": partial(self._proxied, "model", How.REFUSE),
            "model hangs": partial(self._proxied, "model", How.BLACK_HOLE),
            "model throttles": self._throttled,
            "redis refuses": partial(self._proxied, "redis", How.REFUSE),
            "redis hangs": partial(self._proxied, "redis", How.BLACK_HOLE),
            "mail refuses": partial(self._proxied, "mail", How.REFUSE),
            "mail hangs": partial(self._proxied, "mail", How.BLACK_HOLE),
            "mail greylists": self._greylisted,
            "database slow": partial(self._proxied, "postgres", How.SLOW, seconds=0.05),
            "database resets": partial(self._proxied, "postgres", How.RESET),
            "node killed": lambda: self._killed(world.parts["web-1"]),
            "worker killed": lambda: self._killed(world.parts["worker-1"]),
        }

    def run(self, callers: list["Future[Any]"]) -> None:
        def look(_: "Future[Any]") -> None:
            if all(one.done() for one in callers):
                self.over.set()

        for one in callers:
            one.add_done_callback(look)
        while not self.over.wait(self.chance.uniform(*CALM)):
            name = self.chance.choice(list(self.kinds))
            self.kinds[name]()
            self.done[name] += 1

    def _lasts(self) -> None:
        self.over.wait(self.chance.uniform(*LASTS))

    def _proxied(self, name: str, how: How, **more: float) -> None:
        proxy = self.stage.world.proxy(name)
        proxy.set(how, **more)  # type: ignore[arg-type]
        self._lasts()
        proxy.heal()

    def _throttled(self) -> None:
        self.stage.world.model.manner = lambda *_: fake.status(429)
        self._lasts()
        self.stage.world.model.manner = lambda _, reply: reply

    def _greylisted(self) -> None:
        self.stage.world.sink.data_replies = ["451 4.7.1 Greylisted"] * 3

    def _killed(self, part: Part) -> None:
        part.kill()
        self._lasts()
        self.stage.world.start([part])  # and there is no other fault until it is up


class Pace:
    """Callers place no more calls than the workers can work off: all of them share two cores."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.lock = stage, threading.Lock()
        self.looked_at, self.behind, self.waited = 0.0, False, 0.0

    def wait(self) -> None:
        with self.lock:
            while self._behind():
                time.sleep(LOOK)
                self.waited += LOOK

    def _behind(self) -> bool:
        if time.monotonic() - self.looked_at > LOOK:
            due = "select count(*) from job where status = 'waiting' and run_at <= now()"
            self.behind = self.stage.world.query(due)[0][0] > BEHIND
            self.looked_at = time.monotonic()
        return self.behind


def soak(stage: Stage, calls: int) -> Figures:
    faults, left, pace = Faults(stage), itertools.count(1), Pace(stage)
    memory = _memory(stage.world.parts["web-2"])

    def caller(number: int) -> None:
        chance = random.Random(f"{number} {stage.random.random()}")
        while next(left) <= calls:
            pace.wait()
            _one(stage, chance)

    began = time.monotonic()
    callers = [partial(caller, number) for number in range(BESIDE[calls])]
    with stage.robot.meanwhile(callers) as pending:
        faults.run(pending)
    stage.world.heal()
    later.let_pass(stage.world, [call.call_sid for call in stage.ledger.calls])
    recovered = _mailed_again(stage)
    stage.expect_in_time(recovered <= RECOVERY, f"a new message was mailed after {recovered:.0f} s")
    over = time.monotonic()
    stage.wait_settled(PATIENCE)
    settled = time.monotonic() - over
    stage.healed()
    grown = _memory(stage.world.parts["web-2"]) - memory
    return {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "faults": sum(faults.done.values()), "kinds": len(faults.done),
        "fallbacks": sum(call.fallbacks for call in stage.ledger.calls),
        "callers waited for workers": f"{pace.waited / 60:.1f} min",
        "a new message is mailed after": f"{recovered:.1f} s",
        "all mails after": f"{settled:.0f} s",
        "memory of a node grew by": f"{grown} MB",
    }  # fmt: skip


def _mailed_again(stage: Stage) -> float:
    """Seconds from the last fault until a message that is left then is mailed. What failed before
    may have to wait longer for its next try."""
    began = time.monotonic()
    call_sid = stage.robot.leaves_message(stage.mine).call_sid
    mailed = """
        select count(*) from job join call_session as call on call.id = job.call_id
        where call_sid = %s and job.kind = 'lead_notification' and job.status = 'done'
    """
    while not stage.world.query(mailed, call_sid)[0][0] and time.monotonic() - began < PATIENCE:
        time.sleep(LOOK)
    return time.monotonic() - began


def _one(stage: Stage, chance: random.Random) -> None:
    business = chance.choice((stage.mine, stage.theirs))
    match chance.randrange(10):
        case 0 | 1:
            stage.robot.asks(business)
        case 2:
            stage.robot.is_connected(business, chance.choice(list(TransferResult)))
        case _:
            stage.robot.leaves_message(business)


def _memory(part: Part) -> int:
    """Megabytes of the process and its children."""
    children = Path(f"/proc/{part.pid}/task/{part.pid}/children").read_text().split()
    return sum(_resident(pid) for pid in (part.pid, *map(int, children))) // 1024


def _resident(pid: int) -> int:
    found = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines()
             if line.startswith("VmRSS")]  # fmt: skip
    return int(found[0].split()[1]) if found else 0


SETTLED = Allowed(copies=COPIES, unread=True, held=True)
BAR = "0 dropped, 0 lost, the ledger exact"
DRILLS = (
    Drill("soak-short", f"{FEW} calls of all kinds, faults at random all the while", BAR,
          partial(soak, calls=FEW), Sabotage("outage-answers"), SETTLED, first=False),
    Drill("soak", f"{MANY:,} calls of all kinds, faults at random all the while", BAR,
          partial(soak, calls=MANY), Sabotage("outage-answers"), SETTLED, first=False),
)  # fmt: skip
