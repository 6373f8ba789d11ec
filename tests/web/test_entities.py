"""What every entity does beyond its declaration: rules, search, spreadsheets, bulk actions."""

import csv
import io
from datetime import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.tenancy import acting_for
from app.views import ENTITIES
from tests.factories import Rows
from tests.web.speaking import Browser, Rest, log_in


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    return rows.tenant()


@pytest.fixture
def browser(rows: Rows, tenant: models.Tenant, client: FlaskClient) -> Browser:
    return log_in(client, rows.user(tenant).username)


@pytest.fixture
def rest(rows: Rows, tenant: models.Tenant, client: FlaskClient) -> Rest:
    return Rest(client).sign_in(rows.user(tenant).username)


def all_of(app: Flask, tenant: models.Tenant, model: type) -> list[Any]:
    with app.app_context(), acting_for(tenant.id):
        found = db.session.query(model).order_by(model.id).all()
        db.session.expunge_all()
        return found


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+19005550100", "premium-rate"),
        ("+881612345678", "satellite"),
        ("+33142685300", "is in FR"),
        ("mine", "answered by a receptionist"),
        ("theirs", "answered by a receptionist"),
    ],
)
def test_a_department_is_not_rung_where_it_must_not(
    rows: Rows, tenant: models.Tenant, rest: Rest, browser: Browser, number: str, said: str
):
    ours = {"mine": rows.number(tenant).number, "theirs": rows.number(rows.tenant()).number}
    number = ours.get(number, number)
    refused = rest.add("departments", expect=422, name="Sales", numbers=[number])
    assert said in refused["message"]["numbers"][0]
    page = browser.post_form(
        "/departmentpage/add", name="Sales", description="", position="1", ring_seconds="20",
        numbers=number,
    )  # fmt: skip
    assert page.status_code == 200
    assert said in page.text
    assert number in page.text, "what was typed is still there"


def test_countries_are_those_of_the_receptionist(rows: Rows, tenant: models.Tenant, rest: Rest):
    rows.number(tenant)
    config = rows.receptionist(tenant, allowed_countries=["US", "FR"])
    rest.add("departments", name="Paris", numbers=["+33142685300"])
    admin = rest.edit("receptionists", config.id, expect=422, allowed_countries=["us"])
    assert "Paris" in admin["message"]["allowed_countries"][0]
    assert (
        "allowed_countries"
        in rest.edit("receptionists", config.id, expect=422, allowed_countries=["Narnia"])[
            "message"
        ]
    )
    rest.edit("receptionists", config.id, allowed_countries=["us", "fr"])


def test_the_directory_is_asked_without_losing_ones_own_scope(
    rows: Rows, app: Flask, tenant: models.Tenant
):
    from app import directory

    theirs = rows.number(rows.tenant())
    with app.app_context(), acting_for(tenant.id):
        assert directory.answered_here([theirs.number, "+12125550142"]) == [theirs.number]
        assert db.session.query(models.TwilioNumber).count() == 0
        found = db.session.connection().exec_driver_sql("select count(*) from twilio_number")
        assert found.scalar() == 0


def test_hours_do_not_overlap_those_of_the_same_place(
    rows: Rows, tenant: models.Tenant, rest: Rest, browser: Browser
):
    sales = rows.department(tenant)
    rest.add("hours", weekday=1, opens="09:00", closes="13:00")
    said = "Tuesday has 9:00–13:00 and 12:00–17:00. Change one so that they do not overlap."
    refused = rest.add("hours", expect=422, weekday=1, opens="12:00", closes="17:00")
    assert refused["message"] == {"opens": [said]}
    page = browser.post_form("/openinghourspage/add", weekday="1", opens="12:00", closes="17:00")
    assert said in page.text
    other = rest.add("hours", weekday=1, opens="12:00", closes="17:00", department=sales.id)
    moved = rest.edit("hours", other["id"], expect=422, department=None)
    assert moved["message"] == {"opens": [said]}
    page = browser.post_form(
        f"/openinghourspage/edit/{other['id']}", weekday="1", opens="12:00", closes="17:00",
        department="",
    )  # fmt: skip
    assert said in page.text
    rest.edit("hours", other["id"], opens="12:30")
    rest.edit("hours", other["id"], opens="13:00", department=None)
    night = rest.add("hours", expect=422, weekday=0, opens="22:00", closes="10:00")
    assert "Monday has 22:00–10:00, and Tuesday 9:00–13:00." in night["message"]["opens"][0]


def test_a_holiday_contradicts_neither_another_nor_the_hours(rest: Rest):
    new_year = {"day": "2027-01-01", "name": "New Year's Day"}
    first = rest.add("holidays", **new_year)
    assert "New Year's Day" in rest.add("holidays", expect=422, **new_year)["message"]["day"][0]
    rest.edit("holidays", first["id"], name="New Year")
    rest.add("hours", weekday=5, opens="02:00", closes="08:00")
    late = rest.edit("holidays", first["id"], expect=422, opens="20:00", closes="03:00")
    assert "Saturday" in late["message"]["opens"][0]


def test_staff_who_are_rung_first_are_of_the_tenant(
    rows: Rows, tenant: models.Tenant, rest: Rest, browser: Browser, app: Flask
):
    config, theirs = rows.receptionist(tenant), rows.department(rows.tenant())
    refused = rest.edit("receptionists", config.id, expect=422, staff_first=theirs.id)
    assert refused["message"] == {"staff_first": ["There is no such row. Give the id of one."]}
    browser.post_form(
        f"/receptionistconfigpage/edit/{config.id}", greeting="x", staff_first=str(theirs.id)
    )
    (kept,) = all_of(app, tenant, models.ReceptionistConfig)
    assert kept.staff_first_id is None


@pytest.mark.parametrize(
    ("resource", "values", "field"),
    [
        ("knowledge", {"question": "Q", "answer": "x" * 2001}, "answer"),
        ("knowledge", {"question": "x" * 501, "answer": "A"}, "question"),
        ("knowledge", {"question": "Q", "answer": "A", "alternates": ["x" * 501]}, "alternates"),
        ("departments", {"name": "A", "lead_recipients": ["bob"]}, "lead_recipients"),
        ("departments", {"name": "A", "ring_seconds": 1000}, "ring_seconds"),
        ("departments", {"name": "A", "position": 0}, "position"),
        ("departments", {"name": "A", "numbers": ["+12125550111"] * 2}, "numbers"),
    ],
)
def test_what_cannot_work_is_refused(rest: Rest, resource: str, values: dict[str, Any], field: str):
    assert field in rest.add(resource, expect=422, **values)["message"]


def test_every_form_explains_its_fields(app: Flask):
    plain = {"name", "email", "phone", "first_name", "last_name"}
    pages = {type(view).__name__: view for view in app.appbuilder.baseviews}
    for entity in ENTITIES:
        if not entity.form_columns:
            continue
        with app.test_request_context():
            form = pages[f"{entity.name}Page"].add_form(meta={"csrf": False})
        for column in {*entity.form_columns} - plain:
            assert form[column].description, (entity.resource, column)
        for group in entity.fieldsets.values():
            assert {*group} <= {*entity.form_columns}, entity.resource


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_lists_leave_as_csv_that_runs_nothing(rows: Rows, tenant: models.Tenant, browser: Browser):
    call = rows.call(tenant, outcome="lead")
    rows.transcript(tenant, call_id=call.id, text='=HYPERLINK("http://evil")')
    rows.lead(tenant, call_id=call.id, name="+1+1", reason="@SUM(1)", notes='a,b\n"c"')
    rows.lead(tenant, name="Second", status="done")
    rows.gap(tenant, question="-2+3?")
    rows.knowledge(tenant, alternates=["one", "two"])
    rows.lead(rows.tenant(), name="Stranger")
    found = {}
    for resource in ("call", "lead", "knowledge", "gap", "transcript"):
        page = {
            "call": "callsessionpage", "lead": "leadpage", "knowledge": "knowledgeentrypage",
            "gap": "knowledgegappage", "transcript": "transcriptpage",
        }[resource]  # fmt: skip
        answer = browser.get(f"/{page}/csv")
        assert answer.status_code == 200, resource
        assert answer.mimetype == "text/csv"
        assert "attachment" in answer.headers["Content-Disposition"]
        assert "Stranger" not in answer.text
        found[resource] = cells(answer.text)
        assert f"/{page}/csv" in browser.get(f"/{page}/list/").text
    assert found["transcript"][0]["text"].startswith("'=")
    assert found["transcript"][0]["call"] == call.call_sid
    second, lead = found["lead"]
    assert (lead["name"], lead["reason"], lead["notes"]) == ("'+1+1", "'@SUM(1)", 'a,b\n"c"')
    assert lead["phone"] == "'+12125550142"
    assert second["status"] == "done"
    assert found["gap"][0]["question"] == "'-2+3?"
    assert found["knowledge"][0]["alternates"] == "one\ntwo"

    (only,) = cells(browser.get("/leadpage/csv?_flt_0_name=Sec").text)
    assert only["name"] == "Second"
    ordered = cells(browser.get("/leadpage/csv?_oc_LeadPage=name&_od_LeadPage=asc").text)
    assert [row["name"] for row in ordered] == ["'+1+1", "Second"]


def test_a_list_without_a_sheet_has_none(browser: Browser):
    assert browser.get("/departmentpage/csv").status_code == 200
    assert browser.get("/callsessionpage/csv?_flt_0_number=abc").status_code == 400


def test_many_rows_are_changed_at_once(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    first, second, third = (rows.lead(tenant) for _ in range(3))
    entry = rows.knowledge(tenant)
    listing = browser.get("/leadpage/list/").text
    assert "Mark as contacted" in listing

    def act(page: str, action: str, *ids: int) -> Any:
        return browser.post_form(
            f"/{page}/action_post", page=f"/{page}/add", action=action, rowid=[str(i) for i in ids]
        )

    assert act("leadpage", "bulk_contacted", first.id, second.id).status_code == 302
    assert [lead.status for lead in all_of(app, tenant, models.Lead)] == [
        "contacted", "contacted", "new",
    ]  # fmt: skip
    act("leadpage", "bulk_delete", first.id, third.id)
    assert [lead.id for lead in all_of(app, tenant, models.Lead)] == [second.id]
    for action, status in (("bulk_unpublish", "draft"), ("bulk_publish", "live")):
        act("knowledgeentrypage", action, entry.id)
        assert all_of(app, tenant, models.KnowledgeEntry)[0].status == status
    act("knowledgeentrypage", "bulk_delete", entry.id)
    assert all_of(app, tenant, models.KnowledgeEntry) == []


def test_bulk_actions_reach_nobody_elses_rows(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    stranger = rows.tenant()
    mine, theirs = rows.lead(tenant), rows.lead(stranger)
    answer = browser.post_form(
        "/leadpage/action_post", page="/leadpage/add", action="bulk_delete",
        rowid=[str(mine.id), str(theirs.id)],
    )  # fmt: skip
    assert answer.status_code == 404
    assert all_of(app, tenant, models.Lead)
    assert all_of(app, stranger, models.Lead)


def test_who_may_only_read_changes_nothing_in_bulk(
    rows: Rows, app: Flask, tenant: models.Tenant, client: FlaskClient
):
    lead = rows.lead(tenant)
    viewer = log_in(client, rows.user(tenant, "Viewer").username)
    assert viewer.get("/leadpage/csv").status_code == 200
    assert "Mark as" not in viewer.get("/leadpage/list/").text
    viewer.post_form(
        "/leadpage/action_post", page="/resetmypassword/form", action="bulk_delete",
        rowid=[str(lead.id)],
    )  # fmt: skip
    assert all_of(app, tenant, models.Lead)


def test_open_all_day_every_day_is_no_contradiction(rest: Rest):
    for weekday in range(7):
        rest.add("hours", weekday=weekday, opens="00:00", closes=time(0).strftime("%H:%M"))
