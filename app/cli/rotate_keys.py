"""Encrypts what is stored anew with the newest of ENCRYPTION_KEYS."""

import argparse

from app import create_app, rotation
from app.cli import administered
from app.rotation import Count
from config import Settings

DONE = "Everything is under the newest key: older ones can be taken out of ENCRYPTION_KEYS."
BROKEN = (
    "No key opens these: put the key that did back into ENCRYPTION_KEYS and run this again, or "
    "enter the secrets anew."
)


def main(argv: list[str], settings: Settings) -> int:
    """1 if something cannot be read, or with --check is under an older key."""
    parser = argparse.ArgumentParser(prog="run.py rotate-keys", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only count; change nothing")
    only_look = parser.parse_args(argv).check
    counts: dict[str, Count] = {}
    with (
        administered.settings_in_use(settings) as used,
        create_app(used, admin=False).app_context(),
    ):
        for count in rotation.rotate(only_look=only_look):
            counts[count.column] = count
    for count in counts.values():
        print(_line(count, only_look))
    if any(count.broken for count in counts.values()):
        print(BROKEN)
        return 1
    left = only_look and any(count.older for count in counts.values())
    print("Run this again without --check." if left else DONE)
    return 1 if left else 0


def _line(count: Count, only_look: bool) -> str:
    done = "under an older key" if only_look else "encrypted anew"
    before = "under the newest key" if only_look else "under the newest key already"
    line = f"{count.column}: {count.older} {done}, {count.newest} {before}"
    broken = ", ".join(map(str, count.broken))
    return f"{line}, {len(count.broken)} not readable (id {broken})" if broken else line
