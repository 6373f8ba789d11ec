"""The documents say what the code says, wherever the two can be compared."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import run
from app import advisories
from app.cli import audit
from app.voice.flow import MOVES, State
from config import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STYLE = (ROOT / "docs" / "style.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def diagram() -> set[tuple[str, str]]:
    drawn = DESIGN.partition("```mermaid")[2].partition("```")[0]
    return set(re.findall(r"^ *(\w+) --> (\w+)$", drawn, re.MULTILINE))


def section(text: str, title: str) -> str:
    return re.split(r"^## ", text.partition(f"\n## {title}")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def mapped() -> list[str]:
    """The paths of the map: indented names belong to the folder above them."""
    block = section(STYLE, "2.").partition("```\n")[2].partition("```")[0]
    found, folder = [], ""
    for line in block.splitlines():
        indented = line.startswith("  ")
        names = re.split(r" {2,}", line.strip())[0].split()
        if not indented and names[0].endswith("/"):
            folder = names[0]
        found += [folder + name if indented else name for name in names]
    return found


def test_the_diagram_shows_every_move_and_no_other() -> None:
    moves = {(a.name, b.name) for a, onward in MOVES.items() for b in onward if a is not b}
    assert diagram() == moves
    assert f"[*] --> {State.GREETING.name}" in DESIGN


def test_the_readme_lists_every_setting_with_its_default() -> None:
    listed = {cell[0].strip("`"): cell[1].strip("`") for cell in rows(section(README, "Settings"))}
    read = {f.name.upper(): f.metadata["default"] for f in fields(Settings) if f.metadata}
    assert set(listed) == set(read)
    assert {name: listed[name] for name, default in read.items() if default} == {
        name: default for name, default in read.items() if default
    }


def test_the_readme_lists_every_command() -> None:
    listed = {row[0].strip("`").split()[2] for row in rows(section(README, "Commands"))}
    assert listed == set(run.COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8").partition("Designed, not built yet")[0]
    named = set(re.findall(r"run\.py ((?:[a-z-]+\|)*[a-z-]+)", text))
    assert {name for names in named for name in names.split("|")} <= set(run.COMMANDS)


def test_every_path_of_the_map_exists() -> None:
    assert len(mapped()) > 100
    assert [path for path in mapped() if not (ROOT / path).exists()] == []


def test_every_room_of_the_code_is_on_the_map() -> None:
    rooms = {str(path.parent.relative_to(ROOT)) + "/" for path in ROOT.glob("app/**/__init__.py")}
    assert rooms - {"app/"} <= set(mapped())


def test_every_module_of_the_code_is_on_the_map_or_in_a_room_without_parts() -> None:
    named = set(mapped())
    parted = {str(Path(name).parent) for name in named if name.endswith(".py")}
    modules = {str(p.relative_to(ROOT)) for p in ROOT.glob("app/**/*.py") if p.stem[0] != "_"}
    assert sorted(m for m in modules - named if str(Path(m).parent) in parted) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_file_named_in_a_recipe_exists() -> None:
    named = re.findall(r"`((?:app|tests|docs|migrations)/[\w./]+)`", section(STYLE, "10."))
    assert named
    missing = [name for name in named if "/x.py" not in name and not (ROOT / name).exists()]
    assert missing == []


def test_every_pinned_package_has_its_licence_listed() -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    listed = {cell[0] for cell in rows(section(page, "Packages")) if cell[1]}
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in audit.FILES]
    assert listed == {pin.name for text in texts for pin in advisories.pins(text)[0]}
