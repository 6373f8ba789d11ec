"""A process of the product without one of its controls, or with what a drill plants in it:
`python -m bench.drills.launcher NAME[+NAME] COMMAND`, with the settings in its environment. The
product has no such switch."""

import importlib
import sys

from bench.drills.planted import PLANTED
from bench.drills.undone import CONTROLS
from config import Settings

if __name__ == "__main__":
    for name in sys.argv[1].split("+"):
        PLANTED[name]() if name in PLANTED else CONTROLS[name].take_away()
    module = importlib.import_module(f"app.cli.{sys.argv[2]}")
    sys.exit(module.main([], Settings.load()))
