"""Known weaknesses among the pins: found, never missed in silence."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app import advisories
from app.advisories import Pin
from app.cli import audit
from config import Settings
from tests.fakes.osv_server import OsvServer

PINNED = """\
# by hand
-c other.txt
Bad_Package==1.4.2 \\
    --hash=sha256:00 \\
    --hash=sha256:11
    # via something
good-package==2.0 ; python_version >= "3.11"
"""


def record(**changes: Any) -> dict[str, Any]:
    events = [{"introduced": "1.0"}, {"fixed": "1.5"}]
    about = {
        "package": {"ecosystem": "PyPI", "name": "bad.package"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    found = {"id": "PYSEC-1", "summary": "It leaks", "aliases": ["CVE-1"], "affected": [about]}
    return found | changes


def ranged(*events: dict[str, str], **more: Any) -> dict[str, Any]:
    about = {
        "package": {"ecosystem": "PyPI", "name": "bad-package"},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    return record(affected=[about | more])


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(PINNED, encoding="utf-8")
    return path


def run(settings: Settings, *arguments: object) -> int:
    return audit.main([str(argument) for argument in arguments], settings)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"DATA_DIR": str(tmp_path / "data")})


def test_pins_are_read_whatever_stands_around_them():
    found, others = advisories.pins(PINNED + "loose>=1\nelse @ https://example.com/x.whl\n")
    assert found == [Pin("bad-package", "1.4.2"), Pin("good-package", "2.0")]
    assert others == ["loose>=1", "else @ https://example.com/x.whl"]


@pytest.mark.parametrize(
    ("version", "known", "weak"),
    [
        ("1.4.2", ranged({"introduced": "0"}), True),
        ("1.4.2", ranged({"introduced": "0"}, {"fixed": "1.4.2"}), False),
        ("1.4.2", ranged({"introduced": "0"}, {"last_affected": "1.4.2"}), True),
        ("1.4.3", ranged({"introduced": "0"}, {"last_affected": "1.4.2"}), False),
        ("1.10", ranged({"introduced": "1.9"}, {"fixed": "1.11"}), True),
        ("0.9", ranged({"introduced": "1.0"}), False),
        ("3.0", ranged({"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.5"}), True),
        ("2.1", ranged({"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.5"}), False),
        ("7.0", ranged(versions=["7"]), True),
        ("1.4.2", record(withdrawn="2026-01-01T00:00:00Z"), False),
    ],
)
def test_an_advisory_is_for_the_versions_it_names(version: str, known: dict[str, Any], weak: bool):
    assert bool(advisories.against(Pin("bad-package", version), known)) is weak


@pytest.mark.parametrize("form", ["object", "list", "lines", "zip"])
def test_a_bad_pin_is_found_in_a_file_of_every_form(
    form: str, settings: Settings, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "db"
    elsewhere = record(
        id="GO-1", affected=[{"package": {"ecosystem": "Go", "name": "good-package"}}]
    )
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("PYSEC-1.json", json.dumps(record()))
            archive.writestr("GO-1.json", json.dumps(elsewhere))
    else:
        texts = {
            "object": json.dumps(record(), indent=1),
            "list": json.dumps([record(), elsewhere]),
            "lines": f"{json.dumps(record())}\n{json.dumps(elsewhere)}\n",
        }
        path.write_text(texts[form], encoding="utf-8")
    assert run(settings, "--db", path, pinned) == audit.WEAK
    told = capsys.readouterr().out
    assert "bad-package 1.4.2: PYSEC-1 (CVE-1): It leaks. Mended in 1.5." in told
    assert "2 pins checked, 1 with known weaknesses." in told


def test_sound_pins_pass_and_what_cannot_be_checked_does_not(
    settings: Settings, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "db.json"
    path.write_text(json.dumps(ranged({"introduced": "0"}, {"fixed": "1.4"})), encoding="utf-8")
    assert run(settings, "--db", path, pinned) == audit.SOUND
    loose = tmp_path / "loose.txt"
    loose.write_text(PINNED + "loose>=1\n", encoding="utf-8")
    assert run(settings, "--db", path, loose) == audit.UNCHECKED
    assert "loose.txt: loose>=1: not pinned" in capsys.readouterr().err
    commits = record(affected=[{"package": {"ecosystem": "PyPI", "name": "bad-package"}}])
    path.write_text(json.dumps(commits), encoding="utf-8")
    assert run(settings, "--db", path, pinned) == audit.UNCHECKED
    for useless in ("[]", "not JSON", "[1]", json.dumps(record(affected=[]))):
        path.write_text(useless, encoding="utf-8")
        assert run(settings, "--db", path, pinned) == audit.UNCHECKED
    assert run(settings, "--db", tmp_path / "nowhere", pinned) == audit.UNCHECKED


def test_a_server_is_asked_for_every_pin_and_every_page(
    settings: Settings, pinned: Path, capsys: pytest.CaptureFixture[str]
):
    with OsvServer() as server:
        assert run(settings, "--url", server.url, pinned) == audit.SOUND
        assert sorted(server.asked) == ["bad-package", "good-package"]
        server.known = {"bad-package": ["PYSEC-1", "PYSEC-2"]}
        server.records = {name: record(id=name) for name in ("PYSEC-1", "PYSEC-2")}
        assert run(settings, "--url", server.url, pinned) == audit.WEAK
        told = capsys.readouterr().out
        assert "PYSEC-1" in told
        assert "PYSEC-2" in told
        del server.records["PYSEC-2"]
        assert run(settings, "--url", server.url, pinned) == audit.UNCHECKED
        server.broken = True
        assert run(settings, "--url", server.url, pinned) == audit.UNCHECKED
        gone = server.url
    assert run(settings, "--url", gone, pinned) == audit.UNCHECKED
    assert "cannot be asked" in capsys.readouterr().err


def test_our_own_files_pin_everything():
    for name in audit.FILES:
        found, others = advisories.pins((audit.ROOT / name).read_text(encoding="utf-8"))
        assert found
        assert others == []
