"""All calls sent to a telephone: switched on by hand, or by answers that keep failing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import text

from app import models
from app.ai.interpreter import Heard, Understood
from app.extensions import db
from app.jobs import schedule
from app.tenancy import acting_for
from tests.factories import Rows, sid
from tests.web.conftest import CALLER, Business, Caller
from tests.web.speaking import Rest, log_in
from tests.web.test_receptionist import FORM

CELL = "+12125550111"
HOUR = timedelta(hours=1)


def verbs(document: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(document)]


def target(document: str) -> str:
    return ElementTree.fromstring(document).findtext("Redirect") or ""


def heard(caller: Caller, answer: str) -> str:
    """What the caller hears in the end: a machine under load may first say "one moment"."""
    while verbs(answer) == ["Say", "Redirect"] and "wait=" in target(answer):
        answer = caller.post(target(answer)).text
    return answer


@pytest.fixture
def make_caller(app: Flask, make_business: Callable[..., Business]) -> Callable[..., Caller]:
    def make(**settings: Any) -> Caller:
        return Caller(app, make_business(**{"fallback_number": CELL} | settings))

    return make


def config(caller: Caller) -> models.ReceptionistConfig:
    [found] = caller.all(models.ReceptionistConfig)
    assert isinstance(found, models.ReceptionistConfig)
    return found


def test_a_call_sent_elsewhere_is_connected_at_once_and_counts_as_put_through(
    make_caller: Callable[..., Caller],
) -> None:
    caller = make_caller(forward_calls=True)
    [dial] = ElementTree.fromstring(heard(caller, caller.dial().text))
    assert (dial.tag, dial.get("callerId"), dial.get("timeLimit")) == ("Dial", CALLER, "3600")
    [number] = dial
    assert (number.text, number.get("url")) == (CELL, None)  # nobody is asked to press 1
    assert verbs(heard(caller, caller.dial().text)) == ["Dial"]  # told twice, rung once
    ended = {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "31"}
    assert verbs(heard(caller, caller.post(str(dial.get("action")), **ended).text)) == ["Hangup"]
    caller.hang_up(seconds=40)
    call = caller.row()
    assert call is not None
    assert (call.outcome, call.state, call.duration) == ("transferred", "ended", 40)
    [attempt] = caller.all(models.TransferAttempt)
    assert (attempt.status, attempt.seconds, attempt.forwarded) == ("answered", 31, True)
    booked = {(row.kind, row.quantity) for row in caller.all(models.SpendLedger)}
    assert {("calls", 1), ("transfers", 1), ("transfer_seconds", 31)} <= booked


def test_whom_nobody_takes_there_may_speak_a_message(make_caller: Callable[..., Caller]) -> None:
    caller = make_caller(forward_calls=True)
    [dial] = ElementTree.fromstring(heard(caller, caller.dial().text))
    nobody = {"DialCallStatus": "no-answer", "DialBridged": "false"}
    asked = heard(caller, caller.post(str(dial.get("action")), **nobody).text)
    assert verbs(asked) == ["Say", "Record", "Redirect"]
    assert "Nobody can take your call" in asked
    record = ElementTree.fromstring(asked).find("Record")
    assert record is not None
    told = {"RecordingUrl": f"https://api.twilio.com/x/Recordings/{sid('RE')}"}
    thanks = caller.post(str(record.get("action")), RecordingDuration="9", **told)
    assert "I have noted your message" in heard(caller, thanks.text)
    call = caller.row()
    assert call is not None
    assert (call.outcome, call.state) == ("lead", "ended")
    [lead] = caller.all(models.Lead)
    assert lead.phone == CALLER


def test_it_ends_by_itself_and_blocked_callers_are_still_rejected(
    make_caller: Callable[..., Caller], rows: Rows
) -> None:
    soon, past = datetime.now(UTC) + HOUR, datetime.now(UTC) - HOUR
    caller = make_caller(forward_calls=True, forward_until=past)
    assert "Gather" in verbs(heard(caller, caller.dial().text))
    caller = make_caller(forward_calls=True, forward_until=soon)
    rows.block(caller.business.tenant, phone=caller.caller)
    assert verbs(heard(caller, caller.dial().text)) == ["Reject"]


def test_a_number_that_may_not_be_rung_any_more_is_not_rung(
    make_caller: Callable[..., Caller],
) -> None:
    caller = make_caller(forward_calls=True, fallback_number="+442079460000")
    assert "Gather" in verbs(heard(caller, caller.dial().text))


class Broken:
    def interpret(self, heard: Heard) -> Understood:
        raise ValueError("no idea")


@pytest.fixture
def broken(app: Flask) -> Iterator[None]:
    minds = app.extensions["minds"]
    before, minds.offline = minds.offline, Broken()
    yield
    minds.offline = before


def fail_a_turn(app: Flask, business: Business) -> None:
    """A call whose first turn is thought about in vain, twice."""
    caller = Caller(app, business)
    heard(caller, caller.dial().text)
    answer = caller.say(1, "Where can I park?").text
    with app.app_context(), acting_for(business.tenant.id):
        db.session.execute(text("update inbound_request set lease_until = now() - interval "
                                "'1 second' where twiml is null"))  # fmt: skip
        db.session.commit()
    caller.post(target(answer))


@pytest.mark.usefixtures("broken")
def test_answers_that_keep_failing_send_all_calls_away_for_a_while(
    app: Flask, make_caller: Callable[..., Caller]
) -> None:
    caller, rival = make_caller(forward_after=2, forward_minutes=30), make_caller(forward_after=2)
    fail_a_turn(app, caller.business)
    fail_a_turn(app, rival.business)
    assert not config(caller).forward_calls
    fail_a_turn(app, caller.business)
    thrown = config(caller)
    assert (thrown.forward_calls, thrown.forward_cause) == (True, "failed_turns")
    left = thrown.forward_until - datetime.now(UTC)
    assert timedelta(minutes=20) < left <= timedelta(minutes=30)
    assert not config(rival).forward_calls
    assert "Dial" in verbs(heard(caller, caller.dial().text))
    assert "Gather" in verbs(heard(rival, rival.dial().text))
    [mail] = [job for job in caller.all(models.Job) if job.kind == "forwarding_mail"]
    assert (mail.args["failed"], mail.args["number"]) == (2, CELL)
    with app.app_context():
        schedule.answer_again()
    assert config(caller).forward_calls  # it is not over yet
    with app.app_context(), acting_for(caller.business.tenant.id):
        db.session.execute(text("update receptionist_config set forward_until = now()"))
        db.session.commit()
    with app.app_context():
        schedule.answer_again()
    after = config(caller)
    assert (after.forward_calls, after.forward_until, after.forward_cause) == (False, None, None)


@pytest.mark.usefixtures("broken")
def test_without_a_number_or_with_a_limit_of_none_nothing_is_sent_away(
    app: Flask, make_caller: Callable[..., Caller]
) -> None:
    nowhere, never = (
        make_caller(forward_after=1, fallback_number=None),
        make_caller(forward_after=0),
    )
    for caller in (nowhere, never):
        fail_a_turn(app, caller.business)
        assert not config(caller).forward_calls
    told = [[job.kind for job in caller.all(models.Job)] for caller in (nowhere, never)]
    assert told == [["forwarding_mail"], []]  # the owner learns of it all the same


@pytest.fixture
def panel(app: Flask) -> Rows:
    return Rows(app)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+12125550100", "answered by a receptionist"),
        ("+19005550100", "premium-rate"),
        ("+442079460000", "only"),
        ("12", "international form"),
    ],
)
def test_where_calls_are_sent_is_checked_like_any_transfer(
    app: Flask, panel: Rows, number: str, why: str
) -> None:
    tenant = panel.tenant()
    panel.number(tenant, number="+12125550100")
    mine = panel.receptionist(tenant)
    rest = Rest(app.test_client()).sign_in(panel.user(tenant).username)
    refused = rest.edit("receptionists", mine.id, expect=422, fallback_number=number)
    assert why in refused["message"]["fallback_number"][0]


def test_the_switch_by_rest(app: Flask, panel: Rows) -> None:
    tenant = panel.tenant()
    panel.number(tenant)
    mine = panel.receptionist(tenant)
    rest = Rest(app.test_client()).sign_in(panel.user(tenant).username)
    nowhere = rest.edit("receptionists", mine.id, expect=422, forward_calls=True)
    assert "Give the telephone" in nowhere["message"]["fallback_number"][0]
    past, soon = (datetime.now(UTC) + n * HOUR for n in (-1, 1))
    both = {"fallback_number": CELL, "forward_calls": True}
    late = rest.edit("receptionists", mine.id, 422, **both, forward_until=past.isoformat())
    assert "still to come" in late["message"]["forward_until"][0]
    rest.edit("receptionists", mine.id, 422, forward_after=101)
    rest.edit("receptionists", mine.id, 422, forward_cause="failed_turns")  # nobody's to set
    rest.edit("receptionists", mine.id, **both, forward_until=soon.isoformat())
    found = rest.one("receptionists", mine.id)
    assert (found["forward_calls"], found["forward_cause"]) == (True, "by_hand")
    rest.edit("receptionists", mine.id, forward_calls=False)
    found = rest.one("receptionists", mine.id)
    assert (found["forward_until"], found["forward_cause"]) == (None, None)
    boss = Rest(app.test_client()).sign_in(panel.super_admin().username).acting_for(tenant.id)
    assert "forwarded" in boss.add("numbers", expect=422, number=CELL)["message"]["number"][0]


def test_today_says_that_calls_are_sent_away(app: Flask, panel: Rows) -> None:
    tenant, other = panel.tenant(), panel.tenant()
    panel.receptionist(
        tenant, fallback_number=CELL, forward_calls=True, forward_cause="failed_turns",
        forward_until=datetime.now(UTC) + HOUR,
    )  # fmt: skip
    page = log_in(app.test_client(), panel.user(tenant).username)
    assert "Answers failed: until" in page.get("/").text
    assert "(212) 555-0111" in page.get("/").text
    viewer = log_in(app.test_client(), panel.user(tenant, "Viewer").username)
    assert "Answers failed" not in viewer.get("/").text
    stranger = log_in(app.test_client(), panel.user(other).username)
    assert "sent to" not in stranger.get("/").text
    panel.receptionist(other, fallback_number=CELL, forward_calls=True)
    assert "All calls are sent to" in stranger.get("/").text
    boss = log_in(app.test_client(), panel.super_admin().username)
    assert "The calls of 2 tenants are sent elsewhere" in boss.get("/").text


def test_the_switch_on_the_page(app: Flask, panel: Rows) -> None:
    tenant = panel.tenant(timezone="America/New_York")
    panel.number(tenant)
    mine = panel.receptionist(tenant)
    page = log_in(app.test_client(), panel.user(tenant).username)
    path = f"/receptionistconfigpage/edit/{mine.id}"
    on = FORM | {"forward_calls": "y", "forward_until": "2099-01-31T17:00"}
    assert (
        "Give the telephone that calls are to be sent to first." in page.post_form(path, **on).text
    )
    past = on | {"fallback_number": CELL, "forward_until": "2020-01-31T17:00"}
    assert "Choose a time that is still to come, or none." in page.post_form(path, **past).text
    assert page.post_form(path, **on, fallback_number=CELL).status_code == 302
    shown = page.get(f"/receptionistconfigpage/show/{mine.id}").text
    assert "Switched on by hand" in shown
    assert "5:00 pm" in shown
    assert "(212) 555-0111: callers do not hear the receptionist" in shown
    assert page.post_form(path, **FORM, fallback_number=CELL).status_code == 302
    shown = page.get(f"/receptionistconfigpage/show/{mine.id}").text
    assert "Switched on by hand" not in shown
    assert "5:00 pm" not in shown
