"""Breaks what the product depends on, and shows that no call, message or mail is lost by it.

`--list` names the drills; without options the first set runs. docs/drills.md tells how.
"""

from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    from bench.drills.command import run

    return run(argv)
