"""How many machines so many calls take: arithmetic from what `bench load` has measured.

Nothing is run. It reads the newest bench/results/load-*.json; a figure that is not in it is taken
from ASSUMED and named as such. It also says how well its arithmetic foretells the run of that file
in which one node and two nodes were compared.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import machine
from config import DB_POOL_OVERFLOW, ROOT, Settings

PAGE: Final = ROOT / "docs" / "operations.md"
BEGINS, ENDS = "<!-- capacity: run.py bench capacity --write -->\n", "<!-- /capacity -->\n"
SHOWN: Final = (100, 1_000, 5_000, 20_000, 60_000, 200_000)  # calls an hour, in the page's table
# The names of `bench load`: milliseconds of a web process's CPU for a turn with a model, by itself
# and with its share of its call's beginning and end; turns and jobs a second of a box of two cores
# with everything on it; MB of a process. The dear ends of what was measured before there was a
# product (docs/design.md has what is asked of it).
TURN, WHOLE_TURN, WHOLE_TURNS = (
    "turn cpu ms", "turn in whole calls cpu ms", "turn in whole calls a second",
)  # fmt: skip
ASSUMED: Final = {
    TURN: 10.0, WHOLE_TURN: 12.0, WHOLE_TURNS: 140.0, "jobs/s": 49.0, "memory web": 125.0,
    "memory worker": 125.0, "nodes 1 turns/s": 0.0, "nodes 2 turns/s": 0.0,
}  # fmt: skip
BOX_CORES, NODE_CORES = 2.0, 0.25  # of those runs: the whole, and what each node was held to
PROCESSES_A_CORE = 2  # of a web node, as in those runs
BUSY = 0.6  # of a core: above, waiting begins
PEAK = 2.0  # the busiest minutes beside their hour's mean
JOBS_A_CALL = 3  # summary, its mail, the mail of a message
MAIL_SECONDS = 0.3  # of an SMTP server, twice a call
POOL = int(Settings.__dataclass_fields__["db_pool_size"].metadata["default"])
LEAST = 2  # web nodes, so that one can be restarted


@dataclass(frozen=True, slots=True)
class Load:
    """What is expected. `minutes` of a call, its `turns`, `model` seconds of each, `cores` of a web
    node."""

    calls_an_hour: float
    minutes: float = 3.0
    turns: float = 8.0
    model: float = 0.8
    cores: int = 4

    @property
    def at_once(self) -> float:
        """By Little's law."""
        return self.calls_an_hour * self.minutes / 60

    @property
    def turns_a_second(self) -> float:
        return self.calls_an_hour / 3600 * self.turns * PEAK


@dataclass(frozen=True, slots=True)
class Figures:
    """`source` is the file's name, empty without one; `assumed` are the names that it lacks."""

    values: Mapping[str, float]
    source: str
    assumed: tuple[str, ...]

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    @property
    def gain(self) -> float:
        """What a second node brings, as a share of the first; 1 until it was measured."""
        one, two = self["nodes 1 turns/s"], self["nodes 2 turns/s"]
        return min(1.0, two / one - 1) if one and two > one else 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """`threads`: requests at once on all web nodes; `database_cores` is an upper bound, with all
    that was not the web server's in it; `memory`: MB of a web node, and of all workers."""

    nodes: int
    web_workers: int
    threads: int
    workers: int
    database_cores: int
    connections: int
    memory: tuple[int, int]


def newest(folder: Path = machine.RESULTS) -> Path | None:
    return max(folder.glob("load-*.json"), default=None)


def read(path: Path | None) -> Figures:
    """Raises OSError, ValueError."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["figures"] if path else {}
    known = {name: float(found[name]["median"]) for name in ASSUMED if name in found}
    missing = tuple(name for name in ASSUMED if name not in known)
    return Figures(ASSUMED | known, path.name if path else "", missing)


def needed(load: Load, figures: Figures) -> Need:
    turns = load.turns_a_second
    cores = turns * figures[WHOLE_TURN] / 1000 / BUSY
    nodes = max(LEAST, _nodes(cores / load.cores, figures.gain) + 1)  # one may be away
    threads = math.ceil(turns * (load.model + 0.1))
    calls = load.calls_an_hour / 3600 * PEAK
    # of two workers; a summary waits for the model, a mail for its server
    seconds = JOBS_A_CALL * 2 / figures["jobs/s"] + load.model + 2 * MAIL_SECONDS
    workers = max(2, math.ceil(calls * seconds / BUSY))
    elsewhere = max(0.0, BOX_CORES * 1000 / figures[WHOLE_TURNS] - figures[WHOLE_TURN])
    web = PROCESSES_A_CORE * load.cores
    processes = nodes * web + workers + 1
    return Need(
        nodes, web, threads, workers,
        max(1, math.ceil(turns * elsewhere / 1000 / BUSY)),
        processes * (POOL + DB_POOL_OVERFLOW),
        (
            round(web * figures["memory web"]),
            round(workers * figures["memory worker"]),
        ),
    )  # fmt: skip


def _nodes(alone: float, gain: float) -> int:
    """So many that together do what `alone` nodes would if none cost another anything."""
    return math.ceil(1 + max(0.0, alone - 1) / gain)


def checked(figures: Figures) -> str:
    """The arithmetic beside the run with one node and with two."""
    one, two = figures["nodes 1 turns/s"], figures["nodes 2 turns/s"]
    if not one:
        return "Not compared with one node and two: no such run is among them."
    foretold = NODE_CORES * 1000 / figures[TURN]
    return (
        f"One node, held to {NODE_CORES:g} of a core: {foretold:.0f} turns a second foretold, "
        f"{one:.0f} measured ({one / foretold - 1:+.0%}). Two of them: {one * 2:.0f} foretold if "
        f"none cost the other anything, {two:.0f} measured, {two / one:.2f} times one."
    )


def table(figures: Figures) -> str:
    """As docs/operations.md has it."""
    lines = [
        "| Calls an hour | at once | turns a second, busiest minutes | web nodes of 4 cores | busy"
        " web threads | workers | cores of PostgreSQL, at most |",
        "|---|---|---|---|---|---|---|",
    ]
    for calls in SHOWN:
        load = Load(calls)
        need = needed(load, figures)
        lines.append(
            f"| {calls:,} | {load.at_once:,.0f} | {load.turns_a_second:,.1f} | {need.nodes} |"
            f" {need.threads} | {need.workers} | {need.database_cores} |"
        )
    return "\n".join(lines) + f"\n\n{told(figures)}\n"


def told(figures: Figures) -> str:
    said = [f"{name} {value:g}" for name, value in figures.values.items() if value]
    source = f"Figures of bench/results/{figures.source}" if figures.source else "Nothing measured"
    lacking = [name for name in figures.assumed if ASSUMED[name]]
    assumed = f"; assumed: {', '.join(lacking)}" if lacking else ""
    return f"{source}{assumed}. {', '.join(said)}. {checked(figures)}"


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench capacity", description=__doc__)
    parser.add_argument("--calls-per-hour", type=float, default=1000.0)
    parser.add_argument("--at-once", type=float, help="calls at once, in place of calls an hour")
    for name, usual in (("minutes", 3.0), ("turns", 8.0), ("model", 0.8)):
        parser.add_argument(f"--{name}", type=float, default=usual)
    parser.add_argument("--cores", type=int, default=4, help="of each web node")
    parser.add_argument("--write", action="store_true", help="the table of docs/operations.md")
    given = parser.parse_args(argv)
    positive = (given.calls_per_hour, given.minutes, given.turns, given.cores, given.at_once or 1)
    if min(positive) <= 0 or given.model < 0:
        parser.error("each of these is more than nothing")
    try:
        figures = read(newest())
    except (OSError, ValueError, KeyError) as problem:
        print(f"{newest()} cannot be used: {problem!r}", file=sys.stderr)
        return 1
    if given.write:
        write(figures)
        return 0
    an_hour = given.at_once * 60 / given.minutes if given.at_once else given.calls_per_hour
    load = Load(an_hour, given.minutes, given.turns, given.model, given.cores)
    print(shown(load, needed(load, figures)) + f"\n\n{told(figures)}")
    return 0


def shown(load: Load, need: Need) -> str:
    return machine.table(
        ("what", "how much"),
        [
            ("calls an hour", f"{load.calls_an_hour:,.0f}"),
            ("calls at once", f"{load.at_once:,.0f}"),
            ("turns a second in the busiest minutes", f"{load.turns_a_second:,.1f}"),
            (f"web nodes of {load.cores} cores, one of them to spare", need.nodes),
            ("WEB_WORKERS of each", need.web_workers),
            ("requests at once, on all nodes", need.threads),
            ("workers", need.workers),
            ("cores of PostgreSQL, at most", need.database_cores),
            ("connections, if every pool is full", need.connections),
            ("memory of a web node, MB", need.memory[0]),
            ("memory of all workers, MB", need.memory[1]),
        ],
    )


def write(figures: Figures) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGINS)
    after = rest.partition(ENDS)[2]
    PAGE.write_text(before + BEGINS + table(figures) + ENDS + after, encoding="utf-8")
