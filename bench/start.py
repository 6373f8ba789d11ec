"""How long a start takes: from scratch, with full caches, and again; and the memory it needs."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from app.embedded import free_port
from bench import machine, product
from config import ROOT, Settings

HOW = {
    "cold": "nothing there: packages downloaded, databases made",
    "cached": "a new clone beside full package caches",
    "warm": "a second start in the same place",
}
SETTLING = 3.0
"""Seconds after ready until memory is read: worker and scheduler begin after the web server."""


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench start", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help="keep the result in bench/results")
    arguments = parser.parse_args(argv)
    try:
        result = measure(arguments.runs)
    except (product.NotRunning, subprocess.CalledProcessError) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(json.dumps(result, indent=1) if arguments.json else shown(result))
    if arguments.save:
        print(f"Saved as {machine.save('start', result)}", file=sys.stderr)
    return 0


def measure(runs: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {how: [] for how in HOW}
    memory: list[dict[str, Any]] = []
    for number in range(1, runs + 1):
        with tempfile.TemporaryDirectory(prefix="recep-bench-") as made:
            home = Path(made)
            home.chmod(0o711)
            for how in HOW:
                if how != "warm":
                    clone(home / "clone")
                took, memory = started(home)
                seconds[how].append(took)
                print(f"run {number}, {how}: {took:.1f} s", file=sys.stderr)
    return {
        "bench": "start",
        "runs": runs,
        "where": machine.facts(),
        "seconds": {how: [round(s, 2) for s in every] for how, every in seconds.items()},
        "memory": memory,
    }


def clone(folder: Path) -> None:
    """The working tree as a fresh clone would have it, changes not yet committed included."""
    shutil.rmtree(folder, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            shutil.copy2(ROOT / name, folder / name)


def started(home: Path) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from the command to /healthz, and the memory of every process a little later."""
    port = free_port(0)
    environment = product.on_port(port, home / "clone" / "data")
    # what a stranger does not have; without .pyc files every start would compile again
    for name in ("VIRTUAL_ENV", "UV_CACHE_DIR", "PIP_CACHE_DIR", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    python = getattr(sys, "_base_executable", sys.executable)
    log = home / "run.log"
    began = time.monotonic()
    with product.launched([python, "run.py"], home / "clone", environment, log) as process:
        product.wait_healthy(process, port, log)
        took = time.monotonic() - began
        time.sleep(SETTLING)
        return took, memory_of(home / "clone", process.pid)


def memory_of(folder: Path, parent: int) -> list[dict[str, Any]]:
    """Every process below `parent`, and those that left it but live in `folder`, in MB."""
    found = {parent: psutil.Process(parent)}
    found |= {child.pid: child for child in psutil.Process(parent).children(recursive=True)}
    for other in psutil.process_iter():
        if _is_in(other, folder):
            found[other.pid] = other
            found |= {child.pid: child for child in _children(other)}
    found.pop(os.getpid(), None)
    rows = [row for process in found.values() if (row := _row(process))]
    return sorted(rows, key=lambda row: -row["rss"])


def _is_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.Error:
        return []
    return found


def _row(process: psutil.Process) -> dict[str, Any] | None:
    """PSS shares out what processes have in common; only Linux tells it, and only its owner."""
    try:
        command = process.cmdline()
        full = process.memory_full_info()
    except (psutil.Error, OSError):
        return None
    pss = getattr(full, "pss", 0) / 1e6
    return {"name": _name(command), "rss": round(full.rss / 1e6, 1), "pss": round(pss, 1)}


def _name(command: list[str]) -> str:
    """`run.py web`, `postgres: checkpointer`: what tells one process from another."""
    words = [Path(word).name if "/" in word else word for word in command if word]
    if words and words[0].startswith("python"):
        words = words[1:]
    return " ".join(words)[:48] or "?"


def shown(result: dict[str, Any]) -> str:
    rows = [
        (
            how,
            f"{statistics.median(every):.1f} s",
            f"{min(every):.1f}",
            f"{max(every):.1f}",
            HOW[how],
        )
        for how, every in result["seconds"].items()
    ]
    memory = [(m["name"], m["rss"], m["pss"]) for m in result["memory"]]
    total = [sum(row[column] for row in memory) for column in (1, 2)]
    memory.append(("all", round(total[0], 1), round(total[1], 1)))
    return "\n\n".join(
        [
            machine.table(("start", "median s", "least", "most", "what it is"), rows),
            machine.table(("process", "RSS MB", "PSS MB"), memory),
            machine.show(result["where"]),
        ]
    )
