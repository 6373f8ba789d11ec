"""Limits on the screen and over REST: who may change them, how far, and where they are shown."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from app import models
from app.extensions import db
from app.jobs import owners
from app.models import Limited, Outcome
from app.tenancy import across_tenants
from tests.factories import Rows
from tests.web.speaking import Rest, log_in

FORM = {"withheld": "message", "unverified": "reject", "robocalls": "y"}


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def words(page: str) -> str:
    """Without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def jobs(app: Flask, kind: str) -> list[models.Job]:
    with app.app_context(), across_tenants():
        found = db.session.query(models.Job).filter_by(kind=kind).order_by(models.Job.id).all()
        db.session.expunge_all()
        db.session.rollback()
        return found


def test_a_tenants_admin_lowers_limits_and_passes_no_ceiling(app: Flask, rows: Rows):
    tenant = rows.tenant(most_calls_at_once=40)
    own = rows.limits(tenant)
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(tenant).username)
    changed = rest.edit("limits", own.id, calls_at_once=40, day_cents=10_000, withheld="reject")
    assert (changed["result"]["calls_at_once"], changed["result"]["withheld"]) == (40, "reject")
    for field, value, why in (
        ("calls_at_once", 41, "At most 40"), ("day_cents", 10_001, "At most 10,000"),
        ("month_cents", 100_001, "operator allows"), ("calls_per_minute", 301, "At most 300"),
        ("call_seconds", 59, "from 60 to 14400"), ("call_tokens", -1, "from 0"),
        ("caller_at_once", 0, "from 1"), ("talk_seconds", "long", "whole number"),
        ("unverified", "hang_up", "Must be one of"), ("robocalls", "perhaps", "true or false"),
        ("tenant", 1, "no such field"), ("most_calls_at_once", 99, "no such field"),
    ):  # fmt: skip
        message = rest.edit("limits", own.id, expect=422, **{field: value})["message"]
        assert why in str(message[field]), (field, message)
    assert rest.one("limits", own.id)["calls_at_once"] == 40
    assert rest.ask("POST", "limits/", json={}).status_code in (404, 405)
    boss = Rest(app.test_client(use_cookies=False)).sign_in(rows.super_admin().username)
    assert boss.edit("tenants", tenant.id, most_day_cents=5_000)["result"]["most_day_cents"] == 5000
    current = rest.ask("GET", "limits/current").get_json()
    assert current["limits"]["day_cents"] == 5000  # the ceiling has come down below the own one
    assert current["limits"]["calls_at_once"] == 40
    assert current["limits"]["talk_seconds"] == 3600
    assert current["spent"] == {"day_cents": "0.0000", "month_cents": "0.0000"}
    assert boss.ask("GET", "limits/current").status_code == 422
    assert rest.edit("limits", own.id, calls_at_once=None)["result"]["calls_at_once"] is None
    refused = rest.ask("PUT", f"tenants/{tenant.id}", json={"most_day_cents": 1})
    assert refused.status_code == 403
    [*_, last] = [row for row in boss.rows("audit") if row["entity"] == "CallLimits"]
    assert last["action"] == "edit"


def test_the_page_shows_what_holds_by_whom_and_how_much_is_used(app: Flask, rows: Rows):
    today = datetime.now(UTC).date()
    tenant, stranger = rows.tenant(timezone="UTC", most_month_cents=3000), rows.tenant()
    own = rows.limits(tenant, month_cents=9000, caller_at_once=2)
    theirs = rows.limits(stranger, caller_at_once=77)
    rows.account(
        tenant, day=today, day_spent=12_345_678, month=today.replace(day=1), month_spent=24_000_000
    )
    admin = log_in(app.test_client(), rows.user(tenant).username)
    listed = admin.get(owners.LIMITS_PAGE)
    assert listed.location.endswith(f"/calllimitspage/show/{own.id}")
    page = words(admin.get(listed.location).text)
    assert "Limits Limits" not in page  # there is one of it, and no list
    for shown in (
        "Cost of a month $30.00 your operator allows no more", "Cost of a day $100.00 of the",
        "Calls at once from one number 2 chosen here", "$12.35 of $100.00 (12 %)",
        "$24.00 of $30.00 (80 %)", "Answer as ever",
    ):  # fmt: skip
        assert shown in page, shown
    edit = f"/calllimitspage/edit/{own.id}"
    refused = admin.post_form(edit, calls_at_once="101", caller_at_once="3", **FORM)
    assert "At most 100" in refused.text
    assert 'value="101"' in refused.text
    assert admin.post_form(edit, calls_at_once="", caller_at_once="3", **FORM).status_code == 302
    page = words(admin.get(listed.location).text)
    assert "Calls at once from one number 3 chosen here" in page
    assert "Do not answer" in page
    assert admin.get(f"/calllimitspage/edit/{theirs.id}").status_code == 404
    today_page = words(admin.get("/").text)
    assert "Cost of a month: $24.00 of $30.00 are used See the limits" in today_page
    assert "Cost of a day" not in today_page
    assert "$24.00 of $30.00 (80 %)" in words(admin.get("/usage/").text)
    viewer = log_in(app.test_client(), rows.user(tenant, "Viewer").username)
    assert "Cost of a month" not in viewer.get("/").text
    assert viewer.get(edit).status_code in (302, 403)


def test_calls_near_a_limit_today_need_the_owner(app: Flask, rows: Rows):
    tenant = rows.tenant()
    rows.limits(tenant)
    for name, percent in (("calls_at_once", 80), ("calls_per_minute", 80),
                          ("calls_per_minute", 100)):  # fmt: skip
        rows.job(tenant, kind="limit_mail", args={"limit": name, "percent": percent})
    page = words(log_in(app.test_client(), rows.user(tenant).username).get("/").text)
    assert "Calls at once: nearly at the limit today" in page
    assert "Calls within a minute: the limit was reached today" in page


def test_a_new_tenant_has_limits_and_its_operator_sets_ceilings(app: Flask, rows: Rows):
    boss = log_in(app.test_client(), rows.super_admin().username)
    form = {"name": "Corner Shop", "slug": "", "timezone": "UTC", "status": "active"}
    added = boss.post_form("/tenantpage/add", **form, most_day_cents="250", most_calls_at_once="")
    assert added.status_code == 302
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.super_admin().username)
    [tenant] = rest.rows("tenants")
    assert (tenant["most_day_cents"], tenant["most_calls_at_once"]) == (250, None)
    [own] = rest.acting_for(tenant["id"]).rows("limits")
    assert own["unverified"] == "message"
    assert "Must be" in str(rest.edit("tenants", tenant["id"], expect=422, most_day_cents=-1))


def test_the_page_of_a_call_says_why_it_was_not_answered_as_ever(app: Flask, rows: Rows):
    tenant = rows.tenant()
    admin = log_in(app.test_client(), rows.user(tenant).username)
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(tenant).username)
    for limited in Limited:
        refused = limited in (Limited.LISTED, Limited.CALLER_RATE)
        call = rows.call(
            tenant, limited=limited, outcome=Outcome.BLOCKED if refused else Outcome.LEAD
        )
        page = words(admin.get(f"/callsessionpage/show/{call.id}").text)
        assert ("Not answered:" if refused else "Only a message could be left:") in page
        assert rest.one("calls", call.id)["limited"] == limited
        assert f"{limited.name} " not in page


@pytest.mark.parametrize("way", ["page", "REST", "key"])
def test_whoever_changes_telephones_the_owners_are_told(app: Flask, rows: Rows, way: str):
    tenant = rows.tenant()
    rows.number(tenant)
    sales, user = rows.department(tenant, name="Sales"), rows.user(tenant)
    new = "+12125550111"
    if way == "page":
        browser = log_in(app.test_client(), user.username)
        form: dict[str, Any] = {"name": "Sales", "position": "1", "ring_seconds": "20"}
        saved = browser.post_form(f"/departmentpage/edit/{sales.id}", numbers=new, **form)
        assert saved.status_code == 302, saved.text
    else:
        rest = Rest(app.test_client(use_cookies=False)).sign_in(user.username)
        if way == "key":
            boss = Rest(app.test_client(use_cookies=False)).sign_in(rows.super_admin().username)
            made = boss.acting_for(tenant.id).add("keys", name="Script", role="Tenant Admin")
            rest = Rest(app.test_client(use_cookies=False), {
                "Authorization": f"Bearer {made['key']}"
            })  # fmt: skip
        rest.edit("departments", sales.id, numbers=[new])
        assert "premium" in str(rest.edit(
            "departments", sales.id, expect=422, numbers=["+19005550100"]
        ))  # fmt: skip
    [job] = jobs(app, "numbers_mail")
    assert (job.tenant_id, job.args["before"], job.args["after"]) == (
        tenant.id, ["+12125550199"], [new],
    )  # fmt: skip
    assert job.args["by"].startswith("key:" if way == "key" else f"user:{user.username}")
    assert job.args["address"] == "127.0.0.1"
