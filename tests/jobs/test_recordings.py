"""Recordings of calls at Twilio: begun with consent only, once, stopped and deleted when told."""

from collections.abc import Callable

import pytest
from flask import Flask

from app import models
from app.models import JobStatus, Recording, RecordingStatus
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.jobs.conftest import Outbox

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = sid("AC")
BASE = "https://reception.example.com"


@pytest.fixture
def app(make_light: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[ACCOUNT] = TOKEN
    return make_light(
        twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_api_url=twilio.url,
        public_base_url=BASE,
    )  # fmt: skip


@pytest.fixture
def call(rows: Rows, twilio: TwilioRest) -> models.CallSession:
    call = rows.call(rows.tenant())
    twilio.has_call(ACCOUNT, call.call_sid, "in-progress")
    return call


def work(rows: Rows, outbox_of: Outbox, app: Flask, kind: str, call, **args) -> models.Job:
    rows.job(rows_tenant(call), kind=kind, key=kind, call_id=call.id, args=args)
    outbox_of.run(app)
    return outbox_of.job(kind)


def rows_tenant(call: models.CallSession) -> models.Tenant:
    return models.Tenant(id=call.tenant_id)


def begun(twilio: TwilioRest) -> list[str]:
    return [path for method, path in twilio.asked if method == "POST" and "Recordings" in path]


def test_a_consented_call_is_recorded_on_two_channels_and_told_back(
    app, rows, call, twilio, outbox_of
):
    rows.consent(rows_tenant(call), call_id=call.id)
    job = work(rows, outbox_of, app, "start_recording", call)
    assert (job.status, job.result) == (JobStatus.DONE, {"recorded": True})
    [(_, form)] = twilio.forms
    assert form["RecordingChannels"] == "dual"
    assert form["RecordingStatusCallback"].startswith(f"{BASE}/twilio/recording-status#")
    [kept] = outbox_of.all(Recording)
    assert kept.recording_sid in twilio.recordings
    assert (kept.status, kept.channels) == (RecordingStatus.IN_PROGRESS, 2)


@pytest.mark.parametrize("given", [None, False])
def test_without_consent_nothing_is_recorded(app, rows, call, twilio, outbox_of, given):
    if given is not None:
        rows.consent(rows_tenant(call), call_id=call.id, given=given)
    rows.consent(rows_tenant(call), call_id=call.id, kind="message")
    job = work(rows, outbox_of, app, "start_recording", call)
    assert job.result == {"recorded": False}
    assert twilio.asked == []
    assert outbox_of.all(Recording) == []


def test_a_call_that_is_over_is_not_recorded(app, rows, call, twilio, outbox_of):
    rows.consent(rows_tenant(call), call_id=call.id)
    twilio.calls[call.call_sid]["status"] = "completed"
    assert work(rows, outbox_of, app, "start_recording", call).result == {"recorded": False}
    assert outbox_of.all(Recording) == []


def test_a_start_that_was_not_answered_is_found_again_and_not_repeated(
    app, rows, call, twilio, outbox_of
):
    rows.consent(rows_tenant(call), call_id=call.id)
    twilio.mute = r"Recordings\.json"
    job = work(rows, outbox_of, app, "start_recording", call)
    assert job.status == JobStatus.WAITING
    assert "not reached" in job.last_error
    twilio.mute = ""
    outbox_of.make_due()
    outbox_of.run(app)
    assert outbox_of.job("start_recording").result == {"recorded": True}
    assert len(begun(twilio)) == 1
    assert [r.recording_sid for r in outbox_of.all(Recording)] == list(twilio.recordings)


def test_a_consent_taken_back_stops_and_deletes(app, rows, call, twilio, outbox_of):
    rows.consent(rows_tenant(call), call_id=call.id)
    work(rows, outbox_of, app, "start_recording", call)
    outbox_of.execute("update consent set given = false")
    assert work(rows, outbox_of, app, "stop_recording", call).result == {"deleted": 1}
    assert twilio.recordings == {}
    [kept] = outbox_of.all(Recording)
    assert kept.status == RecordingStatus.DELETED


def test_deleting_deletes_at_twilio_and_then_in_the_row(app, rows, call, twilio, outbox_of):
    recording = twilio.has_recording(ACCOUNT, call.call_sid, status="completed")
    rows.recording(rows_tenant(call), call_id=call.id, recording_sid=recording, status="completed")
    twilio.fault = 503
    job = work(rows, outbox_of, app, "delete_recording", call, recording_sid=recording)
    assert job.status == JobStatus.WAITING
    assert TOKEN not in job.last_error
    assert outbox_of.all(Recording)[0].status == RecordingStatus.DELETING
    twilio.fault = None
    for _ in range(2):  # the second time it is gone already
        outbox_of.execute("update job set status = 'waiting', run_at = clock_timestamp()")
        outbox_of.run(app)
        assert outbox_of.job("delete_recording").result == {"deleted": True}
    assert twilio.recordings == {}
    assert outbox_of.all(Recording)[0].status == RecordingStatus.DELETED


def test_without_an_account_there_is_nothing_to_delete_at_twilio(light_app, rows, call, outbox_of):
    kept = rows.recording(rows_tenant(call), call_id=call.id)
    job = work(
        rows, outbox_of, light_app, "delete_recording", call, recording_sid=kept.recording_sid
    )
    assert job.result == {"deleted": True}
    assert outbox_of.all(Recording)[0].status == RecordingStatus.DELETED
