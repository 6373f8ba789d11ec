"""Drills of what Twilio tells beside the turns: in every order, in part, late, or not at all."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.phone.callee import TransferResult
from app.phone.conversation import Caller
from app.phone.leg import Heard
from app.phone.script import Step
from app.phone.turn import Turn
from app.phone.wire import Fetch, Reply
from bench.drills import later
from bench.drills.carrier import CarriedLine, RecordedWire
from bench.drills.checking import Allowed
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.ledger import Call
from bench.drills.robot import WISH

BESIDE = {"/twilio/transfer-status", "/twilio/message", "/twilio/recording-status",
          "/twilio/call-status"}  # fmt: skip
AT_ONCE = 8
WITHHELD = "anonymous"
NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
Told = tuple[str, Mapping[str, str]]


class Withholding(RecordedWire):
    """Keeps back what is told once the caller has hung up or is talking to somebody. That nobody
    picked up is no such news: they still listen."""

    def __init__(self, call: Call, server: str) -> None:
        super().__init__(call, server)
        self.kept_back: list[Told] = []

    def send(self, url: str, form: Mapping[str, str], method: str = "POST") -> Reply:
        path = url.removeprefix(self.base_url).partition("?")[0].partition("#")[0]
        if path not in BESIDE or form.get("DialBridged") == "false":
            return super().send(url, form, method)
        self.kept_back.append((url, dict(form)))
        return Reply(200, "text/xml", NOTHING, Fetch(path, 0.0))

    def tell(self, told: Told) -> None:
        super().send(*told)


class Mumbler(Caller):
    """Is not understood, and has no number either, until there is a tone to speak after."""

    def next(self, turn: Turn) -> Step:
        return Step(Heard(WISH if turn.records else "hm well you know"))


@dataclass(frozen=True, slots=True)
class Ending:
    """A way for calls to end. `told` is how much is told of it besides the turns. `withheld`:
    their number is not shown."""

    name: str
    told: int
    caller: Callable[[], Caller]
    result: TransferResult = TransferResult.NO_ANSWER
    withheld: bool = False

    def line(self, stage: Stage) -> CarriedLine:
        line = stage.robot.line(stage.mine, self.result)
        if self.withheld:
            line.leg.form |= {"From": WITHHELD, "Caller": WITHHELD}
        return line


def _asks_for_somebody() -> Caller:
    return Caller((Step(Heard("please connect me with the workshop")),))


def _asks_in_vain() -> Caller:
    return Caller((Step(Heard("please connect me with the workshop")), Step(None)))


ENDINGS = (
    Ending("talks to somebody, both hang up", 2, _asks_for_somebody, TransferResult.ANSWERED),
    Ending("hangs up as nobody picks up", 1, _asks_in_vain),
    Ending("speaks after the tone and hangs up", 3, lambda: Mumbler(()), withheld=True),
    Ending("hangs up midway", 1, lambda: Caller((Step(Heard("leave a message")), Step(None)))),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """`order`: places in what Twilio would tell in good order; what is missing is lost. `late`: it
    comes after the call was given up as an orphan."""

    ending: Ending
    line: CarriedLine
    order: tuple[int, ...]
    late: bool

    @property
    def kept_back(self) -> list[Told]:
        wires = [w for w in (self.line.wire, self.line.background) if isinstance(w, Withholding)]
        return sorted((one for wire in wires for one in wire.kept_back), key=_is_end)

    def tell(self) -> None:
        wire = self.line.wire
        assert isinstance(wire, Withholding)
        for place in self.order:
            wire.tell(self.kept_back[place])
        self.line.close()


def _is_end(told: Told) -> bool:
    return "/twilio/call-status" in told[0]


def permuted(stage: Stage) -> Figures:
    """Every order of every part of what is told, at once and late, comes to one and the same."""
    stage.robot.wire = Withholding
    cases = [
        Case(ending, ending.line(stage), order, late)
        for ending in ENDINGS
        for many in range(ending.told + 1)
        for order in itertools.permutations(range(ending.told), many)
        for late in ((False, True) if order else (False,))
    ]
    stage.random.shuffle(cases)
    calls = [partial(stage.robot.play, case.line, case.ending.caller()) for case in cases]
    stage.robot.at_once(calls, most=AT_ONCE)
    for case in cases:
        many = len(case.kept_back)
        said = case.line.call.said[-3:]
        stage.expect(many == case.ending.told, f"{case.ending.name}: {many} callbacks after {said}")
    stage.robot.at_once([case.tell for case in cases if not case.late])
    later.let_pass(stage.world, [case.line.call_sid for case in cases])
    stage.healed()
    stage.expect(stage.wait_settled(), "calls whose end was lost are still open")
    stage.robot.at_once([case.tell for case in cases if case.late])
    stage.wait_settled()
    found = _came_of(stage)
    for ending in ENDINGS:
        of_it = [(found[c.line.call_sid], c) for c in cases if c.ending is ending]
        usual = next(state for state, c in of_it if c.order == tuple(range(ending.told)))
        for state, case in of_it:
            stage.expect(
                state == usual,
                f"{ending.name}, told {case.order}{' late' if case.late else ''}:"
                f" {state}, not {usual}",
            )
    return {"cases": len(cases), "told to nobody": sum(not case.order for case in cases)}


def _came_of(stage: Stage) -> dict[str, tuple[Any, ...]]:
    """Of each call: its outcome and state, its messages, recordings and transfers."""
    rows = stage.world.query(
        """
        select call_sid, outcome, state,
               (select count(*) from lead where call_id = c.id),
               (select count(*) from recording where call_id = c.id),
               array(select status from transfer_attempt where call_id = c.id)
        from call_session c where call_sid = any(%s)
        """,
        [call.call_sid for call in stage.ledger.calls],
    )
    return {sid: tuple(map(str, rest)) for sid, *rest in rows}


DRILLS = (
    Drill(
        "callbacks", "what is told of finished calls comes in every order, in part, late, never",
        "the same in the end, and every call comes to one", permuted,
        Sabotage("orphans", of=("worker",)), Allowed(untold=True),
    ),
)  # fmt: skip
