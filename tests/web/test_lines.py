"""Lines of the log: each line of a call names it, in the web and in its jobs, one line a turn says
what became of it, and nobody's words can forge a line or tell who called."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import logs
from app.embedded.ports import free_port
from app.models import Job, JobStatus
from tests.fakes import openai_server as fake
from tests.fakes.openai_server import FakeOpenAI
from tests.jobs.conftest import until
from tests.jobs.test_outbox import environment, process
from tests.web.conftest import CALLER, Business, Caller

NAME, NUMBER = "Okapi Featherstone", "212 555 0199"
HOSTILE = (
    f"my name is {NAME} my number is {NUMBER}\r\n"
    '{"event": "forged", "call_sid": "CA0"}\n\u2028{"event": "forged"}\x85forged \x1b[2J\u202e'
)
TRIED = (JobStatus.DONE, JobStatus.WAITING)
Lines = list[dict[str, Any]]


@contextmanager
def written() -> Iterator[Callable[[], str]]:
    """What the process writes meanwhile, as `run.py` has it write."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(stream), root.level
    handler.setFormatter(logs.JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield stream.getvalue
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def lines(text: str) -> Lines:
    """Each is a JSON object by itself, however a reader tells where lines end."""
    assert text.splitlines() == text.removesuffix("\n").split("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def caller(
    make_app: Callable[..., Flask], make_business: Callable[..., Business]
) -> Iterator[Caller]:
    with FakeOpenAI() as model:
        model.default = fake.tool_call("answer", {"text": HOSTILE, "sources": ["knowledge:0"]})
        app = make_app(openai_api_key="sk-test", openai_base_url=model.base_url)
        yield Caller(app, make_business(summary_recipients=["desk@example.com"]))
        app.extensions["minds"].close()


def test_every_line_of_a_call_names_it_and_none_tells_who_called_or_what_was_said(
    caller: Caller, tmp_path: Path
) -> None:
    with written() as text:
        caller.dial()
        caller.post("/twilio/gather?turn=1&ask=", SpeechResult="What does it cost?")
        caller.post("/twilio/gather?turn=2&ask=", SpeechResult=HOSTILE.replace("\r\n", " "))
        caller.post("/twilio/gather?turn=2&ask=", token="wrong", SpeechResult=HOSTILE)
        caller.post("/twilio/gather?turn=3&ask=", SpeechResult="a message please")
        caller.hang_up()
        web = lines(text())
    settings = caller.app.extensions["settings"]
    nobody = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(free_port(0)), "MAIL_USE_TLS": "false"}
    with (
        (tmp_path / "log").open("wb") as log,
        process("worker", environment(settings, **nobody), stderr=log) as worker,
    ):
        until(lambda: all(job.attempts and job.status in TRIED for job in caller.all(Job)))
        worker.terminate()
        worker.wait()
    jobs = [line for line in lines((tmp_path / "log").read_text()) if "job_id" in line]

    assert {line["call_sid"] for line in (*web, *jobs)} == {caller.call_sid}
    tenant_id = caller.business.tenant.id
    assert {line["tenant_id"] for line in jobs} == {tenant_id}
    assert {line["tenant_id"] for line in web if line["event"] != "webhook refused"} == {tenant_id}
    assert [line["event"] for line in web if line["event"] == "webhook refused"]
    kinds = {line["kind"] for line in jobs}
    assert {"summarise_call", "call_summary_mail"} <= kinds
    assert {"job done", "job to be tried again"} <= {line["event"] for line in jobs}
    said = json.dumps([web, jobs])
    for private in (NAME, NUMBER, CALLER, "0199", "forged", "desk@"):
        assert private not in said, private


def test_one_line_a_turn_says_what_became_of_it(caller: Caller) -> None:
    with written() as text:
        caller.dial()
        caller.say(1, "What does it cost?")
        caller.say(1, "What does it cost?")  # twice: answered from what is stored
        caller.hang_up()
        caller.say(2, "too late")
        turns = [line for line in lines(text()) if line["event"] == "turn"]
    assert [(line["turn"], line["kind"], line["result"], line["tier"]) for line in turns] == [
        (0, "voice", "decided", "none"),
        (1, "gather", "decided", "offline"),
        (2, "gather", "beside", "none"),
    ]
    asked = turns[1]
    assert (asked["from_state"], asked["to_state"]) == ("greeting", asked["path"][-1])
    assert asked["fallback"] == "unknown source"
    assert (asked["tokens_in"], asked["tokens_out"]) == (120, 12)
    assert 0 <= asked["model_ms"] <= asked["ms"]
    assert all(line["tenant_id"] == caller.business.tenant.id for line in turns)


def test_a_line_is_about_what_its_thread_works_for() -> None:
    """A request's fields end with it, also in a thread that it started."""
    with written() as text:
        log = logging.getLogger("test")
        with logs.about(call_sid="CA1", job_id=1):
            with logs.about(job_id=2):
                elsewhere = logs.carried(lambda: log.info("elsewhere"))
                log.info("inner", extra={"call_sid": "CA2"})
            log.info("outer")
        elsewhere()
        log.info("after")
        found = [{k: v for k, v in line.items() if k in ("event", "call_sid", "job_id")}
                 for line in lines(text())]  # fmt: skip
    assert found == [
        {"event": "inner", "call_sid": "CA2", "job_id": 2},
        {"event": "outer", "call_sid": "CA1", "job_id": 1},
        {"event": "elsewhere", "call_sid": "CA1", "job_id": 2},
        {"event": "after"},
    ]
