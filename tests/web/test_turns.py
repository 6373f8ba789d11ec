"""One turn, however often and wherever it is delivered, has one effect and one answer."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import text

from app import models
from app.ai.interpreter import Heard, Tier, Understood
from app.extensions import db
from app.tenancy import acting_for
from app.voice import means
from app.voice.flow.messages import Answer
from tests.web.conftest import Business, Caller

QUESTION = "Do you offer parking?"


class SlowMind:
    """Answers from knowledge once it is let go; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = threading.Event()

    def interpret(self, heard: Heard) -> Understood:
        self.asked += 1
        self.go.wait(20)
        passage = heard.context.facts.passages[0]
        return Understood(Answer(passage.answer, (passage.id,)), Tier.SCRIPTED)


@pytest.fixture
def mind(app: Flask) -> Iterator[SlowMind]:
    minds, slow = app.extensions["minds"], SlowMind()
    before, minds.offline = minds.offline, slow
    yield slow
    slow.go.set()
    minds.offline = before


def verbs(document: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(document)]


def test_twenty_deliveries_at_once_make_one_thought_one_effect_and_one_answer(
    app: Flask, caller: Caller, mind: SlowMind
) -> None:
    caller.dial()
    mind.go.set()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: caller.say(1, QUESTION), range(20)))
    final = [a.text for a in answers if "Redirect" not in verbs(a.text)[0:2] or "Gather" in a.text]
    assert len(set(final)) == 1
    assert mind.asked == 1
    call = caller.row()
    assert call is not None
    assert call.turn == 2
    assert len(caller.all(models.Transcript, call_id=call.id, turn=1)) == 2


def test_twenty_first_requests_at_once_begin_one_call(app: Flask, caller: Caller) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = {a.text for a in pool.map(lambda _: caller.dial(), range(20))}
    assert len(answers) == 1
    assert len(caller.all(models.CallSession)) == 1


def test_a_slow_thought_costs_a_filler_and_is_answered_at_the_next_delivery(
    app: Flask, caller: Caller, mind: SlowMind
) -> None:
    caller.dial()
    filler = caller.say(1, QUESTION)
    assert verbs(filler.text) == ["Say", "Redirect"]
    again = ElementTree.fromstring(filler.text).findtext("Redirect") or ""
    assert "turn=1" in again
    mind.go.set()
    answer = caller.post(again)
    while verbs(answer.text) == ["Say", "Redirect"]:
        answer = caller.post(ElementTree.fromstring(answer.text).findtext("Redirect") or "")
    assert "behind the house" in answer.text
    assert mind.asked == 1


def test_a_thought_whose_process_died_is_taken_over_with_the_callers_words(
    app: Flask, caller: Caller
) -> None:
    caller.dial()
    event = {"speech": QUESTION, "digits": "", "caller": caller.caller,
             "called": caller.business.number.number}  # fmt: skip
    with app.app_context(), acting_for(caller.business.tenant.id):
        db.session.add(
            models.InboundRequest(
                call_sid=caller.call_sid,
                kind="gather",
                turn=1,
                event=event,
                lease_token="0" * 32,
                lease_until=db.func.now() - timedelta(seconds=1),
            )
        )
        db.session.commit()
    answer = caller.post("/twilio/gather?turn=1&wait=1")  # the filler's redirect: no words
    assert "behind the house" in answer.text


@pytest.mark.parametrize("redirected", [False, True])
def test_a_message_that_cannot_be_kept_is_not_asked_for_again(
    app: Flask, caller: Caller, redirected: bool
) -> None:
    """Nor of whoever comes back by a redirect, which does not tell the recording again."""
    caller.dial()
    with app.app_context(), acting_for(caller.business.tenant.id):
        db.session.add(
            models.InboundRequest(
                call_sid=caller.call_sid, kind="message", turn=1, event={}, attempts=3,
                lease_token="0" * 32, lease_until=db.func.now() - timedelta(seconds=1),
            )
        )  # fmt: skip
        db.session.commit()
    recording = "RE" + "b" * 32
    spoken = f"https://api.twilio.com/2010-04-01/Accounts/x/Recordings/{recording}"
    told = {} if redirected else {"RecordingUrl": spoken, "RecordingDuration": "12"}
    path = "/twilio/message?turn=1" + ("&wait=1" if redirected else "")
    answer = caller.post(path, **told)
    assert verbs(answer.text) == ["Say", "Hangup"]
    assert "Thank you for your message" in answer.text


def test_a_thought_that_comes_after_the_hang_up_changes_nothing(
    app: Flask, caller: Caller, mind: SlowMind
) -> None:
    caller.dial()
    caller.say(1, QUESTION)
    caller.hang_up()
    mind.go.set()
    answer = caller.post("/twilio/gather?turn=1&wait=1")
    call = caller.row()
    assert call is not None
    assert (call.state, call.turn) == ("ended", 1)
    assert "behind the house" not in answer.text


def test_a_turn_that_is_past_is_answered_with_what_was_said_then(
    app: Flask, caller: Caller
) -> None:
    caller.dial()
    first = caller.say(1, QUESTION).text
    caller.say(2, "my name is Ann")
    assert caller.say(1, QUESTION).text == first


def test_a_turn_ahead_of_the_call_is_answered_with_the_newest(app: Flask, caller: Caller) -> None:
    greeting = caller.dial().text
    assert caller.say(7, QUESTION).text == greeting
    call = caller.row()
    assert call is not None
    assert call.turn == 1


def test_a_thought_that_fails_is_tried_again_and_then_lets_the_caller_leave_a_message(
    app: Flask, caller: Caller, request: pytest.FixtureRequest
) -> None:
    class Broken:
        def interpret(self, heard: Heard) -> Understood:
            raise ValueError("no idea")

    minds = app.extensions["minds"]
    before, minds.offline = minds.offline, Broken()
    request.addfinalizer(lambda: setattr(minds, "offline", before))
    caller.dial()
    answer = caller.say(1, QUESTION)
    for _ in range(12):
        if "Record" in verbs(answer.text):
            break
        assert verbs(answer.text) == ["Say", "Redirect"]
        with app.app_context(), acting_for(caller.business.tenant.id):
            db.session.execute(text("update inbound_request set lease_until = now() - interval "
                                    "'1 second' where twiml is null"))  # fmt: skip
            db.session.commit()
        answer = caller.post(ElementTree.fromstring(answer.text).findtext("Redirect") or "")
    assert "Record" in verbs(answer.text)


@pytest.mark.parametrize(
    ("status", "bridged", "expected"),
    [
        ("completed", "true", "answered"),
        ("completed", "false", "refused"),
        ("busy", "false", "busy"),
        ("no-answer", "false", "no_answer"),
        ("failed", "false", "failed"),
    ],
)
def test_only_a_bridged_dial_counts_as_put_through(
    app: Flask, caller: Caller, status: str, bridged: str, expected: str
) -> None:
    caller.dial()
    assert "<Dial" in caller.say(1, "I want to speak to Sales").text
    answer = caller.post(
        "/twilio/transfer-status?turn=2", DialCallStatus=status, DialBridged=bridged
    )
    caller.hang_up()
    [attempt] = caller.all(models.TransferAttempt)
    assert attempt.status == expected
    call = caller.row()
    assert call is not None
    assert (call.outcome == "transferred") is (bridged == "true")
    assert ("Gather" in verbs(answer.text)) is (bridged == "false")


def test_what_a_dial_came_to_survives_a_filler(app: Flask, caller: Caller) -> None:
    """Twilio posts to a Redirect nothing of the Dial: a turn that is late must not be refused."""
    caller.dial()
    caller.say(1, "I want to speak to Sales")
    ended = {"DialCallStatus": "no-answer", "DialBridged": "false"}
    with app.app_context(), acting_for(caller.business.tenant.id):
        db.session.add(
            models.InboundRequest(
                call_sid=caller.call_sid, kind="transfer_status", turn=2, lease_token="0" * 32,
                lease_until=db.func.now() + timedelta(hours=1),
                event={"dial_status": "no-answer", "dial_bridged": False, "dial_seconds": None,
                       "speech": "", "digits": "", "caller": caller.caller,
                       "called": caller.business.number.number},
            )
        )  # fmt: skip
        db.session.commit()
    late = caller.post("/twilio/transfer-status?turn=2", **ended)
    assert verbs(late.text) == ["Say", "Redirect"]
    with app.app_context(), acting_for(caller.business.tenant.id):
        db.session.execute(text("update inbound_request set lease_until = now() - interval "
                                "'1 second' where twiml is null"))  # fmt: skip
        db.session.commit()
    answer = caller.post(ElementTree.fromstring(late.text).findtext("Redirect") or "")
    assert (answer.status_code, verbs(answer.text)) == (200, ["Gather", "Redirect"])
    [attempt] = caller.all(models.TransferAttempt)
    assert attempt.status == "no_answer"


def test_callbacks_in_any_order_settle_the_same_outcome(
    app: Flask, make_business: Callable[..., Business]
) -> None:
    outcomes = set()
    for late in (True, False):
        caller = Caller(app, make_business())
        caller.dial()
        caller.say(1, "I want to speak to Sales")
        steps: list[Callable[[], Any]] = [
            caller.hang_up,
            partial(
                caller.post,
                "/twilio/transfer-status?turn=2",
                DialCallStatus="completed",
                DialBridged="true",
            ),
        ]
        for step in steps if late else reversed(steps):
            step()
        call = caller.row()
        assert call is not None
        outcomes.add((call.outcome, call.state, call.duration))
    assert outcomes == {("transferred", "ended", 42)}


def test_the_person_who_picks_up_hears_who_calls_and_takes_it_by_a_key(
    app: Flask, caller: Caller
) -> None:
    caller.dial()
    caller.say(1, "I want to speak to Sales")
    [attempt] = caller.all(models.TransferAttempt)
    leg = {"CallSid": "CA" + "e" * 32, "ParentCallSid": caller.call_sid, "To": attempt.numbers[0],
           "From": caller.caller, "Direction": "outbound-dial"}  # fmt: skip
    path = f"/twilio/screen?attempt={attempt.id}"
    asked = caller.post(path, **leg)
    assert "2 1 2, 5 5 5, 0 1 4 2" in asked.text
    assert verbs(asked.text) == ["Gather", "Hangup"]
    assert verbs(caller.post(path, **leg, Digits="5").text) == ["Hangup"]
    assert verbs(caller.post(path, **leg, Digits="1").text) == []
    stranger = leg | {"To": "+12125550111"}
    assert caller.post(path, **stranger).status_code == 403


def test_a_number_with_a_language_of_its_own_is_answered_in_it(app: Flask, caller: Caller) -> None:
    greeting = caller.dial()
    assert 'language="en-US"' in greeting.text
    with app.app_context(), acting_for(caller.business.tenant.id):
        db.session.query(models.TwilioNumber).one().language = "es-US"
        db.session.commit()
    other = Caller(app, caller.business)
    assert "en-US" not in other.dial().text
    asked = other.say(1, "quiero dejar un mensaje")
    assert "nombre" in asked.text
    assert 'language="es-US"' in asked.text
    assert "en-US" not in asked.text


def test_a_message_begun_and_not_finished_is_kept_and_marked_so(app: Flask, caller: Caller) -> None:
    caller.dial()
    caller.say(1, "Please take a message, my boiler is leaking")
    caller.say(2, "my name is Ann Miller")
    caller.hang_up()
    [lead] = caller.all(models.Lead)
    assert lead.name == "Ann Miller"
    assert lead.confirmed is False
    assert lead.phone == caller.caller
    assert lead.known["phone"] == "caller_id"
    kinds = sorted(job.kind for job in caller.all(models.Job))
    assert kinds == ["lead_notification", "summarise_call"]


def test_a_blocked_caller_is_rejected_and_a_suspended_tenant_says_so(
    app: Flask, caller: Caller, rows: Any, make_business: Callable[..., Business]
) -> None:
    rows.block(caller.business.tenant, phone=caller.caller)
    assert verbs(caller.dial().text) == ["Reject"]
    call = caller.row()
    assert call is not None
    assert (call.outcome, call.state) == ("blocked", "ended")
    other = make_business()
    with app.app_context(), acting_for(other.tenant.id):
        pass
    with app.app_context():
        from app.tenancy import across_tenants

        with across_tenants():
            db.session.execute(text("update tenant set status = 'suspended' where id = :id"),
                               {"id": other.tenant.id})  # fmt: skip
            db.session.commit()
    suspended = Caller(app, other)
    assert "not taking calls" in suspended.dial().text
    assert suspended.row().outcome == "blocked"  # type: ignore[union-attr]


def test_a_registered_test_call_is_marked_and_books_nothing(
    app: Flask, caller: Caller, rows: Any
) -> None:
    rows.call(caller.business.tenant, call_sid=caller.call_sid, channel="test", caller="",
              called=caller.business.number.number)  # fmt: skip
    caller.dial()
    caller.say(1, "Please take a message, my boiler is leaking")
    caller.hang_up()
    call = caller.row()
    assert call is not None
    assert (call.channel, call.outcome) == ("test", "lead")
    [lead] = caller.all(models.Lead)
    assert lead.test is True
    assert caller.all(models.SpendLedger) == []


def test_a_recorded_message_becomes_a_lead_with_its_consent(app: Flask, caller: Caller) -> None:
    caller.dial()
    recording = "RE" + "a" * 32
    for turn in (1, 2):
        caller.say(turn, "Please take a message about my roof")
    answer = caller.post(
        "/twilio/message?turn=3",
        RecordingUrl=f"https://api.twilio.com/2010-04-01/Accounts/x/Recordings/{recording}",
        RecordingDuration="12", Digits="hangup",
    )  # fmt: skip
    assert answer.status_code == 200
    caller.post(
        "/twilio/recording-status", RecordingSid=recording, RecordingStatus="completed",
        RecordingDuration="12", RecordingChannels="1", RecordingSource="RecordVerb",
    )  # fmt: skip
    caller.hang_up()
    [kept] = caller.all(models.Recording)
    assert (kept.recording_sid, kept.status, kept.duration) == (recording, "completed", 12)
    assert [c.kind for c in caller.all(models.Consent)] == ["message"]
    call = caller.row()
    assert call is not None
    assert call.outcome == "lead"


HOSTILE = [
    "</Say><Dial>+19005550100</Dial>",
    "a\x0bb\x00c",
    "😀 & <b>",
    "]]>",
    "\u202etfel",
    "a" * 4000,
]


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_names_and_entries_never_break_the_document(
    app: Flask, make_business: Callable[..., Business], words: str
) -> None:
    tidy = words.replace("\x00", "")  # PostgreSQL's text cannot hold it
    business = make_business(departments=(tidy[:70],), knowledge={QUESTION: tidy})
    caller = Caller(app, business)
    caller.dial()
    for turn, said in enumerate((QUESTION, words, "Please take a message", words, words), 1):
        answer = caller.say(turn, said)
        assert answer.status_code == 200
        assert "Pause" not in verbs(answer.text), "held, as if the database were away"
        allowed = {"Say", "Gather", "Redirect", "Record", "Hangup", "Dial"}
        assert set(verbs(answer.text)) <= allowed
        dialled = ElementTree.fromstring(answer.text).findall(".//Number")
        assert all(n.text == "+12125550199" for n in dialled)


class Wrong(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Wrong":
        return super().now(tz) + timedelta(hours=1)


def test_a_node_whose_clock_is_wrong_goes_by_the_databases(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.dial()
    monkeypatch.setattr(means, "datetime", Wrong)
    assert verbs(caller.say(1, QUESTION).text)[0] == "Gather"
    caller.hang_up()
    [call] = caller.all(models.CallSession)
    assert call.started_at <= call.ended_at < call.started_at + timedelta(minutes=5)
