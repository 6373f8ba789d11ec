"""deploy/systemd/: systemd takes the units as they are, and what they start exists and has its
time."""

import os
import shlex
import subprocess
from pathlib import Path
from shutil import which

import pytest

import run
from app.cli import web
from config import ROOT, Settings

UNITS = ROOT / "deploy" / "systemd"
COMMON = UNITS / "receptionist-.service.d" / "common.conf"
SERVICES = sorted(UNITS.glob("*.service"))
INSTALLED = "/opt/receptionist"  # where docs/operations.md has the code put
ANALYZE = which("systemd-analyze")


def said(unit: Path, name: str) -> list[str]:
    lines = [*COMMON.read_text().splitlines(), *unit.read_text().splitlines()]
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def test_each_process_has_a_unit_and_what_it_starts_exists() -> None:
    started = {}
    for unit in SERVICES:
        (line,) = said(unit, "ExecStart")
        words = shlex.split(line)
        if words[0] == "/usr/bin/env":
            assert words[1] == "PORT=%i"
            assert Path(words.pop(0)).exists()
            words.pop(0)
        python, script, command = words
        for path in (python, script):
            assert (ROOT / Path(path).relative_to(INSTALLED)).exists(), path
        started[unit.stem.rstrip("@")] = command
    assert set(started.values()) <= set(run.COMMANDS)
    parts = ("web", "worker", "scheduler", "encoder")
    assert started == {f"receptionist-{part}": part for part in parts}


def test_a_web_node_is_given_the_time_that_it_gives_its_requests(tmp_path: Path) -> None:
    options = web.options(Settings.load({"DATA_DIR": str(tmp_path)}))
    (given,) = said(UNITS / "receptionist-web@.service", "TimeoutStopSec")
    assert int(given) > options["graceful_timeout"]


def test_settings_of_the_units_are_settings() -> None:
    known = {name.upper() for name in Settings.__dataclass_fields__}
    for unit in SERVICES:
        given = [word for line in said(unit, "Environment") for word in shlex.split(line)]
        assert {word.partition("=")[0] for word in given} <= known
        assert said(unit, "EnvironmentFile") == ["/etc/receptionist/env"]


def test_systemd_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    if ANALYZE is None:
        pytest.skip("not run: no systemd-analyze")
    for unit in UNITS.rglob("*.*"):
        if unit.is_file():
            copied = tmp_path / unit.relative_to(UNITS)
            copied.parent.mkdir(exist_ok=True)
            copied.write_text(unit.read_text().replace(INSTALLED, str(ROOT)))
    names = [unit.name.replace("@", "@8080") for unit in SERVICES]
    done = subprocess.run(
        [ANALYZE, "verify", "receptionist.target", *names], text=True, capture_output=True,
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
