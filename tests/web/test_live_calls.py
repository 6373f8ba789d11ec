"""Live calls: who is talking right now, for whom it may concern; a call is ended by a person."""

import html
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app import models
from app.models import CallSession, CallState, Channel, Outcome
from app.views import sessions
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.conftest import Business, Caller
from tests.web.speaking import Browser, Rest, log_in
from tests.web.test_statements import counted

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def on(rows: Rows, tenant: models.Tenant, *said: str, **values: Any) -> CallSession:
    """A call that is going on, and what was said on it."""
    began = datetime.now(UTC) - timedelta(seconds=75)
    call = rows.call(tenant, **{"turn": 2, "state": "faq", "started_at": began} | values)
    for words in said:
        rows.transcript(tenant, call_id=call.id, text=words)
    return call


def shown(page: str) -> dict[int, str]:
    """By call: the text of its row."""
    found = re.findall(r'data-call="(\d+)".*?>(.*?)</tr>', page, re.S)
    return {int(pk): html.unescape(re.sub(r"<[^>]+>", " ", row)) for pk, row in found}


def test_whoever_reads_calls_sees_those_that_are_going_on_and_nobody_elses(
    app: Flask, rows: Rows
) -> None:
    tenant, other = rows.tenant(), rows.tenant(name="Hogar Sierra")
    one = on(rows, tenant, "Hello", HOSTILE, caller="+13035550142")
    on(rows, tenant, outcome=Outcome.ANSWERED)
    on(rows, tenant, channel=Channel.TEST, turn=0)  # registered, and not dialled yet
    place = rows.department(other, name="Ventas")
    talking, ringing = (on(rows, other, state=CallState.TRANSFER_ATTEMPT) for _ in range(2))
    rows.transfer(other, call_id=talking.id, department_id=place.id, accepted_by="+12125550199")
    rows.transfer(other, call_id=ringing.id, department_id=place.id)

    viewer = log_in(app.test_client(), rows.user(tenant, "Viewer").username)
    page = viewer.get("/live/").text
    assert HOSTILE not in page
    found = shown(page)
    assert set(found) == {one.id}
    for words in (HOSTILE, "Answering", "(303) 555-0142"):
        assert words in found[one.id]
    assert re.search(r"\b[1-9]:\d\d\b", found[one.id])
    assert "Hello" not in found[one.id]  # only the last words
    assert "End this call" not in page
    assert f"/callsessionpage/show/{one.id}" in page
    boss = log_in(app.test_client(), rows.super_admin().username)
    found = shown(boss.get("/live/listing").text)
    assert set(found) == {one.id, talking.id, ringing.id}
    assert "Talking with Ventas" in found[talking.id]
    assert "Ringing Ventas" in found[ringing.id]
    assert "Hogar Sierra" in found[ringing.id]
    nobody = log_in(app.test_client(), rows.user(rows.tenant()).username)
    assert "Nobody is calling right now" in nobody.get("/live/").text
    assert app.test_client().get("/live/listing").status_code == 302

    def statements() -> int:
        with counted(app) as found:
            boss.get("/live/listing")
        return len(found)

    few = statements()
    for _ in range(20):
        own = rows.tenant()
        call = on(rows, own, "Hi", state=CallState.TRANSFER_ATTEMPT)
        rows.transfer(own, call_id=call.id, department_id=rows.department(own).id)
    assert statements() == few
    assert few < 15


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(app: Flask, rows: Rows) -> None:
    browser = log_in(app.test_client(), rows.user(rows.tenant()).username)

    def seen_after(path: str) -> float:
        with browser.session_transaction() as session:
            session[sessions.SEEN] = time.time() - 2 * sessions.NOTED
        assert browser.get(path).status_code == 200
        with browser.session_transaction() as session:
            return float(time.time() - session[sessions.SEEN])

    assert seen_after("/live/listing") > sessions.NOTED
    assert seen_after("/live/") < sessions.NOTED


def end(browser: Browser, call: CallSession) -> str:
    answer = browser.post_form(f"/live/end/{call.id}", page="/resetmypassword/form")
    if answer.status_code != 302:
        return str(answer.status_code)
    return html.unescape(browser.get("/live/").text)


def test_a_real_call_is_hung_up_at_twilio_by_an_admin_of_its_own(
    make_app: Callable[..., Flask], twilio: TwilioRest
) -> None:
    main, token = sid("AC"), "0123456789abcdef0123456789abcdef"
    twilio.accounts[main] = token
    app = make_app(twilio_api_url=twilio.url, twilio_account_sid=main, twilio_auth_token=token)
    rows = Rows(app)
    tenant = rows.tenant()
    admin = log_in(app.test_client(), rows.user(tenant).username)
    call, over, lost = (on(rows, tenant) for _ in range(3))
    twilio.has_call(main, call.call_sid, "in-progress")
    ended = datetime.now(UTC).replace(microsecond=0)
    twilio.has_call(main, over.call_sid, "completed", duration=61, ended_at=ended)
    for role in ("Agent", "Viewer"):
        assert end(log_in(app.test_client(), rows.user(tenant, role).username), call) == "403"
    assert end(log_in(app.test_client(), rows.user(rows.tenant()).username), call) == "404"
    assert twilio.asked == []

    def outcome(of: CallSession) -> tuple[Any, Any]:
        caller = Caller(app, Business(tenant, rows.number(tenant), main, token), of.call_sid)
        row = caller.row()
        assert row is not None
        return row.outcome, row.duration

    assert "The call is being ended." in end(admin, call)
    assert twilio.calls[call.call_sid]["status"] == "completed"
    assert outcome(call) == (None, None)  # until Twilio tells, as of any call
    assert "The call is over." in end(admin, over)
    assert outcome(over) == (Outcome.ABANDONED, 61)
    assert "The call is over." in end(admin, lost)
    twilio.fault = 500
    assert "Twilio answered 500" in end(admin, call)
    rest = Rest(app.test_client()).sign_in(rows.user(tenant).username)
    answer = rest.ask("POST", f"calls/{call.id}/end")
    assert (answer.status_code, "Twilio answered 500" in answer.text) == (422, True)
    twilio.fault = None
    assert rest.ask("POST", f"calls/{over.id}/end").get_json()["message"] == "The call is over."
    assert rest.ask("POST", f"calls/{on(rows, rows.tenant()).id}/end").status_code == 404


def test_a_call_of_the_built_in_telephone_is_ended_here_and_its_message_is_kept(
    app: Flask, rows: Rows, caller: Caller
) -> None:
    tenant = caller.business.tenant
    rows.call(
        tenant, call_sid=caller.call_sid, channel=Channel.TEST, called=caller.business.number.number
    )
    caller.dial()
    caller.say(1, "I would like to leave a message")
    caller.say(2, "My name is Ada Byron")
    caller.say(3, "+1 303 555 0142")
    row = caller.row()
    assert row
    assert row.outcome is None
    boss = log_in(app.test_client(), rows.super_admin().username)
    assert "End this call" in boss.get(f"/callsessionpage/show/{row.id}").text
    assert "The call is over." in end(boss, row)
    assert f'data-call="{row.id}"' not in boss.get("/live/").text
    assert "End this call" not in boss.get(f"/callsessionpage/show/{row.id}").text
    after = caller.row()
    assert after
    assert (after.state, after.outcome) == (CallState.ENDED, Outcome.ABANDONED)
    assert [lead.name for lead in caller.all(models.Lead)] == ["Ada Byron"]
    assert "<Hangup" in caller.say(4, "It is about a fence").text
    entry = caller.all(models.AuditLog, action="end")
    assert [(one.entity, one.entity_id) for one in entry] == [("CallSession", row.id)]
