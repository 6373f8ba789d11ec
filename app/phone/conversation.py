"""A caller who keeps to a script, on a line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.phone.leg import Heard
from app.phone.line import Line
from app.phone.script import Step
from app.phone.turn import How, Turn

MOST_TURNS = 60


class Caller:
    """Does the steps in order; then answers what is asked by slot, and is otherwise silent. On an
    open question, and after a tone, it says `opening` once more. Gives up after `patience`
    silences in a row."""

    def __init__(
        self,
        steps: tuple[Step, ...],
        on_ask: Mapping[str, str] | None = None,
        opening: str = "",
        patience: int = 2,
    ) -> None:
        self.steps = list(steps)
        self.on_ask = on_ask or {}
        self.opening = opening
        self.patience = patience
        self.silences = 0

    def next(self, turn: Turn) -> Step:
        if self.steps:
            return self.steps.pop(0)
        words = self.on_ask.get(turn.asks, "")
        if not turn.asks and self.opening:
            words, self.opening = self.opening, ""
        self.silences = 0 if words else self.silences + 1
        return Step(None if self.silences > self.patience else Heard(words))


@dataclass(frozen=True, slots=True)
class Played:
    """A call as the caller lived it. `failures` are what the script did not expect."""

    turns: tuple[Turn, ...]
    spoken: tuple[str, ...]
    failures: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return sum(turn.seconds for turn in self.turns)

    @property
    def said(self) -> str:
        return " ".join(sentence for turn in self.turns for sentence in turn.said)


Watch = Callable[[Step | None, Turn], None]


def unwatched(step: Step | None, turn: Turn) -> None:
    pass


def play(line: Line, caller: Caller, watch: Watch = unwatched) -> Played:
    """`watch` sees each turn as it comes back, and the step before it. Raises CallDropped."""
    turns = [line.dial()]
    spoken: list[str] = []
    failures: list[str] = []
    watch(None, turns[0])
    while not turns[-1].ended:
        step = caller.next(turns[-1])
        given_up = len(turns) >= MOST_TURNS
        turn = line.hang_up() if given_up else _do(line, step)
        if step.heard and step.heard.words and not turns[-1].records:
            spoken.append(step.heard.words)
        turns.append(turn)
        failures += _unmet(step, turn, len(turns) - 1)
        watch(step, turn)
        if given_up:
            failures.append(f"the call does not end: {MOST_TURNS} turns")
    if caller.steps and turns[-1].how != How.CALLER:
        failures.append(f"the call ended with {len(caller.steps)} of the caller's lines left")
    return Played(tuple(turns), tuple(spoken), tuple(failures))


def _do(line: Line, step: Step) -> Turn:
    if step.heard is None:
        return line.hang_up()
    if step.heard.keys:
        return line.press(step.heard.keys)
    return line.say(step.heard.words) if step.heard.words else line.stay_silent()


def _unmet(step: Step, turn: Turn, number: int) -> list[str]:
    failures = [f"turn {number}: {missing}" for missing in not_said(turn, step.hears)]
    if step.asks is not None and step.asks != turn.asks:
        failures.append(f"turn {number}: asks for {turn.asks!r}, not for {step.asks!r}")
    return failures


def not_said(turn: Turn, expected: tuple[str, ...]) -> list[str]:
    said = " ".join(turn.said)
    return [f"{said!r} does not hold {part!r}" for part in expected if not holds(said, part)]


def holds(text: str, part: str) -> bool:
    return part.casefold() in text.casefold()
