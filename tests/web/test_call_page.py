"""The page of a call: what it shows to whom, and the two things that are done on it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.models import LeadStatus, Outcome, Speaker, TransferStatus
from app.tenancy import acting_for
from tests.factories import Rows
from tests.web.conftest import Business, Caller
from tests.web.speaking import Browser, Rest, log_in
from tests.web.test_statements import counted

HOSTILE = '<script>alert(1)</script> " onload="x\' {{ 1337*1337 }}'
BEGAN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def page(browser: Browser, call: models.CallSession) -> str:
    answer = browser.get(f"/callsessionpage/show/{call.id}")
    assert answer.status_code == 200, answer.text[:500]
    return str(answer.text)


def person(app: Flask, rows: Rows, tenant: models.Tenant, role: str = "Agent") -> Browser:
    return log_in(app.test_client(), rows.user(tenant, role).username)


def a_call(rows: Rows, tenant: models.Tenant, **values: Any) -> models.CallSession:
    usual = {"started_at": BEGAN, "outcome": Outcome.ANSWERED, "duration": 87}
    return rows.call(tenant, **usual | values)


def again(app: Flask, row: Any) -> Any:
    with app.app_context(), acting_for(row.tenant_id):
        found = db.session.get(type(row), row.id)
        db.session.expunge_all()
        return found


def test_it_says_what_each_answer_rested_on_and_what_was_refused(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    entry = rows.knowledge(tenant, question="Do you deliver?", answer="Within ten miles.")
    call = a_call(rows, tenant)
    at = {"call_id": call.id}
    rows.transcript(
        tenant, text="Do you deliver?", created_at=BEGAN + timedelta(seconds=9),
        evidence={
            "tier": "model", "model": "gpt-x", "milliseconds": 412,
            "instead_of_model": "ungrounded", "unsaid": ["It costs 5 dollars."],
        }, **at,
    )  # fmt: skip
    sources = [
        {"id": f"knowledge:{entry.id}", "entry_id": entry.id, "version": entry.version},
        {"id": "hours:2026-11-20"},
        {"id": "knowledge:999999", "entry_id": 999999, "version": 4},
    ]
    rows.transcript(
        tenant, speaker=Speaker.RECEPTIONIST, text="Yes, within ten miles.", state="faq",
        created_at=BEGAN + timedelta(seconds=9), evidence={"sources": sources}, **at,
    )  # fmt: skip
    desk = rows.department(tenant, name="Front desk")
    rows.transfer(
        tenant, department_id=desk.id, status=TransferStatus.NO_ANSWER,
        created_at=BEGAN + timedelta(seconds=52), **at,
    )  # fmt: skip
    text = page(person(app, rows, tenant), call)
    assert "From “Do you deliver?”, version 1" in text
    assert "<blockquote>Within ten miles.</blockquote>" in text
    assert f"/knowledgeentrypage/show/{entry.id}" in text
    assert "From “An answer that is deleted”, version 4" in text
    assert "Opening hours of " in text
    assert "<s>It costs 5 dollars.</s>" in text
    assert "It was in none of your answers, so it was not said." in text
    assert "412 ms" in text
    assert "with the model" in text
    assert "Answering" in text
    assert text.index("within ten miles") < text.index("Rang Front desk. Nobody picked up.")
    assert "0:09" in text
    assert "0:52" in text


def test_an_answer_changed_since_is_said_to_be_another_version(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    entry = rows.knowledge(tenant)
    call = a_call(rows, tenant)
    source = {"id": f"knowledge:{entry.id}", "entry_id": entry.id, "version": 1}
    rows.transcript(
        tenant, call_id=call.id, speaker=Speaker.RECEPTIONIST, evidence={"sources": [source]}
    )
    browser = person(app, rows, tenant)
    assert "changed after the call" not in page(browser, call)
    with app.app_context(), acting_for(tenant.id):
        db.session.get_one(models.KnowledgeEntry, entry.id).answer = "At 2 Main Street."
        db.session.commit()
    assert "This is how it reads today (version 2)" in page(browser, call)


def test_what_callers_say_is_text_and_never_markup(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    call = a_call(rows, tenant, caller="<b>sip</b>")
    at = {"call_id": call.id}
    lead = rows.lead(
        tenant, name=HOSTILE, reason=HOSTILE, email=HOSTILE, notes=HOSTILE,
        answers={HOSTILE: HOSTILE}, known={"name": HOSTILE}, **at,
    )  # fmt: skip
    rows.transcript(tenant, text=HOSTILE, evidence={"refused": HOSTILE, "unsaid": [HOSTILE]}, **at)
    rows.summary(tenant, text=HOSTILE, **at)
    rows.gap(tenant, question=HOSTILE, **at)
    rows.job(
        tenant, kind=models.JobKind.WEBHOOK_OUT, status="dead", last_error=HOSTILE,
        args={"event": HOSTILE}, **at,
    )  # fmt: skip
    browser = person(app, rows, tenant, "Tenant Admin")
    for text in (
        page(browser, call),
        browser.get(f"/leadpage/show/{lead.id}").text,
        browser.get("/leads/board").text,
    ):
        assert "<script>alert" not in text
        assert "<b>sip" not in text
        assert "1787569" not in text
        assert 'onload="x' not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "{{ 1337*1337 }}" in text


def test_a_question_without_an_answer_leads_to_writing_it(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    first, later = a_call(rows, tenant), a_call(rows, tenant)
    rows.transcript(tenant, call_id=first.id, text="Do you  take CASH?")
    gap = rows.gap(
        tenant, question="Do you take cash?", folded="do you take cash?", call_id=later.id
    )
    agent = person(app, rows, tenant)
    for call in (first, later):
        text = page(agent, call)
        assert "One question had no answer:" in text
        assert "Write the answer" in text
        assert f"/knowledgegappage/show/{gap.id}" in text
    assert "Write the answer" not in page(person(app, rows, tenant, "Viewer"), first)
    with app.app_context(), acting_for(tenant.id):
        db.session.get_one(models.KnowledgeGap, gap.id).status = models.GapStatus.ANSWERED
        db.session.commit()
    assert "had no answer" not in page(agent, first)


def test_each_sees_what_their_role_may(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    call = a_call(rows, tenant)
    at = {"call_id": call.id}
    rows.lead(tenant, known={"phone": "caller_id"}, **at)
    rows.price()
    rows.spend(tenant, **at)
    hook = rows.webhook(tenant)
    job = rows.job(
        tenant, kind=models.JobKind.WEBHOOK_OUT, status="dead", webhook_id=hook.id,
        last_error="it answered 500", args={"event": "call.ended"}, **at,
    )  # fmt: skip
    admin = page(person(app, rows, tenant, "Tenant Admin"), call)
    for shown in (
        "caller ID", "$0.005", "call.ended to https://hooks.example.com/recep",
        "Given up: it answered 500", f"/jobpage/action/replay/{job.id}", "Technical details",
        "Block this caller", "Mark as spam", 'href="tel:+12125550142"',
    ):  # fmt: skip
        assert shown in admin, shown
    viewer = page(person(app, rows, tenant, "Viewer"), call)
    assert "caller ID" in viewer
    assert 'href="tel:+12125550142"' in viewer
    for hidden in ("$0.005", "call.ended", "Technical details", "Block this", "Mark as spam"):
        assert hidden not in viewer, hidden
    assert "Block this caller" in page(person(app, rows, tenant), call)


def test_a_longer_call_takes_no_more_statements(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    browser = person(app, rows, tenant, "Tenant Admin")

    def grown(many: int) -> models.CallSession:
        call = a_call(rows, tenant)
        at = {"call_id": call.id}
        for _ in range(many):
            entry = rows.knowledge(tenant)
            sources = [{"id": "k", "entry_id": entry.id, "version": 1}]
            rows.transcript(tenant, evidence={"sources": sources}, **at)
            rows.recording(tenant, **at)
            rows.gap(tenant, **at)
            rows.spend(tenant, **at)
            hook = rows.webhook(tenant)
            rows.job(tenant, kind=models.JobKind.WEBHOOK_OUT, webhook_id=hook.id, **at)
        for turn in range(many):
            rows.transfer(tenant, turn=turn, department_id=rows.department(tenant).id, **at)
        return call

    few, many = grown(2), grown(12)
    page(browser, few)  # what is asked once in the life of a process
    found = []
    for call in (few, many):
        with counted(app) as statements:
            page(browser, call)
        found.append(len(statements))
    assert found[0] == found[1] <= 26, found


def test_times_play_the_recording_from_there(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    call = a_call(rows, tenant)
    at = {"call_id": call.id}
    sound = rows.recording(
        tenant, duration=60, created_at=BEGAN + timedelta(seconds=10), **at
    )  # what was said before it began is not on it
    for second in (5, 25, 75):
        rows.transcript(tenant, created_at=BEGAN + timedelta(seconds=second), **at)
    text = page(person(app, rows, tenant), call)
    assert f"/recordings/{sound.id}/media" in text
    assert 'data-seek="15"' in text
    assert text.count("data-seek") == 1
    gone = a_call(rows, tenant)
    rows.recording(tenant, call_id=gone.id, status=models.RecordingStatus.DELETED)
    assert "<audio" not in page(person(app, rows, tenant), gone)


def test_a_blocked_caller_is_refused_until_unblocked(
    app: Flask, rows: Rows, business: Business
) -> None:
    first = Caller(app, business)
    first.dial()
    first.hang_up()
    call = first.row()
    assert call is not None
    agent = person(app, rows, business.tenant)
    assert "#phone-off" in page(agent, call)
    there = f"/callsessionpage/show/{call.id}"

    def press(what: str) -> str:
        answer = agent.post_form(f"/callsessionpage/{what}/{call.id}", page=there)
        assert answer.status_code == 302
        assert answer.location.endswith(there)
        return str(agent.get(there).text)

    assert "Caller blocked" in press("block")
    assert "Unblock this caller" in press("block")  # twice is once
    (row,) = first.all(models.Block)
    assert row.phone == first.caller
    assert call.call_sid in row.reason
    refused = Caller(app, business)
    assert "<Reject" in refused.dial().text
    assert refused.row().outcome == Outcome.BLOCKED  # type: ignore[union-attr]
    assert "Block this caller" in press("unblock")
    assert first.all(models.Block) == []
    answered = Caller(app, business)
    assert "<Gather" in answered.dial().text


def test_who_withheld_the_number_cannot_be_blocked(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    call = a_call(rows, tenant, caller="anonymous")
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(tenant, "Agent").username)
    answer = rest.ask("POST", f"calls/{call.id}/block")
    assert (answer.status_code, "withheld" in answer.text) == (422, True)
    assert "Block this caller" not in page(person(app, rows, tenant), call)


@pytest.fixture
def marked(rows: Rows) -> tuple[models.CallSession, models.Lead]:
    tenant = rows.tenant()
    call = a_call(rows, tenant, outcome=Outcome.LEAD)
    return call, rows.lead(tenant, call_id=call.id, status=LeadStatus.CONTACTED)


def test_spam_counts_as_blocked_and_can_be_taken_back(
    rows: Rows, app: Flask, marked: tuple[models.CallSession, models.Lead]
) -> None:
    call, lead = marked
    with app.app_context(), acting_for(call.tenant_id):
        user = rows.user(db.session.get_one(models.Tenant, call.tenant_id), "Agent").username
    rest = Rest(app.test_client(use_cookies=False)).sign_in(user)
    for _ in range(2):  # twice is once
        answer = rest.ask("POST", f"calls/{call.id}/spam").get_json()
        assert answer == {"outcome": "blocked", "spam": True, "blocked": False}
    assert again(app, lead).status == LeadStatus.SPAM
    assert rest.one("calls", call.id)["before_spam"] == "lead"
    answer = rest.ask("DELETE", f"calls/{call.id}/spam").get_json()
    assert answer == {"outcome": "lead", "spam": False, "blocked": False}
    assert again(app, lead).status == LeadStatus.CONTACTED
    assert [row.entity for row in audited(app, call)].count("CallSession") == 2


def audited(app: Flask, call: models.CallSession) -> list[models.AuditLog]:
    with app.app_context(), acting_for(call.tenant_id):
        found = db.session.query(models.AuditLog).all()
        db.session.expunge_all()
        return found


def test_a_call_that_goes_on_is_not_marked(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    call = a_call(rows, tenant, outcome=None)
    browser = person(app, rows, tenant)
    assert "Mark as spam" not in page(browser, call)
    there = f"/callsessionpage/show/{call.id}"
    browser.post_form(f"/callsessionpage/spam/{call.id}", page=there)
    assert "still going on" in browser.get(there).text
    assert again(app, call).outcome is None


def test_a_late_end_does_not_undo_the_mark(
    app: Flask, rows: Rows, make_business: Callable[..., Business]
) -> None:
    business = make_business()
    caller = Caller(app, business)
    caller.dial()
    caller.hang_up()
    call = caller.row()
    assert call is not None
    browser = person(app, rows, business.tenant)
    there = f"/callsessionpage/show/{call.id}"
    browser.post_form(f"/callsessionpage/spam/{call.id}", page=there)
    rows.transfer(business.tenant, call_id=call.id, status=TransferStatus.ANSWERED)
    caller.hang_up(50)
    after = again(app, call)
    assert (after.outcome, after.before_spam) == (Outcome.BLOCKED, Outcome.TRANSFERRED)


def test_viewers_and_strangers_neither_block_nor_mark(
    rows: Rows, app: Flask, client: FlaskClient
) -> None:
    tenant = rows.tenant()
    call = a_call(rows, tenant)
    viewer = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(tenant, "Viewer").username)
    stranger = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(rows.tenant()).username)
    for what in ("block", "spam"):
        for method in ("POST", "DELETE"):
            assert viewer.ask(method, f"calls/{call.id}/{what}").status_code == 403
            assert stranger.ask(method, f"calls/{call.id}/{what}").status_code == 404
        assert client.post(f"/callsessionpage/{what}/{call.id}").status_code in (302, 400)
    assert again(app, call).outcome == Outcome.ANSWERED
