"""The crawler of tests/isolation against either wall, in a process of its own. Prints its finds.

`python -m bench.drills.crawl [CONTROL]`: without that control of the product.
"""

import json
import sys

from bench import isolation
from bench.drills.undone import CONTROLS
from tests.isolation.crawler import Extent

# A part of what the test run goes through: by REST alone, and one question in forty.
SHORT = Extent(
    {"session": ("Tenant Admin, token",), "database": ("Agent, token",)},
    {"session": 40},
    operators=False,
    bodies=False,
)


def main(control: str) -> None:
    """The session's wall taken away: then PostgreSQL's is off as well, and nothing holds."""
    if control:
        CONTROLS[control].take_away()
    walls = ("session",) if control else ("session", "database")
    print(json.dumps(isolation.measure(SHORT, walls)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
