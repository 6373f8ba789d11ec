"""How fast turns are under load, beside a bare sketch on the same server in the same run.

docs/load.md tells what is measured, and what it came to.
"""

from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    from bench.load.command import run

    return run(argv)
