"""run.py before anything is installed: each trouble gets a sentence, and nothing is destroyed."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from config import ROOT

FILES = (
    "run.py",
    "bootstrap.py",
    "config.py",
    "requirements.txt",
    "requirements-bootstrap.txt",
    "requirements-dev.txt",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that the bootstrap needs."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    return folder


def run(clone: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    python = getattr(sys, "_base_executable", sys.executable)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environ
    return subprocess.run(
        [python, "run.py", *arguments],
        cwd=clone,
        env=environment,
        text=True,
        capture_output=True,
        timeout=120,
    )


def test_an_old_python_can_still_read_the_file_that_turns_it_away() -> None:
    source = (ROOT / "run.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    assert source.index("sys.version_info < OLDEST") < source.index("import bootstrap")


def test_an_old_python_is_told_which_one_is_needed() -> None:
    source = (ROOT / "run.py").read_text()
    pretended = f"import sys; sys.version_info = (3, 6, 9); exec({source!r})"
    done = subprocess.run([sys.executable, "-c", pretended], text=True, capture_output=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or newer is needed; this is 3.6")


def test_an_unknown_command_is_answered_with_the_known_ones(clone: Path) -> None:
    done = run(clone, "strat")
    assert done.returncode == 2
    assert "no command 'strat'" in done.stderr
    assert "scheduler" in done.stderr
    assert not (clone / ".venv").exists()


def test_help_needs_nothing_installed(clone: Path) -> None:
    done = run(clone, "--help")
    assert done.returncode == 0
    assert "usage: python3 run.py" in done.stdout
    assert not (clone / ".venv").exists()


def test_a_folder_that_is_no_virtual_environment_is_left_alone(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "thesis.txt").write_text("years of work")
    done = run(clone)
    assert done.returncode == 1
    assert "is not a virtual environment" in done.stderr
    assert (clone / ".venv" / "thesis.txt").read_text() == "years of work"


def test_a_link_to_somewhere_else_is_left_alone(clone: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pyvenv.cfg").write_text("home = /nowhere\n")
    (clone / ".venv").symlink_to(elsewhere)
    done = run(clone)
    assert done.returncode == 1
    assert (elsewhere / "pyvenv.cfg").exists()


def test_a_folder_that_cannot_be_written_is_named(clone: Path) -> None:
    """A folder stands where the lock belongs, since nothing is forbidden to root."""
    (clone / ".venv.lock").mkdir()
    done = run(clone)
    assert done.returncode == 1
    assert str(clone) in done.stderr
    assert "Clone the project into a folder of your own" in done.stderr


def test_without_a_network_the_message_says_so(clone: Path, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9"
    done = run(
        clone,
        HTTPS_PROXY=dead,
        https_proxy=dead,
        HTTP_PROXY=dead,
        http_proxy=dead,
        PIP_RETRIES="0",
        PIP_NO_CACHE_DIR="1",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert done.returncode == 1
    assert "Check the network" in done.stderr


def test_a_bad_setting_is_one_line_and_no_trace(clone: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import run; run.dispatch('web', [])"],
        cwd=clone,
        env=os.environ | {"PORT": "eighty", "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        capture_output=True,
    )
    assert done.stderr.splitlines() == [
        "PORT must be a whole number from 1 to 65535, but is 'eighty'."
    ]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("error: dns error: failed to lookup", "Check the network"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "cannot be written"),
        ("ensurepip is not available", "apt install python3-venv"),
        ("something nobody foresaw", "something nobody foresaw"),
    ],
)
def test_the_output_of_a_failed_step_is_explained(output: str, sentence: str) -> None:
    assert sentence in str(bootstrap.explained("installing packages", output))


def test_development_requirements_stay_listed_once_they_joined(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "STAMP", clone / "stamp.json")
    assert bootstrap.DEVELOPMENT not in bootstrap.files_for(development=False)
    (clone / "stamp.json").write_text(json.dumps({"files": {bootstrap.DEVELOPMENT: "hash"}}))
    assert bootstrap.DEVELOPMENT in bootstrap.files_for(development=False)


def test_every_pin_has_a_hash_and_no_file_names_a_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-bootstrap.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        for block in text.replace("\\\n", " ").splitlines():
            assert block.startswith(("#", " ")) or "--hash=sha256:" in block


def test_a_pin_without_a_hash_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("flask==3.1.3\n")
    uv = [ROOT / ".venv" / "bin" / "uv", *bootstrap.UV_SYNC, "--dry-run", tmp_path / "plain.txt"]
    done = subprocess.run(uv, capture_output=True, text=True, timeout=120)
    assert done.returncode
    assert "must have a hash" in done.stderr
