"""While the database is away a caller is held, and goes on when it is back."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
from flask import Flask

from app import breaker, models
from app.voice import outage as held
from app.voice import proven
from tests.conftest import FRESH, Services
from tests.factories import Rows, sid
from tests.web.conftest import Business, Caller


def verbs(document: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(document)]


@dataclass
class Outage:
    """Between `down` and `up` the database takes no connections."""

    services: Services

    def down(self) -> None:
        self.services.execute(
            f"alter database {FRESH} allow_connections false",
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{FRESH}'",
        )

    def up(self) -> None:
        """Also for this process, which leaves it alone for a moment after it failed."""
        self.services.execute(f"alter database {FRESH} allow_connections true")
        while breaker.states().get("database") == breaker.OPEN:
            time.sleep(0.05)


@pytest.fixture
def outage(services: Services, app: Flask) -> Iterator[Outage]:
    made = Outage(services)
    yield made
    made.up()


def test_a_turn_during_an_outage_is_held_and_answered_when_the_database_is_back(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    outage.down()
    held = caller.say(1, "I want to leave a message")
    assert held.status_code == 200
    assert verbs(held.text) == ["Say", "Pause", "Redirect"]
    outage.up()
    answer = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    assert verbs(answer.text) == ["Gather", "Redirect"]


def test_a_call_put_through_during_an_outage_is_known_to_be_so(
    caller: Caller, outage: Outage
) -> None:
    """Twilio tells a Redirect nothing of the Dial, so the address has to say it again."""
    caller.dial()
    caller.say(1, "I want to speak to Sales")
    ended = {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "31"}
    outage.down()
    held = caller.post("/twilio/transfer-status?turn=2", **ended)
    held = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    outage.up()
    answer = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    assert verbs(answer.text) == ["Hangup"]
    [attempt] = caller.all(models.TransferAttempt)
    assert (attempt.status, attempt.seconds) == ("answered", 31)


def test_after_a_long_outage_the_caller_may_at_least_speak_a_message(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    outage.down()
    answer = caller.say(1, "I want to leave a message").text
    held = 0
    while "Record" not in verbs(answer):
        held += 1
        assert verbs(answer)[-2:] == ["Pause", "Redirect"]
        answer = caller.post(ElementTree.fromstring(answer).findtext("Redirect") or "").text
    assert held == 8
    outage.up()
    record = ElementTree.fromstring(answer).find("Record")
    assert record is not None
    caller.post(
        str(record.get("action")),
        RecordingUrl="https://api.twilio.com/2010-04-01/Accounts/x/Recordings/RE" + "b" * 32,
        RecordingDuration="9",
    )
    call = caller.row()
    assert call is not None
    assert call.outcome == "lead"
    [lead] = caller.all(models.Lead)
    assert lead.phone == caller.caller


def test_who_spoke_into_an_outage_is_asked_again_and_not_taken_to_be_silent(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    question = caller.say(1, "I want to leave a message").text
    outage.down()
    held = target(caller.say(2, "my name is Ada Ashdown").text)
    outage.up()
    assert caller.post(held).text == question
    assert (
        "Ada Ashdown"
        in caller.say(2, "my name is Ada Ashdown").text
        + caller.say(3, "two one two five five five oh one four seven").text
        + caller.say(4, "it is about a tour").text
    )
    call = caller.row()
    assert call is not None
    assert call.memory["silences"] == 0


def test_a_message_of_which_only_the_recording_is_told_is_a_lead(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    recording = sid("RE")
    outage.down()
    answer = caller.say(1, "I want to leave a message").text
    while "Record" not in verbs(answer):
        answer = caller.post(target(answer)).text
    told = {"RecordingSid": recording, "RecordingDuration": "9"}
    thanks = caller.post(record(answer), RecordingUrl=RECORDING + recording, **told)
    assert "Thank you for your message" in thanks.text
    outage.up()
    caller.post("/twilio/recording-status", RecordingStatus="completed",
                RecordingChannels="1", RecordingSource="RecordVerb", **told)  # fmt: skip
    caller.hang_up()
    [lead] = caller.all(models.Lead)
    assert lead.phone == caller.caller
    assert [job.call_id for job in caller.all(models.Job, kind="lead_notification")] == [
        lead.call_id
    ]


def test_the_end_of_a_call_told_during_an_outage_is_to_be_told_again(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    outage.down()
    assert caller.hang_up().status_code == 503
    outage.up()
    assert caller.hang_up().status_code == 204
    call = caller.row()
    assert call is not None
    assert call.outcome == "abandoned"


CELL = "+12125550111"
RECORDING = "https://api.twilio.com/2010-04-01/Accounts/x/Recordings/"


def target(document: str) -> str:
    return ElementTree.fromstring(document).findtext("Redirect") or ""


def record(document: str) -> str:
    """The address that a message is told to."""
    found = ElementTree.fromstring(document).find("Record")
    assert found is not None, document
    return str(found.get("action"))


def test_signatures_are_checked_by_what_was_proven_and_strangers_learn_nothing(
    app: Flask, make_business: Callable[..., Business], outage: Outage
) -> None:
    mine = Caller(app, make_business(language="es-US", voice="Polly.Lupe-Neural"))
    unseen = Caller(app, make_business(voice="Polly.Matthew-Neural"))
    mine.dial()
    outage.down()
    assert "Polly.Lupe-Neural" in Caller(app, mine.business).dial().text
    forged = mine.send("/twilio/voice", mine.form(), token="somebody's")
    assert (forged.status_code, forged.text) == (403, "Refused")
    other = mine.form(AccountSid=unseen.business.account_sid)
    assert mine.send("/twilio/voice", other, token=unseen.business.token).status_code == 403
    assert mine.post("/twilio/gather?turn=1", CallSid="CA1").status_code == 403
    # This process has not seen that number's token: the same words for all who ask.
    path = f"/twilio/voice?wait=3&since={int(time.time())}"
    plain = unseen.post(path)
    assert plain.text == unseen.send(path, unseen.form(), token="somebody's").text
    assert "Polly.Joanna-Neural" in plain.text
    proven.forget()
    assert "Polly.Joanna-Neural" in Caller(app, mine.business).dial().text


def test_only_what_a_right_signature_confirmed_is_remembered(caller: Caller) -> None:
    proven.forget()
    number, account = caller.business.number.number, caller.business.account_sid
    caller.send("/twilio/voice", caller.form(), token="somebody's")
    assert (proven.of_number(number), proven.token_of(account)) == (None, None)
    caller.dial()
    found = proven.of_number(number)
    assert found is not None
    assert (found.tenant_id, found.token) == (caller.business.tenant.id, caller.business.token)
    for n in range(proven.MOST + 10):
        proven.remember(f"+1{n}", proven.Proven(n, f"AC{n}", "token"))
    assert proven.of_number(number) is None
    assert proven.of_number("+19") is None


def test_nobody_is_held_longer_than_twenty_seconds(caller: Caller, outage: Outage) -> None:
    caller.dial()
    outage.down()
    began = int(time.time())
    for since, verb in ((began - held.LONGEST, "Record"), (began - 3, "Redirect"),
                        (began + 3600, "Record"), (1, "Record")):  # fmt: skip
        answer = caller.post(f"/twilio/gather?turn=1&wait=2&since={since:010}")
        assert verbs(answer.text)[-2:] == (
            ["Pause", "Redirect"] if verb == "Redirect" else ["Record", "Redirect"]
        )


def test_a_message_of_a_call_that_began_meanwhile_is_a_lead_once(
    app: Flask, caller: Caller, outage: Outage
) -> None:
    caller.dial()  # so that this process knows the number
    other, recording = Caller(app, caller.business, caller="+12125550177"), sid("RE")
    outage.down()
    answer = other.dial().text
    while "Record" not in verbs(answer):
        answer = other.post(target(answer)).text
    told = {"RecordingUrl": RECORDING + recording, "RecordingDuration": "9"}
    assert verbs(other.post(record(answer), **told).text) == ["Say", "Hangup"]
    outage.up()
    thanks = other.post(record(answer), **told)  # Twilio tried twice
    assert "Thank you for your message" in thanks.text
    assert other.post(record(answer), **told).text == thanks.text
    other.post(
        "/twilio/recording-status", RecordingSid=recording, RecordingStatus="completed",
        RecordingDuration="9", RecordingChannels="1", RecordingSource="RecordVerb",
    )  # fmt: skip
    other.hang_up()
    call = other.row()
    assert call is not None
    assert (call.outcome, call.state, call.caller) == ("lead", "ended", other.caller)
    assert call.number_id == caller.business.number.id
    [lead] = other.all(models.Lead, call_id=call.id)
    assert (lead.phone, lead.known) == (other.caller, {"phone": "caller_id"})
    [kept] = other.all(models.Recording, call_id=call.id)
    assert (kept.recording_sid, kept.status, kept.duration) == (recording, "completed", 9)
    assert [c.kind for c in other.all(models.Consent, call_id=call.id)] == ["message"]
    assert sorted(job.kind for job in other.all(models.Job, call_id=call.id)) == [
        "lead_notification", "summarise_call",
    ]  # fmt: skip


def test_a_message_left_where_nginx_answered_is_kept_with_its_call(
    caller: Caller, make_business: Callable[..., Business]
) -> None:
    caller.dial()
    caller.say(1, "Please take a message, my boiler is leaking")
    told = {"RecordingUrl": RECORDING + sid("RE"), "RecordingDuration": "9"}
    assert "Thank you for your message" in caller.post("/twilio/message?turn=0", **told).text
    caller.hang_up()
    [lead] = caller.all(models.Lead)
    assert "boiler" in lead.reason
    call = caller.row()
    assert call is not None
    assert call.outcome == "lead"


def test_who_says_nothing_after_the_tone_gets_the_fallback_number(
    app: Flask, make_business: Callable[..., Business], outage: Outage, rows: Rows
) -> None:
    for number, expected in ((CELL, ["Dial"]), (None, ["Say", "Hangup"])):
        business = make_business(fallback_number=number)
        rows.limits(business.tenant, talk_seconds=600)
        caller = Caller(app, business)
        caller.dial()
        outage.down()
        answer = caller.post("/twilio/message?turn=1").text
        assert verbs(answer) == expected
        outage.up()
        if number:
            dial = ElementTree.fromstring(answer).find("Dial")
            assert dial is not None
            assert dial.get("timeLimit") == "600"
            ended = {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "7"}
            assert verbs(caller.post(str(dial.get("action")), **ended).text) == ["Hangup"]
            call = caller.row()
            assert call is not None
            assert call.outcome == "transferred"


def test_who_was_asked_for_patience_after_the_tone_is_thanked(
    caller: Caller, outage: Outage
) -> None:
    """The recording was told with the first request; the redirect does not tell it again."""
    caller.dial()
    outage.down()
    assert "Thank you for your message" in caller.post("/twilio/message?turn=1&wait=2").text


def test_calls_that_are_sent_elsewhere_are_so_without_the_database(
    app: Flask, make_business: Callable[..., Business], outage: Outage, rows: Rows
) -> None:
    business = make_business(fallback_number=CELL, forward_calls=True)
    rows.limits(business.tenant, talk_seconds=600)
    Caller(app, business).dial()
    outage.down()
    first, second = Caller(app, business), Caller(app, business)
    for caller in (first, second):
        [dial] = ElementTree.fromstring(caller.dial().text)
        assert (dial.tag, dial.findtext("Number")) == ("Dial", CELL)
        assert dial.get("timeLimit") == "600"
    action = str(dial.get("action"))
    nobody = {"DialCallStatus": "no-answer", "DialBridged": "false"}
    assert "Record" in verbs(first.post(action, **nobody).text)
    outage.up()
    taken = {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "31"}
    assert verbs(second.post(action, **taken).text) == ["Hangup"]
    call = second.row()
    assert call is not None
    assert (call.outcome, call.state) == ("transferred", "ended")
    [attempt] = second.all(models.TransferAttempt, call_id=call.id)
    assert (attempt.status, attempt.seconds, attempt.numbers) == ("answered", 31, [CELL])
    late = first.post(action, **nobody)
    assert verbs(late.text) == ["Say", "Record", "Redirect"]
    first.hang_up()
    call = first.row()
    assert call is not None
    assert call.outcome == "abandoned"


def test_a_call_first_heard_of_at_its_end_has_its_row(
    app: Flask, caller: Caller, outage: Outage
) -> None:
    caller.dial()
    other = Caller(app, caller.business)
    outage.down()
    other.dial()
    outage.up()
    assert other.hang_up(seconds=17).status_code == 204
    call = other.row()
    assert call is not None
    assert (call.outcome, call.duration) == ("abandoned", 17)
    assert (call.ended_at - call.started_at).total_seconds() == pytest.approx(17, abs=2)


def test_a_call_whose_beginning_was_lost_begins_with_its_next_word(
    app: Flask, caller: Caller
) -> None:
    answer = caller.say(4, "Hello?")
    while verbs(answer.text) == ["Say", "Redirect"]:
        answer = caller.post(target(answer.text))
    assert "automated assistant" in answer.text
    call = caller.row()
    assert call is not None
    assert (call.turn, call.outcome) == (1, None)


def test_whoever_picked_up_waits_and_is_rid_of_the_call(caller: Caller, outage: Outage) -> None:
    caller.dial()
    caller.say(1, "I want to speak to Sales")
    [attempt] = caller.all(models.TransferAttempt)
    leg = {"CallSid": sid("CA"), "ParentCallSid": caller.call_sid, "To": attempt.numbers[0]}
    outage.down()
    answer = caller.post(f"/twilio/screen?attempt={attempt.id % 10_000}", **leg).text
    assert f"attempt={attempt.id % 10_000}" in target(answer)
    for _ in range(held.MOST):
        answer = caller.post(target(answer), **leg).text
    assert verbs(answer) == ["Hangup"]
