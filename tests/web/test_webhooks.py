"""Webhooks in the panel and in REST, and that calls cause them."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import models
from app.extensions import db
from app.jobs import events
from app.models import WebhookEvent
from app.tenancy import acting_for
from app.views import ENTITIES
from tests.factories import Rows
from tests.web.conftest import Caller
from tests.web.speaking import Browser, Rest, log_in

ALL = [str(event) for event in WebhookEvent]
URL = "https://hooks.example.com/calls"
SHOWN = re.compile(r"whsec_[\w-]{43}")
RESOURCE = {
    WebhookEvent.CALL_ENDED: "calls",
    WebhookEvent.LEAD_CREATED: "leads",
    WebhookEvent.TRANSFER_FAILED: "transfers",
    WebhookEvent.GAP_FOUND: "gaps",
}


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def rest(rows: Rows, client: FlaskClient) -> Rest:
    return Rest(client).sign_in(rows.super_admin().username)


def delivery(rows: Rows, tenant: models.Tenant, **values: Any) -> models.Job:
    args = {"event": "call.ended", "delivery": "dlv_1", "event_id": "evt_1"}
    return rows.job(tenant, **{"kind": "webhook_out", "args": args, "status": "done"} | values)


def jobs(app: Flask, tenant: models.Tenant) -> list[models.Job]:
    with app.app_context(), acting_for(tenant.id):
        found = select(models.Job).where(models.Job.kind == "webhook_out").order_by(models.Job.id)
        return list(db.session.scalars(found))


def secrets(app: Flask, tenant: models.Tenant) -> list[str]:
    from datetime import UTC, datetime

    with app.app_context(), acting_for(tenant.id):
        endpoint = db.session.scalars(select(models.WebhookEndpoint)).one()
        return endpoint.signing_secrets(datetime.now(UTC))


def test_what_is_told_has_the_fields_of_rest():
    shown = {entity.resource: {"id", *entity.shown} for entity in ENTITIES}
    assert set(events.FIELDS) == set(WebhookEvent)
    for event, fields in events.FIELDS.items():
        assert set(fields) <= shown[RESOURCE[event]], event


def test_a_secret_is_made_and_shown_once(app: Flask, rows: Rows, rest: Rest):
    tenant = rows.tenant()
    rest = rest.acting_for(tenant.id)
    made = rest.add("webhooks", url=URL, events=["lead.created", "call.ended", "call.ended"])
    assert SHOWN.fullmatch(made["secret"])
    assert made["result"]["events"] == ["call.ended", "lead.created"]
    assert secrets(app, tenant) == [made["secret"]]
    assert made["secret"] not in rest.ask("GET", f"webhooks/{made['id']}").text
    assert made["secret"] not in rest.ask("GET", "webhooks/").text


def test_a_secret_can_be_given_and_not_changed_by_editing(app: Flask, rows: Rows, rest: Rest):
    tenant = rows.tenant()
    rest = rest.acting_for(tenant.id)
    made = rest.add("webhooks", url=URL, events=ALL, secret="one that we chose")
    assert secrets(app, tenant) == ["one that we chose"]
    rest.edit("webhooks", made["id"], expect=422, secret="another that we chose")
    rest.edit("webhooks", made["id"], active=False)
    assert secrets(app, tenant) == ["one that we chose"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://hooks.example.com/"), ("url", "https://10.0.0.1/"),
        ("url", "https://2130706433/"), ("url", "https://[::ffff:7f00:1]/"),
        ("url", "https://localhost/"), ("url", "https://hooks.example.com:22/"),
        ("url", "https://user:password@hooks.example.com/"), ("url", 7),
        ("events", ["call.began"]), ("events", []), ("events", "call.ended"),
        ("events", [["call.ended"]]), ("secret", "short"), ("tenant", 1),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_its_name(rows: Rows, rest: Rest, field: str, value: Any):
    rest = rest.acting_for(rows.tenant().id)
    values = {"url": URL, "events": ALL} | {field: value}
    assert field in rest.add("webhooks", expect=422, **values)["message"]
    assert rest.rows("webhooks") == []


def test_rotating_shows_a_new_secret_and_keeps_the_old_one_for_a_day(
    app: Flask, rows: Rows, rest: Rest
):
    tenant = rows.tenant()
    rest = rest.acting_for(tenant.id)
    made = rest.add("webhooks", url=URL, events=ALL)
    found = []
    for _ in range(2):
        answer = rest.ask("POST", f"webhooks/{made['id']}/rotate")
        assert answer.status_code == 200, answer.text
        found.append(answer.get_json()["secret"])
    assert secrets(app, tenant) == found[::-1]
    assert made["secret"] not in found
    assert rest.one("webhooks", made["id"])["former_until"].endswith("Z")


def test_only_its_own_people_who_may_write_rotate(rows: Rows, client: FlaskClient, rest: Rest):
    tenant, other = rows.tenant(), rows.tenant()
    endpoint = rows.webhook(tenant, events=ALL)
    path = f"webhooks/{endpoint.id}/rotate"
    assert rest.acting_for(other.id).ask("POST", path).status_code == 404
    assert rest.ask("POST", path).status_code == 422  # names no tenant
    assert client.post(f"/api/v1/{path}").status_code == 401
    for role, status in (("Tenant Admin", 200), ("Agent", 403), ("Viewer", 403)):
        own = Rest(client).sign_in(rows.user(tenant, role).username)
        assert own.ask("POST", path).status_code == status, role
    stranger = Rest(client).sign_in(rows.user(other).username)
    assert stranger.ask("POST", path).status_code == 404


def test_the_deliveries_of_one_endpoint_are_listed(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    mine, other = rows.webhook(tenant), rows.webhook(tenant)
    job = delivery(rows, tenant, webhook_id=mine.id, result={"status": 200})
    delivery(rows, tenant, webhook_id=other.id)
    rest = rest.acting_for(tenant.id)
    (found,) = rest.rows("jobs", filters=[{"col": "webhook", "opr": "rel_o_m", "value": mine.id}])
    assert (found["id"], found["webhook"], found["result"]) == (job.id, mine.id, {"status": 200})


def test_a_delivery_is_replayed_by_rest(app: Flask, rows: Rows, client: FlaskClient, rest: Rest):
    tenant, other = rows.tenant(), rows.tenant()
    endpoint = rows.webhook(tenant, events=ALL)
    job = delivery(rows, tenant, webhook_id=endpoint.id)
    path = f"jobs/{job.id}/replay"
    assert rest.ask("POST", path).status_code == 422  # names no tenant
    assert rest.acting_for(other.id).ask("POST", path).status_code == 404
    for role, status in (("Tenant Admin", 202), ("Agent", 403), ("Viewer", 403)):
        own = Rest(client).sign_in(rows.user(tenant, role).username)
        assert own.ask("POST", path).status_code == status, role
    first, second = jobs(app, tenant)
    assert second.args == first.args | {"replay": True}
    assert (second.status, second.webhook_id) == ("waiting", endpoint.id)


def test_what_cannot_be_replayed_says_why(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    endpoint, off = rows.webhook(tenant), rows.webhook(tenant, active=False)
    rest = rest.acting_for(tenant.id)
    for job, why in (
        (delivery(rows, tenant, webhook_id=endpoint.id, status="waiting"), "still being sent"),
        (delivery(rows, tenant, webhook_id=off.id), "switched off"),
        (delivery(rows, tenant), "deleted"),
        (rows.job(tenant, kind="summarise_call", status="done"), "Only webhooks"),
    ):
        answer = rest.ask("POST", f"jobs/{job.id}/replay")
        assert answer.status_code == 422
        assert why in answer.get_json()["message"]


def test_a_tenants_admin_sets_one_up_rotates_and_replays_in_the_panel(
    app: Flask, rows: Rows, client: FlaskClient
):
    tenant = rows.tenant()
    browser = log_in(client, rows.user(tenant).username)
    page = browser.get("/webhookendpointpage/add").text
    assert page.count('type="checkbox"') == len(ALL) + 1
    browser.post_form(
        "/webhookendpointpage/add", url=URL, events=["lead.created", "gap.found"], active="y",
        secret="",
    )  # fmt: skip
    page = browser.get("/webhookendpointpage/list/").text
    (secret,) = set(SHOWN.findall(page))
    assert secrets(app, tenant) == [secret]
    assert "lead.created<br>gap.found" in page
    assert not SHOWN.search(browser.get("/webhookendpointpage/list/").text)
    (pk,) = set(re.findall(r"/webhookendpointpage/show/(\d+)", page))
    show = f"/webhookendpointpage/show/{pk}"
    assert not SHOWN.search(browser.get(show).text)
    edit = browser.get(f"/webhookendpointpage/edit/{pk}").text
    assert edit.count("checked") == 3
    assert 'name="secret"' not in edit

    browser.post_form(f"/webhookendpointpage/action/rotate/{pk}", page=show)
    (fresh,) = set(SHOWN.findall(browser.get("/webhookendpointpage/list/").text))
    assert secrets(app, tenant) == [fresh, secret]

    job = delivery(rows, tenant, webhook_id=int(pk))
    delivery(rows, tenant, key="of no endpoint")
    found = browser.post_form(f"/webhookendpointpage/action/deliveries/{pk}", page=show)
    listed = browser.get(found.location).text
    assert set(re.findall(r"/jobpage/show/(\d+)", listed)) == {str(job.id)}
    browser.post_form(f"/jobpage/action/replay/{job.id}", page=f"/jobpage/show/{job.id}")
    assert "being sent again" in browser.get("/jobpage/list/").text
    assert [one.args.get("replay") for one in jobs(app, tenant)] == [None, None, True]


def test_a_bad_form_says_why(rows: Rows, browser_of_admin: Browser):
    page = browser_of_admin.post_form(
        "/webhookendpointpage/add", url="https://10.0.0.1/", events=["call.began"], secret="short"
    ).text
    for words in ("Not a public https address", "not a valid choice", "Use 16 to 200"):
        assert words in page, words
    page = browser_of_admin.post_form("/webhookendpointpage/add", url=URL, secret="").text
    assert "Choose at least one event" in page


@pytest.fixture
def browser_of_admin(rows: Rows, client: FlaskClient) -> Browser:
    return log_in(client, rows.user(rows.tenant()).username)


def test_by_get_nothing_is_rotated_or_replayed(app: Flask, rows: Rows, client: FlaskClient):
    tenant = rows.tenant()
    endpoint = rows.webhook(tenant, events=ALL)
    job = delivery(rows, tenant, webhook_id=endpoint.id)
    browser = log_in(client, rows.user(tenant).username)
    for path in (f"webhookendpointpage/action/rotate/{endpoint.id}",
                 f"jobpage/action/replay/{job.id}"):  # fmt: skip
        assert browser.get(f"/{path}").status_code == 405
        anonymous = client.application.test_client()
        assert anonymous.post(f"/{path}").status_code in (400, 403)
        viewer = log_in(client, rows.user(tenant, "Viewer").username)
        assert viewer.post_form(f"/{path}", page="/resetmypassword/form").status_code == 403
    assert len(jobs(app, tenant)) == 1


def told(caller: Caller) -> list[tuple[str, bool]]:
    found = caller.all(models.Job, kind="webhook_out")
    return sorted((job.args["event"], job.args["test"]) for job in found)


def test_a_call_tells_of_its_gap_its_lead_and_its_end(caller: Caller, rows: Rows):
    rows.webhook(caller.business.tenant, events=ALL)
    caller.dial()
    caller.say(1, "how much does a carbon racing wheel cost")
    caller.say(2, "how much does a carbon racing wheel cost")
    caller.hang_up()
    found = told(caller)
    assert ("gap.found", False) in found
    assert ("call.ended", False) in found
    assert len(found) == len(set(found))
    again = Caller(caller.app, caller.business)
    again.dial()
    again.say(1, "how much does a carbon racing wheel cost")
    assert told(caller).count(("gap.found", False)) == 1


def test_a_message_that_was_begun_is_told_of_once(caller: Caller, rows: Rows):
    rows.webhook(caller.business.tenant, events=["lead.created"])
    caller.dial()
    caller.say(1, "I would like to leave a message")
    caller.say(2, "My name is Ada Byron")
    caller.say(3, "I need a quote for a fence")
    caller.hang_up()
    caller.hang_up()
    assert told(caller) == [("lead.created", False)]
    (lead,) = caller.all(models.Lead)
    (job,) = caller.all(models.Job, kind="webhook_out")
    assert (job.args["data"]["id"], job.args["data"]["phone"]) == (lead.id, lead.phone)


def test_a_transfer_that_nobody_takes_is_told_of(caller: Caller, rows: Rows):
    rows.webhook(caller.business.tenant, events=["transfer.failed"])
    caller.dial()
    caller.say(1, "Sales please")
    for _ in range(2):
        caller.post(
            "/twilio/transfer-status?turn=2", DialCallStatus="no-answer", DialCallDuration="0"
        )
    (job,) = caller.all(models.Job, kind="webhook_out")
    data = job.args["data"]
    assert (data["status"], data["department"]) == (
        "no_answer", caller.business.departments["Sales"].id,
    )  # fmt: skip
