"""Traces: a call, its turns, the model's time and its jobs under the CallSid's own 128 bits, sent
to a real receiver of OTLP over HTTP, which costs nobody anything when it is away."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app import breaker
from app.jobs import running
from app.tracing import export, spans
from app.tracing.spans import Span
from tests.fakes import openai_server as fake
from tests.fakes.hook_server import HookServer
from tests.fakes.openai_server import FakeOpenAI
from tests.web.conftest import CALLER, Business, Caller

KEY = "a-collectors-key"


@pytest.fixture(scope="module")
def _collector() -> Iterator[HookServer]:
    with HookServer() as server:
        yield server


@pytest.fixture
def collector(_collector: HookServer) -> Iterator[HookServer]:
    _collector.reset()
    spans.taken(spans.MOST)
    spans.dropped()
    breaker.forget()
    yield _collector
    spans.switch(False)
    spans.taken(spans.MOST)


@pytest.fixture
def traced(make_app: Callable[..., Flask], collector: HookServer) -> Flask:
    app = make_app(
        otel_exporter_otlp_endpoint=collector.url + "/",
        otel_exporter_otlp_headers=(("X-Api-Key", KEY),),
    )
    spans.switch(True)
    return app


def sent(collector: HookServer) -> list[dict[str, Any]]:
    found = []
    for one in collector.received:
        [whole] = json.loads(one.body)["resourceSpans"]
        assert {"key": "service.name", "value": {"stringValue": "receptionist"}} in whole[
            "resource"
        ]["attributes"]
        [scope] = whole["scopeSpans"]
        found += scope["spans"]
    return found


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


def test_a_call_is_one_trace_whose_id_is_its_call_sid(
    make_app: Callable[..., Flask], collector: HookServer, make_business: Callable[..., Business]
) -> None:
    with FakeOpenAI() as model:
        model.default = fake.tool_call("finish", {})
        app = make_app(
            otel_exporter_otlp_endpoint=collector.url, otel_exporter_otlp_headers=(),
            openai_api_key="sk-test", openai_base_url=model.base_url,
        )  # fmt: skip
        spans.switch(True)
        caller = Caller(app, make_business(summary_recipients=["desk@example.com"]))
        caller.dial()
        caller.say(1, "my name is Okapi Featherstone")
        caller.hang_up()
        with app.app_context():
            running.run_due()
            export.send()
        app.extensions["minds"].close()
    found = sent(collector)
    trace_id = caller.call_sid.removeprefix("CA")
    assert {span["traceId"] for span in found} == {trace_id}
    by_name = {span["name"]: span for span in found}
    assert {"call", "turn", "model", "job summarise_call", "job call_summary_mail"} <= set(by_name)
    call, model_span = by_name["call"], by_name["model"]
    turns = [span for span in found if span["name"] == "turn"]
    assert [attributes(turn)["turn"] for turn in turns] == ["0", "1"]
    jobs = [span for span in found if span["name"].startswith("job ")]
    assert {span["parentSpanId"] for span in (*turns, *jobs)} == {call["spanId"]}
    assert model_span["parentSpanId"] == turns[1]["spanId"]
    for span in found:
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) <= time.time_ns()
    assert len({span["spanId"] for span in found}) == len(found)
    assert (call["parentSpanId"], attributes(call)["call_sid"]) == ("", caller.call_sid)
    text = json.dumps(found)
    assert "Okapi" not in text
    assert CALLER not in text


def test_a_collector_that_is_away_costs_nobody_anything(
    traced: Flask, collector: HookServer
) -> None:
    def note(many: int) -> None:
        for number in range(many):
            spans.note(Span(f"span {number}", "ab" * 16, 1, 2))

    def send() -> int:
        """How many requests came of it."""
        before = len(collector.received)
        with traced.app_context():
            export.send()
        return len(collector.received) - before

    note(3)
    assert send() == 1
    [first] = collector.received
    assert (first.path, first.headers["X-Api-Key"]) == ("/hook/v1/traces", KEY)
    collector.status = 503
    note(3)
    assert [send(), send()] == [1, 1]
    assert send() == 0  # left alone
    breaker.forget()
    collector.status = 200
    assert send() == 1
    assert [s["name"] for s in sent(collector)[-3:]] == ["span 0", "span 1", "span 2"]
    collector.status = 400  # it will never take these
    note(3)
    assert [send(), send()] == [1, 0]
    note(spans.MOST + 7)
    assert spans.dropped() == 7
    collector.status = 200
    assert send() == export.MOST_BATCHES
    assert sent(collector)[-1]["name"] == f"span {spans.MOST + 6}"


def test_without_a_collector_nothing_is_noted(
    make_app: Callable[..., Flask], collector: HookServer, make_business: Callable[..., Business]
) -> None:
    caller = Caller(make_app(), make_business())
    spans.switch(False)
    caller.dial()
    caller.hang_up()
    assert spans.taken(1) == []
    assert spans.trace_of("CA" + "0" * 32) != "0" * 32
    assert re.fullmatch("[0-9a-f]{32}", spans.trace_of("no call"))
    assert spans.root_of("0" * 16 + "ab" * 8) == "ab" * 8
