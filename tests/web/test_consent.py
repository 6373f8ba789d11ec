"""Consent to a recording on real requests: announced, agreed, refused, taken back."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from flask import Flask

from app import models
from tests.factories import Rows, sid
from tests.web.conftest import Business, Caller

START, STOP = "start_recording", "stop_recording"


@pytest.fixture
def caller(app: Flask, make_business: Callable[..., Business]) -> Caller:
    return Caller(app, make_business(recording="announce"))


def jobs(caller: Caller) -> list[str]:
    return [job.kind for job in caller.all(models.Job) if "recording" in job.kind]


def given(caller: Caller) -> list[bool]:
    return [c.given for c in caller.all(models.Consent) if c.kind == "recording"]


def test_the_announcement_cannot_be_interrupted(caller: Caller) -> None:
    root = ElementTree.fromstring(caller.dial().text)
    assert [part.tag for part in root] == ["Say", "Say", "Gather", "Redirect"]
    assert "do not record" in (root[1].text or "")
    assert [say.text for say in root[2]] == ["How can I help you?"]
    assert (given(caller), jobs(caller)) == ([], [])


def test_going_on_is_consent_and_starts_a_recording(caller: Caller) -> None:
    caller.dial()
    caller.say(1, "are you open tomorrow")
    assert (given(caller), jobs(caller)) == ([True], [START])
    [consent] = caller.all(models.Consent)
    assert consent.text_version == "announce-call-1:en-US"


def test_silence_and_a_hang_up_are_no_consent(caller: Caller) -> None:
    caller.dial()
    caller.say(1, "")
    caller.hang_up()
    assert (given(caller), jobs(caller)) == ([], [])


@pytest.mark.parametrize("words", ["no", "please do not record me", "No, are you open tomorrow?"])
def test_a_refusal_is_honoured_and_confirmed_aloud(caller: Caller, words: str) -> None:
    caller.dial()
    answer = caller.say(1, words).text
    assert "This call is not recorded." in answer
    assert ("open tomorrow" in answer) == ("open" in words)
    assert (given(caller), jobs(caller)) == ([False], [])
    caller.say(2, "are you open tomorrow")
    assert (given(caller), jobs(caller)) == ([False], [])


def test_the_key_nine_refuses(caller: Caller) -> None:
    caller.dial()
    answer = caller.post("/twilio/gather?turn=1", Digits="9")
    assert "This call is not recorded." in answer.text
    assert (given(caller), jobs(caller)) == ([False], [])


def test_a_consent_can_be_taken_back(caller: Caller) -> None:
    caller.dial()
    caller.say(1, "are you open tomorrow")
    assert "stopped and deleted" in caller.say(2, "stop recording please").text
    assert (given(caller), jobs(caller)) == ([False], [START, STOP])


def test_nothing_is_announced_where_nothing_is_recorded(app, make_business) -> None:
    caller = Caller(app, make_business())
    assert "record" not in caller.dial().text
    caller.say(1, "no")
    assert (given(caller), jobs(caller)) == ([], [])


def test_it_is_announced_in_spanish(app, make_business) -> None:
    caller = Caller(app, make_business(recording="announce", language="es-US"))
    assert "Esta llamada se grabará" in caller.dial().text
    assert "Esta llamada no se graba." in caller.say(1, "no, gracias").text
    assert given(caller) == [False]


def test_a_test_call_is_announced_and_not_recorded(app, rows: Rows, caller: Caller) -> None:
    number = caller.business.number.number
    rows.call(caller.business.tenant, call_sid=caller.call_sid, channel="test", called=number)
    caller.dial()
    caller.say(1, "are you open tomorrow")
    assert (given(caller), jobs(caller)) == ([True], [])


def finished(caller: Caller, recording: str, source: str = "StartCallRecordingAPI") -> None:
    answer = caller.post(
        "/twilio/recording-status", RecordingSid=recording, RecordingStatus="completed",
        RecordingDuration="30", RecordingChannels="2", RecordingSource=source,
        RecordingUrl="http://169.254.169.254/latest/meta-data",
    )  # fmt: skip
    assert answer.status_code == 204


def test_a_finished_recording_appears(caller: Caller) -> None:
    caller.dial()
    caller.say(1, "are you open tomorrow")
    recording = sid("RE")
    finished(caller, recording)
    [kept] = caller.all(models.Recording)
    assert (kept.recording_sid, kept.status, kept.channels) == (recording, "completed", 2)
    assert "delete_recording" not in jobs(caller)


def test_a_recording_nobody_consented_to_is_deleted(caller: Caller) -> None:
    caller.dial()
    caller.say(1, "no")
    finished(caller, sid("RE"), source="Trunking")
    assert jobs(caller) == ["delete_recording"]


def test_what_was_deleted_is_not_brought_back_by_a_late_callback(rows: Rows, caller) -> None:
    caller.dial()
    caller.say(1, "are you open tomorrow")
    call = caller.row()
    kept = rows.recording(caller.business.tenant, call_id=call.id, status="deleted")
    finished(caller, kept.recording_sid)
    assert caller.all(models.Recording)[0].status == "deleted"
