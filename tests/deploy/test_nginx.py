"""deploy/nginx/receptionist.conf in a real nginx: a dying node costs a caller nothing, and when no
node answers nginx does."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from app.embedded import free_port
from app.phone.signature import sign
from app.voice import notices
from bench.drills import nginx as site
from tests.web.conftest import BASE_URL, Business, Caller
from tests.web.conftest import make_business as make_business

PATIENCE = 30
OK = "<Response><Pause/></Response>"
Post = Callable[[str], requests.Response]


class Node:
    """A web node that answers, `dies` on each request, `hangs`, or `cannot hear` what is told."""

    def __init__(self, manner: str = "answers") -> None:
        self.asked: list[str] = []
        self.over = threading.Event()
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                node.asked.append(self.path)
                if manner == "dies":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if manner == "hangs":
                    node.over.wait(PATIENCE)
                deaf = manner == "cannot hear" and self.path.endswith("-status")
                self.send_response(503 if deaf else 200)
                self.send_header("Content-Length", str(len(OK)))
                self.end_headers()
                self.wfile.write(OK.encode())

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "Node":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def nginx(folder: Path, *nodes: int) -> Iterator[Post]:
    """In front of these ports, without TLS and in less of a hurry to wait for nobody."""
    port = free_port(0)
    try:
        command = site.command(folder, port, nodes, read_timeout="proxy_read_timeout 1s;")
    except site.Missing:
        pytest.skip("not run: no nginx")
    with started(command, port):
        yield lambda path, **given: requests.post(  # type: ignore[misc]
            f"http://127.0.0.1:{port}{path}", timeout=PATIENCE, allow_redirects=False,
            **({"data": {"CallSid": "CA1"}} | given),
        )  # fmt: skip


@contextmanager
def started(command: list[str], port: int) -> Iterator[None]:
    """Until it listens on `port`."""
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


def verbs(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/xml"
    return [element.tag for element in ElementTree.fromstring(answer.content)]


def test_when_no_node_answers_callers_are_asked_for_a_message(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port(0)) as post:
        for path in ("voice", "gather?turn=3&ask=phone", "transfer-status?turn=2", "fallback"):
            answer = post(f"/twilio/{path}")
            assert verbs(answer) == ["Say", "Record", "Hangup"]
            document = ElementTree.fromstring(answer.content)
            assert document.findtext("Say") == notices.apology("en-US")
            record = document.find("Record")
            assert record is not None
            assert record.get("action") == "/twilio/message?turn=0"  # else it begins anew
        assert verbs(thanks := post("/twilio/message?turn=0")) == ["Say", "Hangup"]
        assert notices.thanks("en-US") in thanks.text
        assert verbs(post("/twilio/screen?attempt=1")) == ["Hangup"]
        for told in ("call-status", "recording-status"):
            assert post(f"/twilio/{told}").status_code == 503
        assert post("/login/").status_code == 502
        assert post("/metrics").status_code == 404  # of no node's, and nobody's outside


def test_a_node_that_cannot_hear_what_twilio_tells_still_answers_callers(tmp_path: Path) -> None:
    with ExitStack() as stack:
        nodes = [stack.enter_context(Node("cannot hear")) for _ in range(2)]
        post = stack.enter_context(nginx(tmp_path, *(node.port for node in nodes)))
        for _ in range(6):
            assert post("/twilio/call-status").status_code == 503
            assert post("/twilio/recording-status").status_code == 503
        assert post("/twilio/gather?turn=1&ask=phone").text == OK


@pytest.mark.parametrize("manner", ["dies", "hangs"])
def test_what_a_node_leaves_unanswered_goes_to_another_one(tmp_path: Path, manner: str) -> None:
    with ExitStack() as stack:
        bad, good = stack.enter_context(Node(manner)), stack.enter_context(Node())
        post = stack.enter_context(nginx(tmp_path, bad.port, good.port))
        for _ in range(2):  # one of the two begins with the bad one
            assert post("/twilio/gather?turn=1&ask=phone").text == OK
        assert bad.asked == ["/twilio/gather?turn=1&ask=phone"]
        assert good.asked == 2 * ["/twilio/gather?turn=1&ask=phone"]


def test_what_people_change_is_never_sent_twice(tmp_path: Path) -> None:
    with ExitStack() as stack:
        bad, good = stack.enter_context(Node("dies")), stack.enter_context(Node())
        post = stack.enter_context(nginx(tmp_path, bad.port, good.port))
        codes = sorted(post("/leadpage/add").status_code for _ in range(2))
        assert codes == [200, 502]
        assert len(bad.asked) == len(good.asked) == 1


def test_a_call_passes_with_its_signature(
    tmp_path: Path, app: Flask, make_business: Callable[..., Business]
) -> None:
    business = make_business()
    caller, server = Caller(app, business), make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with nginx(tmp_path, server.server_port, free_port(0)) as post:
            for path, said in (
                ("/twilio/voice", {}),
                ("/twilio/gather?turn=1&ask=", {"SpeechResult": "Are you open?"}),
            ):
                form = caller.form(**said)
                signed = {"X-Twilio-Signature": sign(BASE_URL + path, form, business.token)}
                answer = post(path, data=form, headers=signed)  # type: ignore[call-arg]
                assert "Gather" in answer.text, answer.text
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
