"""The whole test suite; arguments go to pytest.

Spread over the cores by files, each process with databases of its own; `-n 0` keeps it in one.
"""

import os
import sys

from config import ROOT, Settings

MOST_PROCESSES = 4
"""Each has a PostgreSQL and a Valkey of its own."""


def main(argv: list[str], settings: Settings) -> int:
    """Replaces this process, so that pytest itself gets Ctrl-C and the exit code is its own."""
    os.chdir(ROOT)
    sys.stdout.flush()
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    spread = ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"]
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *spread, *argv])
