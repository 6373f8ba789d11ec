"""The telephone in the browser: a test call over the real webhooks of the server that serves it."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import psycopg2
import pytest
from flask import Flask
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from app import models
from app.models import CallState, Channel, Outcome, TransferStatus
from app.views import calling
from app.views.calling import Unable
from tests.conftest import Services
from tests.factories import Rows
from tests.isolation.crawler import csrf_of
from tests.served import serving
from tests.web.conftest import Business, Caller
from tests.web.speaking import Browser, Rest, log_in

QUESTION, ANSWER = "Do you offer parking?", "Yes, parking is behind the house and costs nothing."
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def app(make_app: Callable[..., Flask], port: socket.socket) -> Flask:
    return make_app(port=port.getsockname()[1])


@pytest.fixture
def served(app: Flask, port: socket.socket) -> Iterator[None]:
    """At another address than the one that it signs for: as behind a proxy."""
    with serving(app, port):
        yield


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@dataclass
class Phone:
    """The page of one person: asks what its script asks, and keeps what that keeps."""

    browser: Browser
    csrf: str
    state: dict[str, Any] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def send(self, path: str, **fields: str) -> Any:
        return self.browser.post(path, data={"csrf_token": self.csrf, **fields})

    def dial(self, number: str, **fields: str) -> str:
        return self._heard(self.send("/telephone/dial", number=number, **fields))

    def act(self, act: str, **fields: str) -> str:
        return self._heard(self.turn(act, **fields))

    def turn(self, act: str, **fields: str) -> Any:
        return self.send("/telephone/turn", line=self.state["line"], act=act, **fields)

    def say(self, words: str, **fields: str) -> str:
        return self.act("say", words=words, **fields)

    def _heard(self, answer: Any) -> str:
        """All lines of a turn; a slow machine may need fillers for any."""
        html = ""
        while True:
            assert answer.status_code == 200, answer.text
            self.state = answer.get_json()
            self.seen.append(answer.text)
            html += self.state["html"]
            if not self.state.get("holds"):
                return html
            answer = self.turn("wait")


@pytest.fixture
def make_phone(app: Flask, rows: Rows) -> Callable[..., Phone]:
    def make(tenant: models.Tenant, role: str = "Agent") -> Phone:
        browser = log_in(app.test_client(), rows.user(tenant, role).username)
        return Phone(browser, csrf_of(browser))

    return make


@pytest.fixture
def make_business(make_business: Callable[..., Business]) -> Callable[..., Business]:
    return lambda **more: make_business(knowledge={QUESTION: ANSWER}, **more)


@pytest.fixture
def business(make_business: Callable[..., Business]) -> Business:
    return make_business()


@pytest.fixture
def phone(served: None, make_phone: Callable[..., Phone], business: Business) -> Phone:
    return make_phone(business.tenant)


def calls_of(app: Flask, business: Business) -> list[models.CallSession]:
    return Caller(app, business).all(models.CallSession)


def test_a_call_is_answered_from_knowledge_and_shown_with_its_evidence(
    app: Flask, phone: Phone, business: Business, rows: Rows
) -> None:
    rows.number(business.tenant)
    number = {"number": business.number.number}
    page = phone.browser.get("/telephone/", query_string=number).text
    assert re.search(rf'value="\{business.number.number}" selected', page)
    assert "English (United States)" in page
    assert "not counted" in page
    greeting = phone.dial(business.number.number, caller="+1 212 555 0142")
    assert "How can I help you?" in greeting
    assert "Greeting" in greeting
    assert phone.state["spoken"][0]["language"] == "en-US"
    answer = phone.say("do you have parking")
    assert 'data-line="caller-1"' in answer
    assert "do you have parking" in answer
    assert f"From “{QUESTION}”, version 1" in answer
    assert "/knowledgeentrypage/show/" in answer
    assert re.search(r"Answering</span>.*\d ms", answer, re.S)
    hostile = phone.say(f"{HOSTILE} how heavy is a unicorn")
    assert HOSTILE not in hostile
    assert "&lt;script&gt;" in hostile
    assert "stay silent" in phone.act("silence")
    unanswered = hostile + phone.say("how heavy is a unicorn")
    assert "No answer in your knowledge." in unanswered
    assert "/knowledgeentrypage/add?question=" in unanswered
    over = phone.act("hang_up")
    assert "Call ended" in over
    assert phone.state["over"]
    assert phone.state["line"] == ""

    (call,) = calls_of(app, business)
    assert (call.channel, call.state, call.caller) == (
        Channel.TEST,
        CallState.ENDED,
        "+12125550142",
    )
    assert call.outcome is not None
    assert call.placed_by.startswith("user:")
    shown = phone.browser.get(phone.state["call"]).text
    assert f"From “{QUESTION}”, version 1" in shown
    assert "Place another test call" in shown
    assert "by user" in shown
    assert Caller(app, business).all(models.KnowledgeGap) == []
    assert Caller(app, business).all(models.SpendLedger) == []
    told = "".join(phone.seen) + page + shown
    for secret in (business.token, business.account_sid):
        assert secret not in told


def test_keys_and_what_becomes_of_a_transfer_are_chosen(
    app: Flask, phone: Phone, business: Business
) -> None:
    phone.dial(business.number.number)
    tried = phone.act("press", keys="1", transfer="busy")
    assert "by keys" in tried
    assert "Rang Sales. The line was busy." in tried
    phone.act("hang_up")
    phone.dial(business.number.number)
    put_through = phone.say("Sales please", transfer="answered")
    assert "Put through to Sales" in put_through
    assert phone.state["over"]
    attempts = Caller(app, business).all(models.TransferAttempt)
    assert [attempt.status for attempt in attempts] == [
        TransferStatus.BUSY, TransferStatus.ANSWERED,
    ]  # fmt: skip
    assert calls_of(app, business)[-1].outcome == Outcome.TRANSFERRED


def test_a_message_after_the_tone_is_shown_and_its_sound_is_not_looked_for(
    app: Flask, phone: Phone, business: Business
) -> None:
    phone.dial(business.number.number, caller="")
    phone.say("I want to leave a message")
    said = "zebra"
    for _ in range(8):
        if phone.state["records"]:
            break
        phone.say(said)
    assert phone.state["records"]
    turn = phone.state["turn"]
    left = phone.say("please call me back about the boiler")
    assert f'data-line="caller-{turn}"' in left  # in place of what was typed
    assert "please call me back about the boiler" in left
    assert "its words are not kept" in left
    assert phone.state["over"]
    (call,) = calls_of(app, business)
    assert (call.caller, call.outcome) == ("anonymous", Outcome.LEAD)
    (lead,) = Caller(app, business).all(models.Lead)
    assert lead.test
    assert "<audio" not in phone.browser.get(phone.state["call"]).text


def test_another_person_another_tenant_and_a_forger_cannot_drive_the_call(
    app: Flask, phone: Phone, business: Business, rows: Rows,
    make_phone: Callable[..., Phone], make_business: Callable[..., Business],
) -> None:  # fmt: skip
    phone.dial(business.number.number)
    line = phone.state["line"]
    other = make_business()
    for stranger in (make_phone(business.tenant), make_phone(other.tenant)):
        answer = stranger.send("/telephone/turn", line=line, act="say", words="hello")
        assert (answer.status_code, answer.get_json()["over"]) == (410, True)
    signer = URLSafeTimedSerializer(str(app.secret_key), salt="telephone")
    kept = signer.loads(line)
    stolen = signer.dumps(kept | {"call_sid": rows.call(business.tenant).call_sid})
    old = URLSafeTimedSerializer(str(app.secret_key), salt="telephone", signer=TenMinutesAgo)
    for wrong in (line[:-2] + "xx", "", "x" * 100_000, old.dumps(kept), stolen):
        answer = phone.send("/telephone/turn", line=wrong, act="say", words="hello")
        assert (answer.status_code, "line" in answer.get_json()) == (410, False), wrong[:50]
    assert len(Caller(app, business).all(models.Transcript)) == 1
    assert phone.browser.post("/telephone/dial", data={"number": "x"}).status_code == 400
    viewer = make_phone(business.tenant, "Viewer")
    answer = viewer.send("/telephone/turn", line=line, act="say", words="hello")
    assert answer.status_code == 403
    assert viewer.browser.get("/telephone/").status_code == 403
    assert 'href="/telephone/"' not in viewer.browser.get("/").text
    assert 'href="/telephone/"' in phone.browser.get("/").text


class TenMinutesAgo(TimestampSigner):
    def get_timestamp(self) -> int:
        return int(time.time()) - 601


def test_bad_input_is_answered_in_sentences_and_starts_no_call(
    app: Flask, phone: Phone, business: Business, make_business: Callable[..., Business]
) -> None:
    number = business.number.number
    for fields in (
        {"number": make_business().number.number},
        {"number": "+19995550100"},
        {"number": ""},
        {"number": number, "caller": "call me"},
        {"number": number, "transfer": "dial +1900"},
    ):
        answer = phone.send("/telephone/dial", **fields)
        assert answer.status_code == 422, fields
        assert answer.get_json()["error"].endswith(".")
    assert calls_of(app, business) == []
    phone.dial(number)
    for fields in (
        {"act": "press", "keys": "12A"},
        {"act": "press"},
        {"act": "say", "words": " "},
        {"act": "say", "words": "a\0b"},
        {"act": "explode"},
        {"act": "wait"},
    ):
        answer = phone.turn(**fields)
        assert answer.status_code == 422, fields
        assert answer.get_json()["error"].endswith(".")
    assert "behind the house" in phone.say(QUESTION)


def test_five_test_calls_of_a_person_may_go_on(
    app: Flask, phone: Phone, business: Business, make_phone: Callable[..., Phone]
) -> None:
    number = business.number.number
    phone.dial(number)
    for _ in range(4):
        assert phone.send("/telephone/dial", number=number).status_code == 200
    refused = phone.send("/telephone/dial", number=number)
    assert refused.status_code == 422
    assert "5 test calls" in refused.get_json()["error"]
    make_phone(business.tenant).dial(number)  # somebody else may
    phone.act("hang_up")
    phone.dial(number)


def test_a_super_admin_calls_for_the_tenant_acted_for_and_scripts_have_their_own_share(
    app: Flask, served: None, rows: Rows
) -> None:
    """Without an account at Twilio, too: then only the built-in telephone can call."""
    tenant = rows.tenant()
    number = rows.number(tenant).number
    username = rows.super_admin().username
    browser = log_in(app.test_client(), username)
    assert browser.get("/telephone/").location.endswith("/act-as/")
    browser.act_as(tenant.id)
    phone = Phone(browser, csrf_of(browser))
    assert "Thank you for calling" in phone.dial(number)
    shown = browser.get(phone.state["call"]).text
    assert "somebody who is not among your people" in shown
    rest = Rest(app.test_client(use_cookies=False)).sign_in(username).acting_for(tenant.id)
    answers = [rest.ask("POST", "calls/test", json={"number": number}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201] * 4 + [422]
    assert "number" in answers[-1].get_json()["message"]


FILLER = "<Response><Say>One moment.</Say><Redirect>/twilio/voice?wait=1</Redirect></Response>"
BYE = "<Response><Say>Hello there.</Say><Hangup/></Response>"


@dataclass
class Elsewhere:
    """A web server in the place of ours: what it is asked, and what waits in the database then."""

    database: str
    status: int = 200
    documents: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        self.asked.append({"path": handler.path} | dict(handler.headers))
        self.waiting.append(self._idle())
        body = (self.documents.pop(0) if self.documents else BYE).encode()
        handler.send_response(self.status)
        handler.send_header("Content-Type", "text/xml")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _idle(self) -> int:
        connection = psycopg2.connect(self.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and state like 'idle in transaction%'"
                )
                return int((cursor.fetchone() or (-1,))[0])
        finally:
            connection.close()


@pytest.fixture
def elsewhere(services: Services, port: socket.socket) -> Iterator[Elsewhere]:
    kept = Elsewhere(services.admin_url())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(port.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = port.dup()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_transaction_waits_for_the_webhooks_and_fillers_are_heard_as_they_come(
    elsewhere: Elsewhere, business: Business, make_phone: Callable[..., Phone]
) -> None:
    phone = make_phone(business.tenant)
    elsewhere.documents = [FILLER]
    number = business.number.number
    first = phone.send("/telephone/dial", number=number)
    assert first.get_json()["holds"]
    assert "While it thinks: “One moment.”" in first.get_json()["html"]
    assert [one["path"] for one in elsewhere.asked] == ["/twilio/voice"]
    phone.state = first.get_json()
    unheard = phone.turn("say", words="are you there")  # nobody listens while it thinks
    assert "Hello there." in unheard.get_json()["html"]
    assert "are you there" not in phone._heard(unheard)
    assert phone.state["over"]
    assert [one["path"] for one in elsewhere.asked] == [
        "/twilio/voice", "/twilio/voice?wait=1", "/twilio/call-status",
    ]  # fmt: skip
    assert elsewhere.waiting == [0, 0, 0]
    assert {one["Host"] for one in elsewhere.asked} == {"127.0.0.1:8080"}  # of PUBLIC_BASE_URL
    assert not any("Cookie" in one for one in elsewhere.asked)
    for status, told in ((403, "signature"), (500, "did not answer")):
        elsewhere.status = status
        phone.dial(number)
        assert phone.state["over"]
        assert told in phone.state["error"]
    elsewhere.status = 200
    elsewhere.documents = ["<Response><Redirect>http://example.com/</Redirect></Response>"]
    away = phone.send("/telephone/dial", number=number)
    phone._heard(away)
    assert (phone.state["over"], bool(phone.state["error"])) == (True, True)


def test_half_of_the_threads_may_wait_for_the_other_half(app: Flask) -> None:
    before = app.extensions.pop("telephones", None)
    with app.test_request_context():
        with pytest.raises(Unable, match="WEB_THREADS"), calling.room(1):
            raise AssertionError("nobody could answer")
        with calling.room(2), pytest.raises(Unable, match="Many test calls"), calling.room(2):
            raise AssertionError("nobody could answer")
        with calling.room(2):
            pass
    if before is None:
        del app.extensions["telephones"]
    else:
        app.extensions["telephones"] = before
