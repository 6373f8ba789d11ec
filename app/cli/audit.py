"""Checks every pinned package against known weaknesses; says so when any could not be checked.

Asks a server that speaks OSV's API (https://google.github.io/osv.dev/api/), or reads a file of
advisories: a JSON object, a list, one object a line, or a zip of such, as OSV exports them.
"""

import argparse
import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from app import advisories
from app.advisories import ECOSYSTEM, Advisory, Pin, Undecided
from config import ROOT, Settings

FILES = ("requirements.txt", "requirements-dev.txt", "requirements-bootstrap.txt")
URL = "https://api.osv.dev"
AT_ONCE = 500  # the API takes 1,000 queries
TIMEOUT = 30  # seconds
SOUND, WEAK, UNCHECKED = 0, 1, 2


class NotChecked(Exception):
    """The source is unreachable or of no use; the message says why."""


def main(argv: list[str], settings: Settings) -> int:
    """0: every pin checked and none known to be weak; 1: a weak one; 2: not all were checked."""
    parser = argparse.ArgumentParser(prog="run.py audit", description=__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--db", type=Path, metavar="FILE", help="advisories in the OSV format")
    source.add_argument("--url", default=URL, help=f"a server of OSV's API (default: {URL})")
    parser.add_argument("files", nargs="*", type=Path, help="default: all requirements files")
    asked = parser.parse_args(argv)
    try:
        pins, others = _pins(asked.files or [ROOT / name for name in FILES])
        found, doubts = _in_file(asked.db, pins) if asked.db else _at(asked.url, pins)
    except (NotChecked, OSError, UnicodeDecodeError) as problem:
        print(f"Nothing was checked: {problem}", file=sys.stderr)
        return UNCHECKED
    for pin, known in sorted(found.items()):
        for one in known:
            print(_told(pin, one))
    unchecked = [*(f"{line}: not pinned to one version" for line in others), *doubts]
    for doubt in unchecked:
        print(f"Not checked: {doubt}", file=sys.stderr)
    print(f"{len(pins)} pins checked, {len(found)} with known weaknesses.")
    if found:
        return WEAK
    return UNCHECKED if unchecked else SOUND


def _told(pin: Pin, known: Advisory) -> str:
    also = f" ({', '.join(known.aliases)})" if known.aliases else ""
    mended = f" Mended in {', '.join(known.fixed)}." if known.fixed else ""
    return f"{pin.name} {pin.version}: {known.id}{also}: {known.summary or 'no summary'}.{mended}"


def _pins(files: list[Path]) -> tuple[list[Pin], list[str]]:
    found: set[Pin] = set()
    others: list[str] = []
    for path in files:
        pins, lines = advisories.pins(path.read_text(encoding="utf-8"))
        found.update(pins)
        others += [f"{path.name}: {line}" for line in lines]
    if not found:
        raise NotChecked("the requirements files pin nothing.")
    return sorted(found), others


Found = tuple[dict[Pin, list[Advisory]], list[str]]


def _weighed(candidates: list[tuple[Pin, dict[str, Any]]]) -> Found:
    found: defaultdict[Pin, list[Advisory]] = defaultdict(list)
    doubts = []
    for pin, record in candidates:
        try:
            known = advisories.against(pin, record)
        except Undecided as problem:
            doubts.append(f"{pin.name} {pin.version} against {record.get('id', '?')}: {problem}")
            continue
        if known:
            found[pin].append(known)
    return dict(found), doubts


# --- From a file --------------------------------------------------------------------------------


def _in_file(path: Path, pins: list[Pin]) -> Found:
    about: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in _records(path):
        for name in set(advisories.names(record)):
            about[name].append(record)
    if not about:
        raise NotChecked(f"{path} holds no advisory of {ECOSYSTEM}.")
    return _weighed([(pin, record) for pin in pins for record in about[pin.name]])


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if not zipfile.is_zipfile(path):
        yield from _parsed(path.name, path.read_text(encoding="utf-8"))
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield from _parsed(name, archive.read(name).decode("utf-8"))


def _parsed(name: str, text: str) -> Iterator[dict[str, Any]]:
    try:
        whole = json.loads(text)
        rows = whole if isinstance(whole, list) else [whole]
    except ValueError:
        try:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise NotChecked(f"{name} is not JSON: {error}.") from error
    if not all(isinstance(row, dict) for row in rows):
        raise NotChecked(f"{name} is not in the OSV format: a list of objects was expected.")
    yield from rows


# --- From a server ------------------------------------------------------------------------------


def _at(url: str, pins: list[Pin]) -> Found:
    with requests.Session() as session:
        named = [
            pair
            for start in range(0, len(pins), AT_ONCE)
            for pair in _named(session, url, pins[start : start + AT_ONCE])
        ]
        records = {
            name: _asked(session, "GET", f"{url}/v1/vulns/{name}")
            for name in sorted({name for _pin, name in named})
        }
    found: defaultdict[Pin, list[Advisory]] = defaultdict(list)
    for pin, name in named:  # the server has compared the versions
        if known := advisories.told(pin, records[name]):
            found[pin].append(known)
    return dict(found), []


def _named(session: requests.Session, url: str, pins: list[Pin]) -> Iterator[tuple[Pin, str]]:
    """Which advisories concern which pins, page by page."""
    queries = [
        (pin, {"package": {"name": pin.name, "ecosystem": ECOSYSTEM}, "version": pin.version})
        for pin in pins
    ]
    while queries:
        answer = _asked(
            session, "POST", f"{url}/v1/querybatch", {"queries": [query for _pin, query in queries]}
        )
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(queries):
            raise NotChecked(f"{url} did not answer for every package.")
        further = []
        for (pin, query), result in zip(queries, results, strict=True):
            for known in (result or {}).get("vulns") or ():
                yield pin, str(known["id"])
            if token := (result or {}).get("next_page_token"):
                further.append((pin, query | {"page_token": token}))
        queries = further


def _asked(
    session: requests.Session, method: str, url: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    try:
        answer = session.request(method, url, json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as problem:
        raise NotChecked(f"{url} cannot be asked ({type(problem).__name__}).") from problem
    if not isinstance(found, dict):
        raise NotChecked(f"{url} answered something else than an object.")
    return found
