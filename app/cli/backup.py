"""Writes every row of the database into one file, while the product runs or not."""

import argparse
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

from app import snapshot
from app.cli import administered
from app.embedded import EmbeddedServiceError
from app.models import BACKUP
from config import BadSetting, Settings

KEEP = """\
Keep with it, but apart from it: ENCRYPTION_KEYS and SECRET_KEY ({where}). Without the first, stored
credentials cannot be read again. Recordings are at Twilio and not in the file."""


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py backup", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="default: DATA_DIR/backup/DATE.zip")
    asked = parser.parse_args(argv)
    path = asked.file or _default(settings)
    if path.exists():
        print(f"{path} is there already; name another file.", file=sys.stderr)
        return 1
    try:
        with administered.running(settings) as url:
            made = snapshot.write(url, path)
            _note(url)
    except (BadSetting, EmbeddedServiceError, snapshot.NotUsable) as problem:
        print(problem, file=sys.stderr)
        return 1
    except (OSError, psycopg2.Error) as problem:
        print(f"There is no backup: {problem}", file=sys.stderr)
        return 1
    print(f"{path}: {made.rows:,} rows of {len(made.tables)} tables, schema {made.revision}.")
    print(KEEP.format(where=_where(settings)))
    return 0


def _note(url: str) -> None:
    """So that operators are told when the next one does not come."""
    try:
        connection = psycopg2.connect(url, options=snapshot.AS_OWNER)
        with contextlib.closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into milestone (name) values (%s)"
                " on conflict (name) do update set at = excluded.at",
                (BACKUP,),
            )
    except psycopg2.Error as problem:
        print(f"The backup is complete, but could not be noted as made: {problem}", file=sys.stderr)


def _default(settings: Settings) -> Path:
    folder = settings.data_dir / "backup"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.zip"


def _where(settings: Settings) -> str:
    given = {"encryption_keys", "secret_key"} <= settings.given
    return "your settings" if given else f"in {settings.data_dir}"
