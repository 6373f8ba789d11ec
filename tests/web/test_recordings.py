"""Recordings over HTTP: who may hear and delete them, and where the sound is fetched from."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

from app import models
from tests.factories import Rows
from tests.fakes.twilio_rest import SOUND, TwilioRest
from tests.web.conftest import Business
from tests.web.speaking import Rest, log_in


@pytest.fixture
def app(make_app: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    return make_app(twilio_api_url=twilio.url)


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def kept(business: Business, rows: Rows, twilio: TwilioRest) -> models.Recording:
    twilio.accounts[business.account_sid] = business.token
    call = rows.call(business.tenant)
    sid = twilio.has_recording(business.account_sid, call.call_sid, status="completed")
    return rows.recording(
        business.tenant, call_id=call.id, recording_sid=sid, status="completed", duration=3
    )


@pytest.fixture
def ears() -> Iterator[Any]:
    """A listener that nobody must reach."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sound.mp3", heard
    server.shutdown()
    server.server_close()


def person(app: Flask, rows: Rows, tenant: models.Tenant, role: str = "Viewer") -> Any:
    return log_in(app.test_client(), rows.user(tenant, role).username)


def path(kept: models.Recording) -> str:
    return f"/recordings/{kept.id}/media"


def test_a_recording_is_heard_through_us(app, rows, business, kept):
    viewer = person(app, rows, business.tenant)
    answer = viewer.get(path(kept))
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "audio/mpeg", SOUND)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert path(kept) in viewer.get(f"/recordingpage/show/{kept.id}").text


def test_a_part_of_it_can_be_asked_for(app, rows, business, kept):
    viewer = person(app, rows, business.tenant)
    answer = viewer.get(path(kept), headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.data) == (206, SOUND[10:20])
    assert answer.headers["Content-Range"] == f"bytes 10-19/{len(SOUND)}"
    answer = viewer.get(path(kept), headers={"Range": "bytes=99999-"})
    assert (answer.status_code, answer.data) == (416, b"")


def test_a_malformed_range_is_not_passed_on(app, rows, business, kept):
    viewer = person(app, rows, business.tenant)
    assert viewer.get(path(kept), headers={"Range": "bytes=0-1,5-9"}).status_code == 200


def test_a_foreign_recording_is_not_found_and_twilio_not_asked(app, rows, kept, twilio):
    stranger = rows.tenant()
    assert person(app, rows, stranger).get(path(kept)).status_code == 404
    assert twilio.asked == []
    assert person(app, rows, stranger).get(f"/recordings/{2**40}/media").status_code == 404


def test_nobody_hears_it_without_logging_in(client, kept, twilio):
    assert client.get(path(kept)).status_code == 302
    assert client.get(f"/api/v1{path(kept)}").status_code == 401
    assert twilio.asked == []


def test_scripts_hear_it_by_rest(app, client, rows, business, kept):
    rest = Rest(client).sign_in(rows.user(business.tenant, "Viewer").username)
    answer = rest.ask("GET", f"recordings/{kept.id}/media")
    assert (answer.status_code, answer.data) == (200, SOUND)
    stranger = Rest(client).sign_in(rows.user(rows.tenant(), "Viewer").username)
    assert stranger.ask("GET", f"recordings/{kept.id}/media").status_code == 404


def test_a_redirect_is_not_followed_and_no_password_leaves(app, rows, business, kept, twilio, ears):
    address, heard = ears
    twilio.redirect_media = address
    assert person(app, rows, business.tenant).get(path(kept)).status_code == 502
    assert heard == []


@pytest.mark.parametrize("sid", ["http://169.254.169.254/x", "../../../etc", "RE" + "a" * 31])
def test_an_id_that_is_none_is_never_fetched(app, rows, business, twilio, sid):
    kept = rows.recording(business.tenant, recording_sid=sid[:34], status="completed")
    assert person(app, rows, business.tenant).get(path(kept)).status_code == 502
    assert twilio.asked == []


def test_what_twilio_no_longer_has_is_not_found(app, rows, business, kept, twilio):
    twilio.recordings.clear()
    assert person(app, rows, business.tenant).get(path(kept)).status_code == 404
    twilio.fault = 503


@pytest.mark.parametrize("status", ["deleting", "deleted"])
def test_a_deleted_one_is_not_heard(app, rows, business, twilio, status):
    kept = rows.recording(business.tenant, status=status)
    assert person(app, rows, business.tenant).get(path(kept)).status_code == 404
    assert twilio.asked == []


def state(client, rows, business, kept) -> tuple[str, list[str]]:
    rest = Rest(client).sign_in(rows.super_admin().username).acting_for(business.tenant.id)
    jobs = [j for j in rest.rows("jobs") if j["kind"] == "delete_recording"]
    assert all(kept.recording_sid in json.dumps(j["args"]) for j in jobs)
    return rest.one("recordings", kept.id)["status"], [j["status"] for j in jobs]


def test_an_admin_deletes_by_rest_and_a_viewer_does_not(client, rows, business, kept):
    viewer = Rest(client).sign_in(rows.user(business.tenant, "Viewer").username)
    viewer.delete("recordings", kept.id, expect=403)
    stranger = Rest(client).sign_in(rows.user(rows.tenant(), "Tenant Admin").username)
    stranger.delete("recordings", kept.id, expect=404)
    assert state(client, rows, business, kept) == ("completed", [])
    admin = Rest(client).sign_in(rows.user(business.tenant, "Tenant Admin").username)
    admin.delete("recordings", kept.id)
    assert state(client, rows, business, kept) == ("deleting", ["waiting"])


def test_an_admin_deletes_in_the_panel(app, client, rows, business, kept):
    admin = person(app, rows, business.tenant, "Tenant Admin")
    answer = admin.post_form(f"/recordingpage/delete/{kept.id}", page="/recordingpage/list/")
    assert answer.status_code == 302
    assert state(client, rows, business, kept) == ("deleting", ["waiting"])
