"""Drills of what may be seen by whom: the crawler that goes everywhere a tenant can go."""

import json
import subprocess
import sys

from bench.drills.drill import Drill, Figures, Sabotage, Stage
from config import ROOT

SHOWN = 3
HELD = {"session": ("leaks", "broken", "unvisited"), "database": ("leaks", "broken")}
"""Against PostgreSQL's wall goes an agent with a token, who has no pages to visit."""
PATIENCE = 1200.0


def isolation(stage: Stage) -> Figures:
    """On databases of its own, as it must take each wall down."""
    control = stage.world.parts["web-1"].without
    done = subprocess.run(
        [sys.executable, "-m", "bench.drills.crawl", *([control] if control else [])],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    if done.returncode:
        stage.expect(False, f"the crawler broke down: {done.stderr[-300:]}")
        return {}
    figures: Figures = {}
    for walls, run in json.loads(done.stdout)["walls"].items():
        for what in HELD[walls]:
            found = run[what]
            stage.expect(not found, f"{walls} wall alone: {len(found)} {what}: {found[:SHOWN]}")
        figures |= {f"{walls} wall alone": f"{len(run['leaks'])} leaks in {run['attacks']} attacks"}
    return figures


DRILLS = (
    Drill(
        "isolation", "the canary crawler, with each wall off (a part; all: bench isolation)",
        "0 foreign bytes, every route visited", isolation, Sabotage("session-wall"),
    ),
)  # fmt: skip
