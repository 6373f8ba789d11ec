"""An instance of the product for one measurement: its own data, a free port, no model."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.cli.start import is_healthy
from app.embedded import free_port
from app.phone.rest import Rest
from config import ROOT

PATIENCE = 600.0
ENDING = 40.0
LEARNING = 300.0
CALM = 5  # looks in a row that find nothing to be learnt: each web process hands over its own
# An empty value wins over `.env` and means the default: nothing of this machine's set-up leaks in.
NOTHING = {
    name: ""
    for name in (
        "DATABASE_URL", "DATABASE_ADMIN_URL", "DATABASE_REPLICA_URL", "REDIS_URL", "SECRET_KEY",
        "ENCRYPTION_KEYS", "PUBLIC_BASE_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN",
        "OPENAI_API_KEY", "OPENAI_BASE_URL", "MAIL_SERVER", "MAIL_USERNAME", "MAIL_PASSWORD",
        "APP_ENV", "ADMIN_EMAIL", "ADMIN_PASSWORD", "PROXY_HOPS",
        "WEB_WORKERS", "WEB_THREADS", "WORKERS", "DB_POOL_SIZE",
    )
}  # fmt: skip
# A measurement places more calls than a business gets, and from fewer numbers.
WIDE = {
    "LIMIT_CALLS_AT_ONCE": "10000", "LIMIT_CALLS_PER_MINUTE": "100000",
    "LIMIT_CALLER_AT_ONCE": "10000", "LIMIT_CALLER_PER_MINUTE": "100000",
    "LIMIT_CALLER_DAY_CENTS": "10000000", "LIMIT_DAY_CENTS": "10000000",
    "LIMIT_MONTH_CENTS": "10000000",
}  # fmt: skip


class NotRunning(Exception):
    """The product did not come up; the message shows the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Product:
    """`process` None: somebody else's, which is left running."""

    base_url: str
    username: str
    password: str
    process: "subprocess.Popen[bytes] | None" = None

    def log_in(self) -> Rest:
        """The super admin."""
        return Rest.log_in(self.base_url, self.username, self.password)

    def has_learnt(self) -> bool:
        """Wait until its encoder knows what was saved, as callers do not ring within seconds. One
        that is off is not waited for; another machine does not say, and is not either."""
        until, calm = time.monotonic() + LEARNING, 0
        while calm < CALM and time.monotonic() < until:
            calm = calm + 1 if self._encoder() in ("ok", "off", "") else 0
            time.sleep(0.2)
        return calm == CALM

    def _encoder(self) -> str:
        try:
            with urllib.request.urlopen(f"{self.base_url}/readyz", timeout=10) as answer:
                return str(json.load(answer).get("encoder", ""))
        except OSError:
            return "not running"


@contextlib.contextmanager
def running(changes: Mapping[str, str] | None = None) -> Iterator[Product]:
    """Started with `python run.py` on an empty DATA_DIR, ready to be called; ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="recep-bench-") as made:
        folder = Path(made)
        folder.chmod(0o711)  # the embedded PostgreSQL does not run as root, and must get through
        port = free_port(0)
        environment = on_port(port, folder / "data") | dict(changes or {})
        log = folder / "run.log"
        with launched([sys.executable, "run.py"], ROOT, environment, log) as process:
            wait_healthy(process, port, log)
            demo = json.loads((folder / "data" / "demo.json").read_text(encoding="utf-8"))
            admin = demo["admin"]
            yield Product(demo["base_url"], admin["username"], admin["password"], process)


def on_port(port: int, data_dir: Path) -> dict[str, str]:
    return dict(os.environ) | NOTHING | WIDE | {"PORT": str(port), "DATA_DIR": str(data_dir)}


@contextlib.contextmanager
def launched(
    command: list[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Ended like by Ctrl-C, so that its databases end with it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_healthy(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_healthy(port):
        if process.poll() is not None:
            raise NotRunning(f"The product ended while starting.\n{tail(log)}")
        if time.monotonic() > deadline:
            raise NotRunning(f"The product is not ready after {PATIENCE:.0f} s.\n{tail(log)}")
        time.sleep(0.02)


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
