"""Runs a measurement of bench/ by its name."""

import importlib
import pkgutil
import sys

import bench
from config import Settings

ABOUT = "usage: run.py bench NAME [ARGUMENTS]\n"


def main(argv: list[str], settings: Settings) -> int:
    known = names()
    if not argv or argv[0] in ("-h", "--help"):
        print("\n".join([ABOUT, *(f"  {name:12} {about(name)}" for name in known)]))
        return 0
    if argv[0] not in known:
        print(f"There is no bench {argv[0]!r}. There are: {', '.join(known)}", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"bench.{argv[0]}").main(argv[1:], settings))


def names() -> list[str]:
    """Modules that have a `main`; the others are their tools."""
    found = sorted(module.name for module in pkgutil.iter_modules(bench.__path__))
    return [name for name in found if hasattr(importlib.import_module(f"bench.{name}"), "main")]


def about(name: str) -> str:
    doc = importlib.import_module(f"bench.{name}").__doc__ or ""
    return doc.partition("\n\n")[0].replace("\n", " ")
