"""Who may import whom: every import of the code, held against the table of docs/style.md §3."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("*.py", "app/**/*.py", "bench/**/*.py", "migrations/**/*.py")
OURS = ("app", "bench", "bootstrap", "config", "migrations", "run", "tests")

# What the code does against the table. Nothing is added here; what is repaired must be taken out.
DEBTS = {
    ("app.tenancy", "app.models"): "its verdicts ask for the types Tenant, User and AuditLog",
    ("app.jobs.queues", "app.jobs.worker"): "the one function that a look may run",
}


@dataclass(frozen=True)
class Room:
    """One row of the table; names are dotted. None: anything."""

    modules: tuple[str, ...]
    ours: tuple[str, ...] | None
    others: tuple[str, ...] | None
    never: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Import:
    """`what` is the longest dotted name that the statement gives: module and attribute."""

    by: str
    what: str
    line: int

    def __str__(self) -> str:
        return f"{self.by} (line {self.line}) imports {self.what}"


def table() -> list[Room]:
    text = (ROOT / "docs" / "style.md").read_text(encoding="utf-8")
    section = text.partition("\n## 3.")[2].partition("\n## ")[0]
    rows = [line.strip().strip("|").split("|") for line in section.splitlines() if line[:1] == "|"]
    return [
        Room(_named(room), _allowed(ours), _allowed(others), _named(never))
        for room, ours, others, never in rows[2:]
    ]


def _allowed(cell: str) -> tuple[str, ...] | None:
    return None if cell.strip() in ("any", "anything") else _named(cell)


def _named(cell: str) -> tuple[str, ...]:
    return tuple(name.replace("/", ".") for name in re.findall(r"`([^`]+)`", cell))


def within(name: str, parents: Iterable[str]) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def room_of(module: str, rooms: list[Room]) -> Room | None:
    """The row whose name fits best; `app` stands for app/__init__.py alone."""
    fits = [
        (len(name), room)
        for room in rooms
        for name in room.modules
        if module == name or (name != "app" and within(module, [name]))
    ]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


def trespasses(found: Iterable[Import], rooms: list[Room]) -> list[Import]:
    return sorted({one for one in found if not _may(one, rooms)})


def _may(one: Import, rooms: list[Room]) -> bool:
    room = room_of(one.by, rooms)
    if room is None:
        return False
    if "app" not in room.modules and within(one.what, room.modules):
        return True
    return _listed(one.what, room)


def _listed(what: str, room: Room) -> bool:
    if within(what, room.never):
        return False
    if what.split(".")[0] in sys.stdlib_module_names:
        return True
    allowed = room.ours if what.split(".")[0] in OURS else room.others
    return allowed is None or within(what, allowed)


def imports(by: str, source: str, *, package: bool = False) -> Iterator[Import]:
    """Every import, wherever it stands; also `import_module("…")` with a name written out."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                for name in names:
                    yield Import(by, name.name, node.lineno)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = ".".join(filter(None, (_above(by, level, package), module)))
                for name in names:
                    yield Import(by, f"{base}.{name.name}" if base else name.name, node.lineno)
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]):
                if ast.unparse(func) in ("importlib.import_module", "import_module", "__import__"):
                    yield Import(by, name, node.lineno)


def _above(module: str, level: int, package: bool) -> str:
    """What a relative import of this level starts from."""
    if not level:
        return ""
    parts = module.split(".") if package else module.split(".")[:-1]
    return ".".join(parts[: len(parts) - level + 1])


def all_imports() -> Iterator[Import]:
    for module, path in modules().items():
        package = path.name == "__init__.py"
        yield from imports(module, path.read_text(encoding="utf-8"), package=package)


def modules() -> Mapping[str, Path]:
    paths = sorted({path for pattern in CODE for path in ROOT.glob(pattern)})
    return {_dotted(path): path for path in paths}


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _debt(one: Import) -> tuple[str, str] | None:
    return next((d for d in DEBTS if one.by == d[0] and within(one.what, [d[1]])), None)


@pytest.fixture(scope="module")
def rooms() -> list[Room]:
    return table()


@pytest.fixture(scope="module")
def found(rooms: list[Room]) -> list[Import]:
    return trespasses(all_imports(), rooms)


def test_rooms_import_only_what_the_table_allows(found: list[Import]) -> None:
    assert [str(one) for one in found if _debt(one) is None] == []


def test_debts_that_were_paid_are_taken_off_the_list(found: list[Import]) -> None:
    assert {_debt(one) for one in found} - {None} == set(DEBTS)


def test_every_module_has_a_room(rooms: list[Room]) -> None:
    homeless = {name for name in modules() if room_of(name, rooms) is None}
    assert homeless - {"app.voice", "app.cli"} == set()


def test_every_room_of_the_table_exists(rooms: list[Room]) -> None:
    known = modules()
    named = {n for room in rooms for n in room.modules}
    named |= {n for room in rooms for n in room.ours or ()}
    assert sorted(n for n in named if not any(within(module, [n]) for module in known)) == []


def test_packages_outside_any_room_hold_nothing() -> None:
    assert list(imports("app.voice", modules()["app.voice"].read_text(), package=True)) == []


# What must be made safe on its way out leaves in one place, by the one function that does it.
ONE_WAY_OUT = {
    r"\bcsv\.(?:writer|DictWriter)\b": ("app.views.sheets", "csv_safe"),
    r"\bflask_mail import Message\b|\bemail\.(?:message|mime)\b|\bsmtplib\.SMTP\(":
        ("app.jobs.post", "header_safe"),
    r"\btwilio\.twiml\b|<Response|<Say": ("app.voice.twiml", "xml_safe"),
}  # fmt: skip


@pytest.mark.parametrize("made", ONE_WAY_OUT)
def test_csv_mails_and_twiml_leave_by_the_one_function_that_makes_them_safe(made: str) -> None:
    place, function = ONE_WAY_OUT[made]
    sources = {name: path.read_text(encoding="utf-8") for name, path in modules().items()}
    found = {n for n, text in sources.items() if n.startswith("app.") and re.search(made, text)}
    found -= {"app.phone.document"}  # the telephone reads TwiML, as Twilio does
    assert place in found
    assert f"def {function}(" in sources[place]
    assert all(f".{function}(" in sources[name] for name in found - {place})


PLANTED = {
    "a library in the pure core": ("app.voice.flow.talk", "import flask"),
    "inside a function": ("app.ai.grounding", "def check():\n    from app.models import Lead"),
    "for types only": (
        "app.voice.hours",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sqlalchemy import Row",
    ),
    "by a relative import": ("app.voice.flow.talk", "from ..facts import build"),
    "by a relative import of a package": ("app.voice.flow", "from .. import desk"),
    "through the package": ("app.voice.routes", "from app.voice import thinking"),
    "by a written-out name": (
        "app.ai.openai",
        "import importlib\nimportlib.import_module('app.models')",
    ),
    "the request in the desk": ("app.voice.desk", "from flask import request"),
    "a route from a job": ("app.jobs.mails", "from app.voice.routes import twilio"),
    "a command from anywhere": ("app.views.calls", "from app.cli import start"),
    "the model from a screen": ("app.views.knowledge", "from app.ai.openai import Clients"),
    "a mail from a turn": ("app.voice.performing", "from app.jobs import mails"),
    "the admin panel from the core's neighbour": ("app.calls", "import app.views.panel"),
    "a model from an old migration": ("migrations.versions.0001_first", "import app.models"),
    "everything": ("app.models.lead", "from app import *"),
    "a module without a room": ("app.utils", "import os"),
}


@pytest.mark.parametrize(("by", "source"), PLANTED.values(), ids=PLANTED)
def test_a_planted_trespass_is_found(by: str, source: str, rooms: list[Room]) -> None:
    package = by == "app.voice.flow"
    assert trespasses(imports(by, source, package=package), rooms)


ALLOWED = {
    "the standard library": ("app.voice.flow.talk", "from dataclasses import replace"),
    "its own room": ("app.voice.flow.talk", "from app.voice.flow import taking"),
    "its own room, relatively": ("app.voice.flow.talk", "from . import taking"),
    "a stricter part of its room": ("app.ai.speaking", "from app.ai import grounding"),
    "the outbox from a turn": ("app.voice.performing", "from app.jobs import outbox"),
    "the application from a command": ("app.cli.web", "from app import create_app"),
}


@pytest.mark.parametrize(("by", "source"), ALLOWED.values(), ids=ALLOWED)
def test_what_the_table_allows_is_no_trespass(by: str, source: str, rooms: list[Room]) -> None:
    assert trespasses(imports(by, source), rooms) == []
