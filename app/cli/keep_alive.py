"""For cron, where no process manager is: starts in the background what runs beside a web server of
the host's (databases of our own, workers, scheduler, encoder), unless it runs already.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from app.cli import behind, family, start
from app.embedded import process
from config import ROOT, Settings

ENDING = family.PATIENCE + 60.0
"""Seconds: after its children the databases get their time, too."""
STARTED = "Everything behind the web server has been started."


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py keep-alive", description=__doc__)
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--stop", action="store_true", help="end what runs; cron will start it again")
    one.add_argument("--foreground", action="store_true", help="do not go to the background")
    arguments = parser.parse_args(argv)
    if arguments.stop:
        return stop(settings)
    if arguments.foreground:
        return stay(settings)
    return begin(settings)


def begin(settings: Settings) -> int:
    """Without a word when it runs already: cron mails what is printed. Otherwise return when
    everything has been started, or has failed to."""
    if _is_held(settings):
        return 0
    log = _log(settings)
    with log.open("ab") as errors:
        made = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), "keep-alive", "--foreground"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert made.stdout
    with made.stdout as told:
        for line in told:
            print(line.decode(errors="replace"), end="", flush=True)
            if line.decode(errors="replace").strip() == STARTED:
                return 0
    code = made.wait()
    if code:
        print(f"It ended while starting. {log} ends with:\n{process.tail(log)}", file=sys.stderr)
    return code


def stay(settings: Settings) -> int:
    lock = _taken(settings)
    if lock is None:
        return 0
    with lock:
        for stopping in start.STOPPING:
            signal.signal(stopping, start.interrupt)
        try:
            with contextlib.ExitStack() as stack:
                behind.run(settings, stack, lambda: _to_the_log(settings))
        except KeyboardInterrupt:
            return 0
        except start.PROBLEMS as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


def stop(settings: Settings) -> int:
    """Return when all of it has ended."""
    if not _is_held(settings):
        print("Nothing runs here.")
        return 0
    os.kill(int(_lock_of(settings).read_text()), signal.SIGTERM)
    until = time.monotonic() + ENDING
    while _is_held(settings):
        if time.monotonic() > until:
            print(f"It has not ended within {ENDING:.0f} s.", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print("Ended. Cron starts it again unless its line is taken out.")
    return 0


def _to_the_log(settings: Settings) -> None:
    """Whoever started us waits for this line, and no longer reads what comes after it."""
    print(STARTED, flush=True)
    with _log(settings).open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())


def _log(settings: Settings) -> Path:
    log = settings.data_dir / "log" / "keep-alive.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    process.rotate(log)
    return log


def _lock_of(settings: Settings) -> Path:
    return settings.data_dir / "keep-alive.lock"


def _taken(settings: Settings) -> IO[str] | None:
    """The lock, held for as long as the file is open; None: somebody else has it."""
    lock = _lock_of(settings).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _is_held(settings: Settings) -> bool:
    """Looked at without taking it, so that two who look do not take each other for the other."""
    with _lock_of(settings).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
