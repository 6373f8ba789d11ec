"""Tenants as customers: what becomes of a suspended and a closed one's callers and people."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask

from app import models
from app.extensions import db
from app.jobs import running
from app.tenancy import across_tenants
from tests.factories import PASSWORD, Rows
from tests.web.conftest import CALLER, Business, Caller
from tests.web.speaking import Rest, log_in

CELL = "+12125550111"


def become(app: Flask, tenant: models.Tenant, status: str) -> None:
    with app.app_context(), across_tenants():
        db.session.get_one(models.Tenant, tenant.id).status = status
        db.session.commit()


@pytest.fixture
def suspended(app: Flask, make_business: Callable[..., Business]) -> Caller:
    business = make_business(suspension_number=CELL)
    become(app, business.tenant, "suspended")
    return Caller(app, business)


def dialled(caller: Caller) -> str:
    """What the caller hears in the end: a machine under load may first say "one moment"."""
    answer = caller.dial().text
    while (again := ElementTree.fromstring(answer).findtext("Redirect")) and "wait=" in again:
        answer = caller.post(again).text
    return answer


def test_a_suspended_tenants_callers_are_forwarded_where_it_chose(suspended: Caller):
    [dial] = ElementTree.fromstring(dialled(suspended))
    assert dial.tag == "Dial"
    assert [number.text for number in dial] == [CELL]
    assert (dial.get("timeLimit"), dial.get("timeout")) == ("3600", "30")
    assert dial.get("callerId") == CALLER
    call = suspended.row()
    assert call is not None
    assert (call.outcome, call.state) == ("blocked", "ended")
    assert suspended.all(models.Transcript) == []


def test_a_forwarded_caller_without_a_number_shows_the_one_that_was_called(suspended: Caller):
    suspended.caller = "anonymous"
    [dial] = ElementTree.fromstring(dialled(suspended))
    assert dial.get("callerId") == suspended.business.number.number


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "completed"])
def test_a_forwarded_caller_whom_nobody_takes_hears_why(suspended: Caller, status: str):
    [dial] = ElementTree.fromstring(dialled(suspended))
    answer = suspended.post(str(dial.get("action")), DialCallStatus=status, DialBridged="false")
    assert ("not taking calls" in answer.text) is (status != "completed")
    assert "<Hangup" in answer.text
    suspended.hang_up(seconds=90)
    used = {(row.kind, row.quantity) for row in suspended.all(models.SpendLedger)}
    assert used == {("calls", 1), ("call_seconds", 90)}
    call = suspended.row()
    assert call is not None
    assert (call.outcome, call.duration) == ("blocked", 90)


def test_a_closed_tenants_callers_hear_a_sentence_and_are_never_forwarded(
    app: Flask, suspended: Caller
):
    become(app, suspended.business.tenant, "closed")
    answer = dialled(suspended)
    assert "not taking calls" in answer
    assert "<Dial" not in answer
    call = suspended.row()
    assert call is not None
    assert call.outcome == "blocked"


def test_a_tenant_on_trial_is_answered(app: Flask, caller: Caller):
    become(app, caller.business.tenant, "trial")
    assert "<Gather" in dialled(caller)


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
def test_where_callers_are_forwarded_is_checked_like_any_transfer(
    app: Flask, panel: Rows, number: str, why: str
):
    tenant = panel.tenant()
    panel.number(tenant, number="+12125550100")
    mine = panel.receptionist(tenant)
    rest = Rest(app.test_client()).sign_in(panel.user(tenant).username)
    refused = rest.edit("receptionists", mine.id, expect=422, suspension_number=number)
    assert why in refused["message"]["suspension_number"][0]
    assert rest.edit("receptionists", mine.id, suspension_number=CELL)["id"] == mine.id
    rest.edit("receptionists", mine.id, suspension_number=None)


def test_a_number_that_callers_are_forwarded_to_is_not_answered_here(app: Flask, panel: Rows):
    tenant = panel.tenant()
    panel.receptionist(tenant, suspension_number=CELL)
    rest = Rest(app.test_client()).sign_in(panel.super_admin().username).acting_for(tenant.id)
    assert "forwarded" in rest.add("numbers", expect=422, number=CELL)["message"]["number"][0]


def test_nobody_of_a_closed_tenant_gets_in_or_stays(app: Flask, panel: Rows):
    tenant = panel.tenant()
    user, boss = panel.user(tenant), panel.super_admin()
    page = log_in(app.test_client(), user.username)
    rest = Rest(app.test_client(use_cookies=False)).sign_in(user.username)
    admin = Rest(app.test_client(use_cookies=False)).sign_in(boss.username).acting_for(tenant.id)
    key = admin.add("keys", name="Script", role="Tenant Admin")["key"]
    script = Rest(app.test_client(use_cookies=False), {"Authorization": f"Bearer {key}"})
    assert page.get("/leadpage/list/").status_code == 200
    assert rest.ask("GET", "leads/").status_code == script.ask("GET", "leads/").status_code == 200
    become(app, tenant, "closed")
    assert page.get("/leadpage/list/").status_code == 302
    assert rest.ask("GET", "leads/").status_code == script.ask("GET", "leads/").status_code == 401
    again = app.test_client().post(
        "/api/v1/security/login",
        json={"username": user.username, "password": PASSWORD, "provider": "db"},
    )
    assert again.status_code == 401
    become(app, tenant, "suspended")  # its people may still look, and pay
    assert rest.ask("GET", "leads/").status_code == script.ask("GET", "leads/").status_code == 200


def deletions(app: Flask) -> list[Any]:
    with app.app_context(), across_tenants():
        found = db.session.query(models.Job).filter_by(kind="delete_tenant").all()
        db.session.expunge_all()
        db.session.rollback()
        return found


def test_deleting_by_the_page_asks_for_the_slug(app: Flask, panel: Rows):
    tenant = panel.tenant(name="Corner Shop", slug="corner-shop")
    admin = log_in(app.test_client(), panel.super_admin().username)
    page = f"/tenantpage/leave/{tenant.id}"
    assert "corner-shop" in admin.get(page).text
    by_button = admin.post_form(f"/tenantpage/delete/{tenant.id}", page=page)
    assert by_button.location.endswith(page)
    for typed in ("", "Corner", "corner-sho"):
        assert "Nothing was deleted" in admin.post_form(page, confirm=typed).text
    assert deletions(app) == []
    assert admin.post_form(page, confirm="corner-shop").status_code == 302
    [job] = deletions(app)
    assert (job.tenant_id, job.args["of"], job.status) == (None, tenant.id, "waiting")
    assert "closed" in admin.get("/tenantpage/list/").text
    with app.app_context():
        running.run_due()
    assert admin.get(page).status_code == 404


def test_deleting_by_rest_answers_with_the_job_and_takes_up_one_that_was_given_up(
    app: Flask, panel: Rows
):
    tenant, other = panel.tenant(), panel.tenant()
    rest = Rest(app.test_client()).sign_in(panel.super_admin().username)
    assert rest.acting_for(other.id).ask("DELETE", f"tenants/{tenant.id}").status_code == 404
    first = rest.ask("DELETE", f"tenants/{tenant.id}")
    assert first.status_code == 202
    job = first.get_json()["job"]
    assert rest.one("tenants", tenant.id)["status"] == "closed"
    with app.app_context(), across_tenants():
        db.session.get_one(models.Job, job).status = "dead"
        db.session.commit()
    again = rest.acting_for(tenant.id).ask("DELETE", f"tenants/{tenant.id}")
    assert (again.status_code, again.get_json()["job"]) == (202, job)
    assert rest.one("jobs", job)["status"] == "waiting"


def test_a_tenants_own_admin_cannot_delete_it(app: Flask, panel: Rows):
    tenant = panel.tenant()
    name = panel.user(tenant).username
    rest = Rest(app.test_client(use_cookies=False)).sign_in(name)
    assert rest.ask("DELETE", f"tenants/{tenant.id}").status_code == 403
    page = f"/tenantpage/leave/{tenant.id}"
    browser = log_in(app.test_client(), name)
    assert browser.get(page).status_code in (302, 403)
    assert deletions(app) == []
