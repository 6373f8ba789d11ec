"""Panel and REST leave calls their share; who finds them full, or the database away, is told so."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from app import breaker, database
from app.extensions import db
from app.views.turnstile import COME_BACK, Turnstile
from tests.factories import Rows
from tests.web.speaking import Browser, log_in

LOGIN = "/api/v1/security/login"
GUESS = {"username": "somebody", "password": "wrong horse", "provider": "db"}
WORDS = Response("page", 503), Response("message", 503)


@pytest.fixture
def person(app: Flask, rows: Rows) -> Browser:
    """Signed in."""
    user = rows.user(rows.tenant())
    return log_in(app.test_client(), user.username)


@contextmanager
def no_connection_left(app: Flask) -> Iterator[None]:
    with app.app_context():
        engine = db.engine
    pool = engine.pool
    with ExitStack() as stack:
        while pool.checkedout() < pool.size() + pool._max_overflow:  # type: ignore[attr-defined]
            stack.enter_context(engine.connect())
        yield


@contextmanager
def away(_app: Flask) -> Iterator[None]:
    guard = breaker.of("database", database.FAILURES, 60.0)
    try:
        for _ in range(database.FAILURES):
            guard.failed()
        yield
    finally:
        guard.passed()


@pytest.mark.parametrize("trouble", [no_connection_left, away])
def test_without_a_database_rest_and_pages_say_when_to_come_back(
    app: Flask, person: Browser, trouble: Callable[[Flask], AbstractContextManager[None]]
) -> None:
    with trouble(app):
        message = app.test_client().post(LOGIN, json=GUESS)
        page = person.get("/")
    for answer in (message, page):
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, str(COME_BACK))
        assert "We are busy right now" in answer.text
        assert "Content-Security-Policy" in answer.headers
    assert message.is_json


class Slow:
    """An application in which everybody stays until they are let go."""

    def __init__(self) -> None:
        self.arrived, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self.arrived.release()
        self.go.wait(60)
        return Response("served")(environ, start_response)


def test_a_full_panel_turns_people_away_and_never_calls() -> None:
    slow = Slow()
    turnstile = Turnstile(slow, WORDS, places=1, threads=2)
    answers: dict[str, TestResponse] = {}

    def ask(path: str) -> None:
        answers[path] = Client(turnstile).get(path)

    inside = threading.Thread(target=ask, args=["/first"])
    inside.start()
    slow.arrived.acquire()
    waiting = threading.Thread(target=ask, args=["/second"])
    waiting.start()
    while turnstile._threads._value:
        pass
    ask("/third")
    assert answers["/third"].text == "page"
    call = threading.Thread(target=ask, args=["/twilio/voice"])
    call.start()
    slow.arrived.acquire()
    slow.go.set()
    for thread in (inside, waiting, call):
        thread.join()
    served = [answers[path].text for path in ("/first", "/second", "/twilio/voice")]
    assert served == ["served"] * 3


def test_a_file_holds_its_place_until_it_is_sent() -> None:
    def inside(environ: Any, start_response: Any) -> Iterable[bytes]:
        return Response(iter([b"a", b"b"]))(environ, start_response)

    turnstile = Turnstile(inside, WORDS, places=1, threads=1)
    file = Client(turnstile).get("/a-file")
    assert Client(turnstile).get("/another").text == "page"
    assert file.text == "ab"
    assert Client(turnstile).get("/another").text == "ab"
