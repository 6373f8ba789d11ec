"""Runs the measurements, several times over, and shows what was reached beside what was asked."""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import machine
from bench.load import inside, measures, work
from bench.load.measures import Figures, Lasts
from bench.load.world import NotUp

LONG, QUICK = Lasts(8.0, 20.0), Lasts(5.0, 8.0)
GROWN = ((10, 10_000), (10_000, 1_000_000))
# What is asked of a figure: at most so much (or at least, below 0), by itself or times another.
ASKED: dict[str, tuple[float, str]] = {
    "turn p50": (1.5, "sketch turn p50"), "turn p95": (1.5, "sketch turn p95"),
    "turn p99": (1.5, "sketch turn p99"), "turns/s": (-0.8, "sketch turns/s"),
    "turn cpu ms": (1.3, "sketch turn cpu ms"),
    "offline with encoder p95": (60, ""), "offline no encoder p95": (15, ""),
    "nodes 2 turns/s": (-1.8, "nodes 1 turns/s"), "greeting p95": (40, ""),
    "slow model longest wait": (1800, ""), "context ms": (0.3, ""),
    "look-up of 100 ms": (2, ""), "look-up of 1,000 ms": (3, ""), "look-up of 10,000 ms": (8, ""),
    "mail p95": (2500, ""), "jobs/s": (-150, ""), "memory web": (150, ""),
    "memory worker": (120, ""),
}  # fmt: skip
PARTS = ("model", "offline", "slow", "nodes", "mail", "jobs", "look-up", "growth")


def run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run")
    parser.add_argument("--runs", type=int, help="default: 3, or 1 with --quick")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART",
                        help=f"one of {', '.join(PARTS)}; may be given several times")  # fmt: skip
    parser.add_argument("--calls", type=int, default=GROWN[1][1],
                        help="stored calls of the grown installation")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--save", action="store_true", help="keep the result in bench/results")
    arguments = parser.parse_args(argv)
    runs: list[Figures] = []
    for number in range(arguments.runs or (1 if arguments.quick else 3)):
        runs.append({})
        for name, measure in parts(arguments).items():
            if arguments.only and name not in arguments.only:
                continue
            print(f"run {number + 1}: {name} …", file=sys.stderr, flush=True)
            try:
                found = measure()
            except NotUp as problem:
                print(problem, file=sys.stderr)
                return 2
            print(json.dumps(found), file=sys.stderr, flush=True)
            runs[-1] |= found
    result = {"bench": "load", "where": machine.facts(), "runs": runs, "figures": medians(runs)}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(shown(result))
    if arguments.save:
        print(f"Saved as {machine.save('load', result)}", file=sys.stderr)
    return 0


def parts(arguments: argparse.Namespace) -> dict[str, Callable[[], Figures]]:
    lasts = QUICK if arguments.quick else LONG
    grown = (GROWN[0], (GROWN[1][0], arguments.calls))
    return {
        "model": lambda: measures.with_model(lasts),
        "offline": lambda: measures.offline(lasts),
        "slow": lambda: measures.slow_model(lasts),
        "nodes": lambda: measures.two_nodes(lasts),
        "mail": work.mailed,
        "jobs": work.jobs,
        "look-up": inside.looked_up,
        "growth": lambda: inside.grown(grown),
    }


def medians(runs: list[Figures]) -> dict[str, dict[str, float]]:
    """Of each figure the middle one, the least and the most."""
    names = dict.fromkeys(name for one in runs for name in one)
    found = {}
    for name in names:
        values = [one[name] for one in runs if name in one]
        found[name] = {
            "median": round(statistics.median(values), 3), "least": min(values),
            "most": max(values),
        }  # fmt: skip
    return found


def shown(result: dict[str, Any]) -> str:
    figures = result["figures"]
    rows = [
        (
            name,
            f"{one['median']:g}",
            f"{one['least']:g} to {one['most']:g}",
            *verdict(name, figures),
        )
        for name, one in figures.items()
    ]
    head = ("figure", "median", "of all runs", "asked", "reached")
    return machine.table(head, rows) + "\n" + machine.show(result["where"])


def verdict(name: str, figures: dict[str, dict[str, float]]) -> tuple[str, str]:
    """What is asked of it, and whether it is reached ("": nothing is)."""
    if name not in ASKED:
        return "", ""
    bar, other = ASKED[name]
    if other and other not in figures:
        return "", ""
    limit = abs(bar) * (figures[other]["median"] if other else 1)
    value = figures[name]["median"]
    sign = "at least" if bar < 0 else "at most"
    told = f"{sign} {limit:g}" + (f" ({abs(bar):g} times {other})" if other else "")
    reached = value >= limit if bar < 0 else value <= limit
    return told, "yes" if reached else "NO"
