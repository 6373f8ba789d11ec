"""`run.py bench drills`: which drills, and what came of them."""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.cli.prepare import NotPrepared
from app.embedded import EmbeddedServiceError
from bench import drills as package
from bench import machine
from bench.drills import lanes, nginx, world
from bench.drills.catalogue import DRILLS
from bench.drills.drill import Drill, Sabotage, Stage
from bench.drills.undone import CONTROLS

PROBLEMS = (world.NotStarted, nginx.Missing, NotPrepared, EmbeddedServiceError)
SHOWN = 8  # failures of one drill that are printed


class UnknownDrill(Exception):
    """A message for the terminal."""


@dataclass(frozen=True, slots=True)
class Result:
    """`failures` are why it did not pass; of a sabotaged one, why that was caught. `seconds` of all
    of it, with what had to be put right first. `before`: why it failed at its first go.
    `late`: failures of time alone."""

    name: str
    passed: bool
    figures: dict[str, Any]
    bar: str
    failures: tuple[str, ...] = ()
    note: str = ""
    seconds: float = 0.0
    before: tuple[str, ...] = ()
    late: frozenset[str] = frozenset()

    @property
    def was_only_late(self) -> bool:
        return not self.passed and self.late.issuperset(self.failures)

    def told(self) -> dict[str, Any]:
        told = {"name": self.name, "passed": self.passed, "figures": self.figures}
        told |= {"bar": self.bar, "seconds": round(self.seconds, 1)}
        told |= {"failures": list(self.failures)} if self.failures else {}
        return told | ({"before": list(self.before)} if self.before else {})


def run(argv: list[str]) -> int:
    arguments = parser().parse_args(argv)
    if arguments.list:
        width = max(len(drill.name) for drill in DRILLS)
        print("\n".join(f"{drill.name:{width}}  {drill.what}" for drill in DRILLS))
        return 0
    began = time.monotonic()
    try:
        chosen = choose(arguments.only, arguments.all)
        results = play(chosen, arguments.seed, arguments.sabotage)
        if arguments.again:
            results = played_again(results, arguments.seed)
    except UnknownDrill as problem:
        print(problem, file=sys.stderr)
        return 2
    except PROBLEMS as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped: nothing is left running.", file=sys.stderr)
        return 130
    took = time.monotonic() - began
    print(shown(results, arguments.seed, arguments.sabotage, took))
    if arguments.json:
        told = json.dumps([result.told() for result in results], indent=1, ensure_ascii=False)
        arguments.json.write_text(told + "\n", encoding="utf-8")
    return 0 if all(result.passed for result in results) else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="run.py bench drills", description=package.__doc__)
    made.add_argument("--list", action="store_true", help="name the drills, one a line")
    made.add_argument("--only", action="append", default=[], metavar="NAME", help="may be repeated")
    made.add_argument("--all", action="store_true", help="the long ones, too")
    made.add_argument("--seed", type=int, default=secrets.randbelow(10_000), metavar="N",
                      help="of everything random; printed with the result")  # fmt: skip
    either = made.add_mutually_exclusive_group()
    either.add_argument(
        "--sabotage",
        action="store_true",
        help="without the control under test: each drill must then fail",
    )
    either.add_argument(
        "--again",
        action="store_true",
        help="a second go, by itself, for what failed of time alone",
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    return made


def choose(only: Sequence[str], every: bool) -> list[Drill]:
    known = {drill.name for drill in DRILLS}
    if unknown := [name for name in only if name not in known]:
        raise UnknownDrill(
            f"There is no drill {', '.join(unknown)}. There are: {', '.join(sorted(known))}."
        )
    if only:
        return [drill for drill in DRILLS if drill.name in only]
    return [drill for drill in DRILLS if drill.first or every]


def play(chosen: list[Drill], seed: int, sabotage: bool) -> list[Result]:
    """In the order of the catalogue, however they were done."""
    results: dict[str, Result] = {}
    for result in lanes.play(chosen, partial(_result, seed=seed, sabotage=sabotage)):
        results[result.name] = result
        count, came_to = f"{len(results)} of {len(chosen)}", verdict(result, sabotage)
        say(f"{count}  {result.name}: {came_to} in {result.seconds:.0f} s\n")
        for failure in [] if result.passed else result.failures[:SHOWN]:
            say(f"      {failure}\n")
    return [results[drill.name] for drill in chosen]


def played_again(results: list[Result], seed: int) -> list[Result]:
    """On a machine that others use, too, time may be short for reasons of theirs."""
    again = {one.name for one in results if one.was_only_late}
    alone = [replace(drill, alone=True) for drill in DRILLS if drill.name in again]
    second = {one.name: one for one in play(alone, seed, sabotage=False)} if alone else {}
    return [
        replace(second[one.name], before=one.failures) if one.name in second else one
        for one in results
    ]


def _result(name: str, here: world.World, seed: int, sabotage: bool) -> Result:
    drill = next(drill for drill in DRILLS if drill.name == name)
    began = time.monotonic()
    result = sabotaged(drill, here, seed) if sabotage else once(drill, here, seed)
    return replace(result, seconds=time.monotonic() - began)


def once(drill: Drill, here: world.World, seed: int, without: Sabotage | None = None) -> Result:
    removed = (without.control, without.of) if without else ("", ())
    here.dress(drill.settings, *removed, planted=drill.planted)
    here.heal()
    here.remember_nothing()
    stage = Stage(here, seed, drill.allowed)
    figures: dict[str, Any] = {}
    try:
        figures = drill.run(stage)
    except PROBLEMS:
        raise
    except Exception as error:  # the edge: a drill that breaks down has not passed
        stage.failures.append(f"the drill broke down: {type(error).__name__}: {error}")
    stage.finish()
    failures = tuple(stage.failures)
    return Result(drill.name, not failures, stage.figures() | figures, drill.bar, failures,
                  late=frozenset(stage.late))  # fmt: skip


def sabotaged(drill: Drill, here: world.World, seed: int) -> Result:
    """Passed means caught: without its control the drill fails."""
    if isinstance(drill.sabotage, str):
        return Result(drill.name, True, {}, drill.bar, note=f"none: {drill.sabotage}")
    result = once(drill, here, seed, drill.sabotage)
    what = CONTROLS[drill.sabotage.control].what
    caught = not result.passed
    note = f"{'caught' if caught else 'NOT CAUGHT'} without {what}"
    return replace(result, passed=caught, note=note)


def say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def verdict(result: Result, sabotage: bool) -> str:
    if sabotage:
        return result.note
    return "FAILED" if not result.passed else "passed by itself" if result.before else "passed"


def shown(results: list[Result], seed: int, sabotage: bool, took: float) -> str:
    rows = [
        (r.name, verdict(r, sabotage), _figures(r.figures), r.bar, f"{r.seconds:.0f} s")
        for r in results
    ]
    failed = [
        f"{r.name}: {failure}" for r in results for failure in (*r.failures, *r.before)[:SHOWN]
    ]
    passed = sum(r.passed for r in results)
    return "\n\n".join([
        machine.table(("drill", "result", "figures", "bar", "took"), rows),
        *(["\n".join(failed)] if failed else []),
        f"{passed} of {len(results)} {'caught' if sabotage else 'passed'} in {took:.0f} s,"
        f" seed {seed}.",
        machine.show(machine.facts()),
    ])  # fmt: skip


def _figures(figures: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in figures.items())
