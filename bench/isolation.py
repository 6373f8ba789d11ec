"""Whether a way leads from one tenant to another: the crawler's certificate.

Two tenants, every text of theirs a canary, on databases of its own; with both walls and with
either alone. Ends with 1 when anything leaked, was left unvisited or broke.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import machine
from config import Settings

WALLS = {
    "both": "both walls stand",
    "session": "row-level security is off: the session's wall alone",
    "database": "the session's wall is off: PostgreSQL's alone",
}


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench isolation", description=__doc__)
    parser.add_argument(
        "--json", metavar="FILE", type=Path, help="write the certificate there, too"
    )
    parser.add_argument("--save", action="store_true", help="keep it in bench/results")
    arguments = parser.parse_args(argv)
    result = measure()
    print(shown(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if arguments.save:
        print(f"Saved as {machine.save('isolation', result)}", file=sys.stderr)
    return 0 if result["sealed"] else 1


def measure(extent: Any = None, walls: Sequence[str] = tuple(WALLS)) -> dict[str, Any]:
    """`extent` is the crawler's; None: everybody and everything."""
    from app import create_app
    from tests.conftest import launched
    from tests.fakes.twilio_rest import TwilioRest
    from tests.isolation.crawler import WHOLE, prepare
    from tests.isolation.matrix import ready

    logging.lastResort = None  # refusals are what is wanted; they are not printed
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recep-bench-") as made:
        Path(made).chmod(0o711)
        with launched(Path(made)) as services, TwilioRest() as twilio:
            ready(services)
            app = create_app(replace(services.settings, twilio_api_url=twilio.url))
            app.testing = True
            prepared = prepare(app, services, twilio, extent or WHOLE)
            runs = {name: _certified(prepared.attack(name, _say)) for name in walls}
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()
    here = machine.facts()
    here["packages"]["flask-appbuilder"] = metadata.version("flask-appbuilder")
    return {
        "bench": "isolation",
        "where": here,
        "seconds": round(time.monotonic() - began, 1),
        "walls": runs,
        "sealed": all(run["sealed"] for run in runs.values()),
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _certified(report: Any) -> dict[str, Any]:
    bad = {
        "leaks": [str(leak) for leak in report.leaks],
        "broken": report.broken,
        "unvisited": report.unvisited,
    }
    return {
        "routes": len(report.visited),
        "attacks": report.tried,
        "by_kind": dict(sorted(report.attacks.items())),
        "log_lines": report.log_lines,
        "sign_ins_renewed": report.renewed,
        **bad,
        "sealed": not any(bad.values()),
    }


def shown(result: dict[str, Any]) -> str:
    rows = [
        (name, run["routes"], run["attacks"], run["log_lines"], len(run["leaks"]), WALLS[name])
        for name, run in result["walls"].items()
    ]
    kinds = sorted({kind for run in result["walls"].values() for kind in run["by_kind"]})
    tried = [
        (kind, *(run["by_kind"].get(kind, 0) for run in result["walls"].values())) for kind in kinds
    ]
    bad = [
        f"{name}: {what}: {one}"
        for name, run in result["walls"].items()
        for what in ("leaks", "broken", "unvisited")
        for one in run[what]
    ]
    return "\n\n".join(
        [
            machine.table(("walls", "routes", "attacks", "log lines", "leaks", "which"), rows),
            machine.table(("attacks", *result["walls"]), tried),
            *(["\n".join(bad)] if bad else []),
            "SEALED: nothing of the other tenant was seen, told or changed."
            if result["sealed"]
            else "NOT SEALED",
            f"{result['seconds']} s; {machine.show(result['where'])}",
        ]
    )
