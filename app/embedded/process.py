"""Starting a server so that it ends with us, and ending it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from app.embedded.errors import EmbeddedServiceError
from app.embedded.place import Identity, clean_environment

LONGEST_LOG = 10_000_000
PR_SET_PDEATHSIG = 1


def spawn(
    command: list[str | Path], log: Path, who: Identity, last_signal: signal.Signals, text: str = ""
) -> "subprocess.Popen[bytes]":
    """Start `command` in a session of its own (Ctrl-C is ours to handle), fed with `text`.

    On Linux the kernel sends `last_signal` when we die, even by SIGKILL. It means our *thread*,
    so this must not be called on one that ends earlier.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedServiceError("A server can only be started from the main thread.")
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    rotate(log)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd="/",
            env=clean_environment(),
            stdin=subprocess.PIPE if text else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_us(last_signal),
            user=who.user,
            group=who.group,
            extra_groups=None if who.user is None else [],
        )
    if process.stdin:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(text.encode())
    return process


def end_with_us(last_signal: signal.Signals) -> Callable[[], None] | None:
    """For `preexec_fn`: the user is changed before it runs, which would clear the wish."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def wish() -> None:
        prctl(PR_SET_PDEATHSIG, last_signal)
        if os.getppid() != parent:  # we died in between
            os._exit(1)

    return wish


def end(process: "subprocess.Popen[bytes]", politely: signal.Signals, patience: float) -> None:
    """Ask, wait `patience` seconds, insist."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(politely)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LONGEST_LOG:
            log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path, lines: int = 15) -> str:
    """The end of `log`, for a message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
