"""How long a backup takes, and how long until its rows are back in an empty database."""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app import snapshot
from app.cli import migrate, rows_in
from bench import machine, many
from config import Settings

RESTORED = "recep_restored"


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench backup", description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--save", action="store_true", help="keep the result in bench/results")
    asked = parser.parse_args(argv)
    with many.filled(asked.calls, asked.calls // 4) as one, TemporaryDirectory() as made:
        result = {"bench": "backup", "calls": asked.calls, "where": machine.facts()}
        result |= measure(one, Path(made) / "rows.zip")
    print(json.dumps(result, indent=1))
    if asked.save:
        print(f"Saved as {machine.save('backup', result)}", file=sys.stderr)
    return 0


def measure(one: many.Filled, path: Path) -> dict[str, Any]:
    began = time.monotonic()
    manifest = snapshot.write(one.postgres.url(migrate.DATABASE), path)
    written = time.monotonic()
    there = migrate.with_database(one.settings.database_url, RESTORED)
    rows_in.fill(one.postgres.admin_url, replace(one.settings, database_url=there), path)
    return {
        "rows": manifest.rows,
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "backup_seconds": round(written - began, 1),
        "restore_seconds": round(time.monotonic() - written, 1),
    }
