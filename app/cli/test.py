"""The whole test suite; arguments go to pytest."""

import os
import sys

from config import ROOT, Settings


def main(argv: list[str], settings: Settings) -> int:
    """Replaces this process, so that pytest itself gets Ctrl-C and the exit code is its own."""
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *argv])
