"""A drill: what is broken, what is expected, and the control without which it must fail."""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench.drills import checking, ledger, logbook, rows
from bench.drills.checking import Allowed, Mail, Seen
from bench.drills.ledger import Ledger
from bench.drills.robot import Robot
from bench.drills.world import World

LONGEST_TURN = 8.0
RECOVERY = 60.0
LOOK = 0.25
# Found at Twilio later; 404: the call began while nothing could be kept of it.
UNHEARD = re.compile(r"/twilio/(call|recording)-status: HTTP (503|404)")
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """`control` names an entry of undone.CONTROLS, taken away in these processes of the product:
    web, worker, scheduler."""

    control: str
    of: tuple[str, ...] = ("web",)


@dataclass(frozen=True, slots=True)
class Drill:
    """`run` breaks things and returns figures; what it expects besides the common bars it tells the
    stage. `bar` says both in words. `settings` are the product's while this runs. `sabotage` as a
    text says why there is none. Of the first set are those that `run.py bench drills` runs.
    `planted` is what the workers hold besides (planted.PLANTED). `alone`: it needs the machine for
    itself, as it measures how quick many are; the others run two at a time."""

    name: str
    what: str
    bar: str
    run: Callable[["Stage"], Figures]
    sabotage: Sabotage | str
    allowed: Allowed = field(default_factory=Allowed)
    settings: Mapping[str, str] = field(default_factory=dict)
    first: bool = True
    planted: str = ""
    alone: bool = False


class Stage:
    """What a drill plays on. `random` comes of the seed."""

    def __init__(self, world: World, seed: int, allowed: Allowed) -> None:
        self.world, self.random, self.allowed = world, random.Random(seed), allowed
        self.ledger = Ledger()
        self.robot = Robot(world.url, world.twilio, self.ledger)
        self.mine, self.theirs = world.businesses[:2]
        self.failures: list[str] = []
        self.late: set[str] = set()  # those of them that a busy machine can be the cause of
        self.recovered: float | None = None  # seconds from the last fault to a clean ledger
        self._healed: float | None = None
        self._begin()

    def _begin(self) -> None:
        self.world.model.reset()
        self.world.sink.reset()
        self.began: datetime = self.world.query("select clock_timestamp()")[0][0]
        self._log = logbook.Logbook({part.name: part.log for part in self.world.product})

    def expect(self, holds: bool, sentence: str) -> None:
        """`sentence` says what is wrong when it does not hold."""
        if not holds:
            self.failures.append(sentence)

    def expect_in_time(self, holds: bool, sentence: str) -> None:
        """Of seconds that passed, and of nothing else."""
        self.expect(holds, sentence)
        if not holds:
            self.late.add(sentence)

    @contextmanager
    def fault(self, name: str, *manner: Any, **more: Any) -> Iterator[None]:
        """The proxy of that name behaves so: `stage.fault("model", How.SLOW, seconds=20)`."""
        self.world.proxy(name).set(*manner, **more)
        try:
            yield
        finally:
            self.world.proxy(name).heal()
            self.healed()

    def healed(self) -> None:
        """From now on recovery is counted."""
        self._healed = time.monotonic()

    def kept(self) -> rows.Kept:
        return rows.since(self.world.query, self.began)

    def seen(self) -> Seen:
        world = self.world
        return Seen(
            tuple(self.ledger.calls),
            tuple(_mails(world)),
            world.model.tokens,
            tuple(str(body) for body in list(world.model.requests)),
            tuple(line.text for line in self._log.lines()),
            tuple(business.canary for business in world.businesses),
        )

    def wait_settled(self, seconds: float = RECOVERY) -> bool:
        """Until nothing is under way; False when it takes longer."""
        until = time.monotonic() + seconds
        while not checking.is_settled(self.ledger.calls, self.kept()):
            if time.monotonic() > until:
                return False
            time.sleep(LOOK)
        return True

    def close_ledger(self, robots: bool = True) -> None:
        """All until now is checked, and a new ledger begun: what follows changes what is kept.
        Not `robots`: the calls were somebody else's, and only logs are checked."""
        self.healed()
        self.expect(self.wait_settled(), f"not settled within {RECOVERY:.0f} s")
        if robots:
            self._check()
        else:
            self.failures += logbook.faults(self._log.lines())
        self.ledger.calls.clear()
        self._begin()

    def finish(self) -> None:
        """Ends every drill: all is healed, the ledger is checked, the common bars are held."""
        self.world.heal()
        healed = self._healed or time.monotonic()
        clean = self.wait_settled(max(0.0, healed + RECOVERY - time.monotonic()))
        self.recovered = time.monotonic() - healed
        self.expect_in_time(clean, f"not recovered within {RECOVERY:.0f} s")
        self._check()

    def _check(self) -> None:
        self.failures += checking.discrepancies(self.seen(), self.kept(), self.allowed)
        self.failures += logbook.faults(self._log.lines())
        self._check_calls()

    def _check_calls(self) -> None:
        for call in self.ledger.calls:
            if call.dropped:
                self.failures.append(f"DROPPED: call {call.call_sid}: {call.dropped}")
            self.failures += [
                f"call {call.call_sid}: {told}"
                for told in call.warnings
                if not (self.allowed.held and UNHEARD.search(told))
            ]
        waits = self.ledger.seconds() if self.allowed.held else self.ledger.waits()
        longest = max(waits, default=0.0)
        self.expect_in_time(longest <= LONGEST_TURN, f"a turn took {longest:.1f} s")

    def figures(self) -> Figures:
        calls = self.ledger.calls
        waits = self.ledger.waits()
        return {
            "calls": len(calls),
            "promised": sum(call.promised for call in calls),
            "dropped": len(self.ledger.dropped),
            "turns": len(waits),
            "p95": round(ledger.share(waits, 0.95), 2),
            "longest": round(max(waits, default=0.0), 2),
            "longest request": round(max(self.ledger.seconds(), default=0.0), 2),
            "mails": len({mail.message_id for mail in _mails(self.world)}),
            "recovered": round(self.recovered or 0.0, 1),
        }


def _mails(world: World) -> list[Mail]:
    found = zip(list(world.sink.mails), list(world.sink.envelopes), strict=False)
    return [Mail(str(mail["Message-ID"]), tuple(to), _text(mail)) for mail, to in found]


def _text(mail: Any) -> str:
    bodies = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return " ".join([str(mail["Subject"]), *bodies])
