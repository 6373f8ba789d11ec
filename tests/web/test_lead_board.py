"""The lead board and a lead's page: steps, notes, and the calls of one person together."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.models import LeadStatus
from app.tenancy import acting_for
from app.views import board
from tests.factories import Rows
from tests.web.speaking import Browser, Rest, log_in
from tests.web.test_statements import counted

BOARD = "/leads/board"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def person(app: Flask, rows: Rows, tenant: models.Tenant, role: str = "Agent") -> Browser:
    return log_in(app.test_client(), rows.user(tenant, role).username)


def column(text: str, status: str) -> str:
    """What stands in one column."""
    begun = text.partition(f'data-status="{status}"')[2]
    return begun.partition("</section>")[0]


def again(app: Flask, lead: models.Lead) -> Any:
    with app.app_context(), acting_for(lead.tenant_id):
        found = db.session.get(models.Lead, lead.id)
        db.session.expunge_all()
        return found


def test_each_step_has_its_column_and_spam_has_none(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    for status in LeadStatus:
        rows.lead(tenant, name=f"Lead {status}", phone="", status=status)
    rows.lead(rows.tenant(), name="A stranger")
    late = date.today() - timedelta(days=40)
    rows.lead(tenant, name="Tom Becker", reason="A quote", due=late, phone="+12125550199")
    text = person(app, rows, tenant).get(BOARD).text
    for status in ("new", "contacted", "done", "lost"):
        assert f"Lead {status}" in column(text, status)
        assert f"/leadpage/list/?_flt_0_status={status}" in column(text, status)
    assert "Lead spam" not in text
    assert "A stranger" not in text
    card = column(text, "new")
    for shown in ("Tom Becker", "A quote", "days late", 'href="tel:+12125550199"', "Move"):
        assert shown in card, shown
    assert "Move" not in column(person(app, rows, tenant, "Viewer").get(BOARD).text, "new")


def test_several_calls_of_one_person_are_one_card(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    ada = {"phone": "+12125550142"}
    calls = [rows.call(tenant, caller=ada["phone"]) for _ in range(2)]
    other = rows.call(tenant, caller="anonymous")  # said that number
    first = rows.lead(tenant, name="Ada", call_id=calls[0].id, **ada)
    newest = rows.lead(tenant, name="Ada Byron", call_id=other.id, **ada)
    rows.lead(tenant, name="A test", test=True, **ada)
    rows.call(rows.tenant(), caller=ada["phone"])
    agent = person(app, rows, tenant)
    text = column(agent.get(BOARD).text, "new")
    assert f'data-lead="{newest.id}"' in text
    assert f'data-lead="{first.id}"' not in text
    assert "3 calls" in text
    page = agent.get(f"/leadpage/show/{newest.id}").text
    assert "3 calls" in page
    for call in (*calls, other):
        assert f"/callsessionpage/show/{call.id}" in page
    assert f"/leadpage/show/{first.id}" in page
    answer = agent.post_form(f"/leads/move/{newest.id}", page=BOARD, status="done", back="board")
    assert answer.location.endswith(BOARD)
    assert again(app, first).status == again(app, newest).status == LeadStatus.DONE
    text = agent.get(BOARD).text
    assert "2 leads moved to Done" in text
    assert "A test" in column(text, "new")


def test_a_number_is_kept_in_one_form(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    rows.number(tenant)
    agent = person(app, rows, tenant)
    answer = agent.post_form(
        "/leadpage/add", name="Ada", phone="(212) 555-0142", email="", reason="", status="new",
        due="", notes="",
    )  # fmt: skip
    assert answer.status_code == 302
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(tenant).username)
    rest.add("leads", name="Bob", phone="212 555 0142")
    rest.add("leads", name="Eve", phone="ask for Eve")
    found = {row["name"]: row["phone"] for row in rest.rows("leads")}
    assert found == {"Ada": "+12125550142", "Bob": "+12125550142", "Eve": "ask for Eve"}


def test_a_lead_is_moved_alone_from_its_page(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    lead, other = rows.lead(tenant), rows.lead(tenant)
    agent, there = person(app, rows, tenant), f"/leadpage/show/{lead.id}"
    answer = agent.post_form(f"/leads/move/{lead.id}", page=there, status="lost")
    assert answer.location.endswith(there)
    assert again(app, lead).status == LeadStatus.LOST
    assert again(app, other).status == LeadStatus.NEW
    assert agent.post_form(f"/leads/move/{lead.id}", page=there, status="gone").status_code == 400
    assert agent.post(f"/leads/move/{lead.id}", data={"status": "done"}).status_code == 400
    assert again(app, lead).status == LeadStatus.LOST


def test_a_note_is_added_with_its_author(rows: Rows, app: Flask) -> None:
    tenant = rows.tenant()
    lead = rows.lead(tenant, notes="Was friendly.")
    agent, there = person(app, rows, tenant), f"/leadpage/show/{lead.id}"
    agent.post_form(f"/leads/note/{lead.id}", page=there, note="  Called <b>twice</b>.\r\n")
    notes = again(app, lead).notes
    assert notes.startswith("Was friendly.\n")
    assert notes.endswith("Test: Called <b>twice</b>.")
    text = agent.get(there).text
    assert "Called &lt;b&gt;twice&lt;/b&gt;." in text
    agent.post_form(f"/leads/note/{lead.id}", page=there, note="   ")
    assert again(app, lead).notes == notes


def test_only_who_works_with_leads_moves_them(rows: Rows, app: Flask, client: FlaskClient) -> None:
    tenant = rows.tenant()
    lead = rows.lead(tenant)
    viewer = person(app, rows, tenant, "Viewer")
    assert viewer.get(BOARD).status_code == 200
    assert "Add a note" not in viewer.get(f"/leadpage/show/{lead.id}").text
    stranger = person(app, rows, rows.tenant())
    for what, values in (("move", {"status": "done"}), ("note", {"note": "Hello"})):
        refused = viewer.post_form(
            f"/leads/{what}/{lead.id}", page="/resetmypassword/form", **values
        )
        assert refused.status_code in (302, 403)
        foreign = stranger.post_form(f"/leads/{what}/{lead.id}", page="/leadpage/add", **values)
        assert foreign.status_code == 404
    after = again(app, lead)
    assert (after.status, after.notes) == (LeadStatus.NEW, "")
    assert client.get(BOARD).status_code == 302
    boss = log_in(app.test_client(), rows.super_admin().username)
    assert "/act-as/" in boss.get(BOARD).location


def test_more_leads_take_no_more_statements_and_show_the_newest(
    rows: Rows, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "SHOWN", 4)
    tenant = rows.tenant()
    agent = person(app, rows, tenant)

    def grown(many: int) -> int:
        for n in range(many):
            phone = f"+1212555{n:04d}"
            call = rows.call(tenant, caller=phone, started_at=datetime.now(UTC))
            rows.lead(tenant, phone=phone, call_id=call.id, name=f"Number {n}")
        agent.get(BOARD)
        with counted(app) as statements:
            text = agent.get(BOARD).text
        assert text.count("data-lead=") == min(many, 4)
        assert ("Show all" in text) is (many > 4)
        return len(statements)

    few = grown(2)
    assert grown(9) == few <= 15
