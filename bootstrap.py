"""Makes `.venv` from the pinned requirements and re-executes run.py inside it.

Standard library only: it runs before anything is installed. uv does the installing, because pip
takes most of a minute for what uv does in seconds; pip fetches uv itself, by its hash.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "recep-stamp.json"
LOCK = ROOT / ".venv.lock"

RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"
INSTALLER = "requirements-bootstrap.txt"

NO_VENV = "This Python ({python}) has no venv module. On Debian or Ubuntu: apt install python3-venv"
NO_SPACE = "The disk is full: {what} needs about 600 MB in {root}."
NO_NETWORK = (
    "The Python package index did not answer while {what}. "
    "Check the network or the proxy settings, then run again.\n\n{tail}"
)
NOT_OURS = (
    "{venv} exists, but is not a virtual environment made by run.py. Move it away, then run again."
)
NOT_WRITABLE = "{root} cannot be written ({why}). Clone the project into a folder of your own."
NO_WHEELS = (
    "There are no ready-made packages for {here}. What works: Linux with glibc 2.28 or newer "
    "(x86_64, aarch64) and macOS on Apple silicon, each with a 64-bit Python."
)
UV_SYNC = ["pip", "sync", "--quiet", "--require-hashes", "--only-binary", ":all:"]
PIP_INSTALL = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
# Everything is listed; and the encoder's weights would ask for a library of a gigabyte.
PIP_INSTALL += ["--only-binary=:all:", "--no-deps"]
NETWORK_WORDS = (
    "NewConnectionError",
    "ProxyError",
    "ConnectTimeout",
    "ReadTimeout",
    "Connection refused",
    "Name or service not known",
    "Temporary failure in name",
    "No matching distribution",
    "dns error",
    "error sending request",
    "operation timed out",
)


class Failed(Exception):
    """`.venv` cannot be made; the message says why and what to do."""


class Unreachable(Failed):
    """The package index did not answer."""


def enter(development: bool) -> None:
    """Return only inside an up-to-date `.venv`; otherwise make it so and re-execute run.py."""
    try:
        make_sure(development)
    except Failed as problem:
        sys.exit(str(problem))
    except OSError as problem:
        sys.exit(explained("making .venv", f"{problem.strerror}: {problem.filename}").args[0])
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(PYTHON, [str(PYTHON), *sys.argv])


def make_sure(development: bool) -> None:
    """Bring `.venv` to what is wanted. Raises Failed, OSError."""
    files = files_for(development)
    if is_current(files):
        return
    check_platform()
    check_venv_module()
    with locked():
        if is_current(files):
            return
        refuse_foreign()
        make_venv()
        install(files)
        STAMP.write_text(json.dumps(wanted(files)))


def files_for(development: bool) -> list[str]:
    """What has joined `.venv` before stays listed: uv removes what is not."""
    joined = DEVELOPMENT in stamped().get("files", {})
    return [RUNTIME, INSTALLER] + ([DEVELOPMENT] if development or joined else [])


def wanted(files: list[str]) -> dict[str, object]:
    """What the stamp must say: `place` decides over rebuilding, `files` over installing."""
    return {"place": place(), "files": {name: digest(ROOT / name) for name in files}}


def place() -> str:
    """A virtual environment holds its own path and its Python's, so neither may change."""
    return f"{ROOT} {sys.implementation.cache_tag} {platform.machine()}"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamped() -> dict[str, Any]:
    try:
        found = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_current(files: list[str]) -> bool:
    return PYTHON.exists() and stamped() == wanted(files)


def refuse_foreign() -> None:
    """Delete or change only what is a virtual environment, never a folder of the user's."""
    ours = (VENV / "pyvenv.cfg").is_file() or STAMP.is_file()
    empty = VENV.is_dir() and not any(VENV.iterdir())
    if os.path.lexists(VENV) and not (ours or empty):
        raise Failed(NOT_OURS.format(venv=VENV))


def make_venv() -> None:
    """Keep a virtual environment of this place and Python; make any other one anew."""
    if PYTHON.exists() and stamped().get("place") == place():
        return
    if VENV.is_symlink():
        raise Failed(NOT_OURS.format(venv=VENV))
    shutil.rmtree(VENV, ignore_errors=True)
    python = getattr(sys, "_base_executable", sys.executable)  # ours may be the one just removed
    step("making .venv", [python, "-m", "venv", "--without-pip", str(VENV)], dict(os.environ))


def install(files: list[str]) -> None:
    environment = installer_environment()
    uv = str(VENV / "bin" / "uv")
    if not os.path.exists(uv) or digest(ROOT / INSTALLER) != installer_stamp():
        step("fetching the installer", [*pip(environment), "-r", INSTALLER], environment)
    sync = [uv, *UV_SYNC]
    for certificates in ([], ["--system-certs"]):  # those of an inspecting proxy, say
        with contextlib.suppress(Unreachable):
            step(
                " ".join(["installing packages", *certificates]),
                [*sync, *certificates, *files],
                environment,
            )
            return
    # pip may know an index, a proxy or a certificate that uv does not
    listed = [argument for name in files for argument in ("-r", name)]
    step("installing packages with pip, slowly", [*pip(environment), *listed], environment)


def pip(environment: dict[str, str]) -> list[str]:
    """The calling Python's pip if it can install elsewhere: giving `.venv` its own takes long."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
        major, minor = importlib.metadata.version("pip").split(".")[:2]
        if (int(major), int(minor)) >= (22, 3):
            return [sys.executable, "-m", "pip", "--python", str(PYTHON), *PIP_INSTALL]
    step("making pip", [str(PYTHON), "-m", "ensurepip"], environment)
    return [str(PYTHON), "-m", "pip", *PIP_INSTALL]


def installer_stamp() -> str | None:
    found: str | None = stamped().get("files", {}).get(INSTALLER)
    return found


def installer_environment() -> dict[str, str]:
    """Ours alone counts: not another environment's paths, and a cache that can be written."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    kept |= {"VIRTUAL_ENV": str(VENV), "PIP_USER": "0"}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    if not can_be_made(cache / "uv"):
        kept.setdefault("UV_CACHE_DIR", str(VENV / "cache" / "uv"))
        kept.setdefault("PIP_CACHE_DIR", str(VENV / "cache" / "pip"))
    return kept


def can_be_made(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.W_OK | os.X_OK)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One run.py at a time works on `.venv`; the others wait and then find it done."""
    import fcntl  # not on Windows, which check_platform has refused by now

    try:
        lock = LOCK.open("w")
    except OSError as problem:
        why = problem.strerror or ""
        raise Failed(NOT_WRITABLE.format(root=ROOT, why=why)) from problem
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_platform() -> None:
    """Some of the packages exist as wheels for these platforms only; nothing is compiled."""
    machine, bits = platform.machine(), struct.calcsize("P") * 8
    good = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64",)}.get(sys.platform, ())
    name, version = platform.libc_ver() if sys.platform == "linux" else ("", "")
    if machine not in good or bits != 64 or (sys.platform == "linux" and not is_glibc()):
        libc = f" with {name or 'musl'} {version}".rstrip() if sys.platform == "linux" else ""
        raise Failed(NO_WHEELS.format(here=f"{platform.system()}{libc} on {machine}, {bits} bit"))


def is_glibc() -> bool:
    """The wheels ask for manylinux_2_28."""
    name, version = platform.libc_ver()
    return name == "glibc" and tuple(map(int, version.split(".")[:2])) >= (2, 28)


def check_venv_module() -> None:
    """Debian splits it off: there `venv` imports, but neither ensurepip nor pip does."""
    has = {name: importlib.util.find_spec(name) for name in ("venv", "ensurepip", "pip")}
    if not has["venv"] or not (has["ensurepip"] or has["pip"]):
        raise Failed(NO_VENV.format(python=sys.executable))


def step(what: str, command: list[str], environment: dict[str, str]) -> None:
    began = time.monotonic()
    print(f"  {what} …", end="", flush=True)
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        cwd=ROOT,
    )
    if done.returncode:
        print(" failed", flush=True)
        raise explained(what, done.stdout)
    print(f" {time.monotonic() - began:.1f} s")


def explained(what: str, output: str) -> "Failed":
    tail = output.strip()[-1500:]
    if "No space left" in output or "Disk quota exceeded" in output:
        return Failed(NO_SPACE.format(what=what, root=ROOT))
    if "Permission denied" in output:
        return Failed(NOT_WRITABLE.format(root=ROOT, why="permission denied") + f"\n\n{tail}")
    if "ensurepip" in output:
        return Failed(NO_VENV.format(python=sys.executable) + f"\n\n{tail}")
    if any(words in output for words in NETWORK_WORDS):
        return Unreachable(NO_NETWORK.format(what=what, tail=tail))
    return Failed(f"{what} failed:\n{tail}")
