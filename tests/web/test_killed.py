"""A web process that dies while it thinks costs the caller a filler, not the turn."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from flask import Flask

from app import models
from app.embedded import free_port
from app.phone.signature import sign
from config import ROOT, Settings
from tests.fakes import openai_server as fake
from tests.fakes.openai_server import FakeOpenAI
from tests.web.conftest import Business, Caller

PATIENCE = 120  # seconds for what takes one or two on a machine that has nothing else to do


@dataclass
class Node:
    """A real web server of one process, killed and started again by whoever tests."""

    settings: Settings
    port: int
    openai: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = os.environ | {
            "DATABASE_URL": self.settings.database_url, "REDIS_URL": self.settings.redis_url,
            "DATA_DIR": str(self.settings.data_dir), "PORT": str(self.port),
            "PUBLIC_BASE_URL": self.base_url, "WEB_WORKERS": "1", "WEB_THREADS": "8",
            "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": self.openai,
        }  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "run.py"), "web"], cwd=ROOT, env=environment,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self._answers():
                return
            time.sleep(0.1)  # until it listens, or the test fails with its log
        raise AssertionError(self.log.read_text()[-2000:])

    def post(self, caller: Caller, path: str, **fields: str) -> str:
        """As Twilio: signed, over HTTP."""
        path = path.removeprefix(self.base_url).partition("#")[0]
        form = caller.form(**fields)
        signature = sign(self.base_url + path, form, caller.business.token)
        answer = requests.post(
            self.base_url + path, data=form, headers={"X-Twilio-Signature": signature},
            timeout=PATIENCE,
        )  # fmt: skip
        answer.raise_for_status()
        return answer.text

    def kill_workers(self) -> None:
        """As the kernel does when memory runs out; gunicorn's master starts others."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text().split():
            os.kill(int(pid), signal.SIGKILL)

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture
def openai() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


@pytest.fixture
def node(app: Flask, settings: Settings, openai: FakeOpenAI, tmp_path: Path) -> Iterator[Node]:
    made = Node(settings, free_port(8300), openai.base_url, tmp_path / "web.log")
    made.start()
    yield made
    made.kill()


def test_a_process_killed_while_thinking_costs_fillers_and_not_the_turn(
    app: Flask, node: Node, openai: FakeOpenAI, make_business: Callable[..., Business]
) -> None:
    business = make_business(
        knowledge={"Do you offer parking?": "Yes, parking is behind the house."}
    )
    caller = Caller(app, business)
    node.post(caller, "/twilio/voice")
    openai.script(fake.tool_call("finish", {}, slow=60))
    answer = node.post(caller, "/twilio/gather?turn=1", SpeechResult="Do you offer parking?")
    assert is_filler(answer)
    assert openai.was_asked(within=PATIENCE)
    node.kill_workers()
    for _ in range(8):
        if not is_filler(answer):
            break
        answer = node.post(caller, ElementTree.fromstring(answer).findtext("Redirect") or "")
    assert "behind the house" in answer
    assert len(openai.requests) == 1
    call = caller.row()
    assert call is not None
    assert call.turn == 2
    assert len(caller.all(models.Transcript, call_id=call.id, speaker="caller")) == 1


def is_filler(answer: str) -> bool:
    return [element.tag for element in ElementTree.fromstring(answer)] == ["Say", "Redirect"]
