"""A process of the product without one of its controls: `python -m bench.drills.launcher CONTROL
COMMAND`, with the settings in its environment. The product has no such switch."""

import importlib
import sys

from bench.drills.undone import CONTROLS
from config import Settings

if __name__ == "__main__":
    CONTROLS[sys.argv[1]].take_away()
    module = importlib.import_module(f"app.cli.{sys.argv[2]}")
    sys.exit(module.main([], Settings.load()))
