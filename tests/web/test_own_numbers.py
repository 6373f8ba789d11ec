"""A tenant's admin and the business's numbers: those of its own Twilio account, against a stand-in
for Twilio, by page and REST alike; on a shared account a super admin is asked for."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app import models
from app.extensions import db
from app.tenancy import across_tenants
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.speaking import Browser, Rest, log_in

MAIN, TOKEN = sid("AC"), "0123456789abcdef0123456789abcdef"
NEW, OTHER = "+12125550177", "+12125550178"
HERE = "http://127.0.0.1:8080/twilio/voice"


@pytest.fixture
def app(make_app: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[MAIN] = TOKEN
    return make_app(
        twilio_api_url=twilio.url, twilio_account_sid=MAIN, twilio_auth_token=TOKEN,
        public_base_url="http://127.0.0.1:8080",
    )  # fmt: skip


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def own(app: Flask, rows: Rows, twilio: TwilioRest) -> models.Tenant:
    """A business with a Twilio account to itself."""
    return business(app, rows, twilio, sid("AC"))


def business(app: Flask, rows: Rows, twilio: TwilioRest, account: str) -> models.Tenant:
    tenant = rows.tenant()
    with app.app_context(), across_tenants():
        row = db.session.get_one(models.Tenant, tenant.id)
        row.account_sid, row.auth_token = account, TOKEN
        db.session.commit()
    twilio.accounts[account] = TOKEN
    tenant.account_sid = account
    return tenant


def stored(app: Flask) -> list[Any]:
    with app.app_context(), across_tenants():
        found = db.session.query(models.TwilioNumber).order_by(models.TwilioNumber.id).all()
        return [(n.tenant_id, n.number, n.label, n.language, n.phone_sid) for n in found]


def add_by_page(browser: Browser, number: str) -> str:
    values = {"number": number, "label": "main", "language": ""}
    answer = browser.post_form("/twilionumberpage/add", page="/resetmypassword/form", **values)
    return str(answer.text) if answer.status_code == 200 else ""


def test_an_admin_adds_names_and_removes_numbers_of_the_own_account(app, rows, own, twilio):
    """Pointed here at Twilio from the first moment; the number itself never changes."""
    admin = rows.user(own).username
    rest, browser = Rest(app.test_client()).sign_in(admin), log_in(app.test_client(), admin)
    by_rest, by_page = (twilio.has_number(own.account_sid, n) for n in (NEW, OTHER))
    made = rest.add("numbers", number=NEW, label="main", language="es-US")
    assert add_by_page(browser, OTHER) == ""
    assert "Its calls come here from now on." in browser.get("/twilionumberpage/list/").text
    assert stored(app) == [
        (own.id, NEW, "main", "es-US", by_rest), (own.id, OTHER, "main", "", by_page),
    ]  # fmt: skip
    assert all(n["voice_url"].startswith(HERE) for n in twilio.numbers.values())

    for changed in ({"number": OTHER}, {"number": "+13035550123"}, {"phone_sid": "PN1"}):
        refused = rest.edit("numbers", made["id"], expect=422, **changed)
        assert refused["message"].keys() == changed.keys()
    form = browser.get(f"/twilionumberpage/edit/{made['id']}").text
    assert re.findall(r'name="(number|label|language|phone_sid)"', form) == ["label", "language"]
    browser.post_form(
        f"/twilionumberpage/edit/{made['id']}", number="+13035550123", label="Shop", language=""
    )
    assert stored(app)[0] == (own.id, NEW, "Shop", "", by_rest)

    rest.delete("numbers", made["id"])
    second = rest.rows("numbers")[0]["id"]
    browser.post_form(f"/twilionumberpage/delete/{second}", page="/resetmypassword/form")
    assert stored(app) == []
    assert len(twilio.numbers) == 2, "it still is the business's at Twilio"


def test_no_admin_takes_a_number_that_is_not_proven_to_be_theirs(app, rows, own, twilio):
    """Not one of nobody's account, not one of another business, not one on the installation's
    account, not one that two businesses could claim: nothing is saved, nothing pointed."""
    rival = business(app, rows, twilio, sid("AC"))
    shared, demo = rows.tenant(), business(app, rows, twilio, sid("AC"))
    twins = [business(app, rows, twilio, demo.account_sid) for _ in range(2)]
    theirs = rows.number(rival, number="+12125550150").number
    rows.number(shared, number="+12125550151")
    held = "+12125550152"  # in the own account, but kept for another
    rows.number(rival, number=held)
    at = {
        own.account_sid: held, rival.account_sid: theirs, MAIN: "+12125550151",
        demo.account_sid: "+12125550153",
    }  # fmt: skip
    for account, number in at.items():
        twilio.has_number(account, number)
    before, ask = stored(app), "Ask the operator of this installation, a super admin"
    for tenant, number, said in (
        (own, NEW, "not in your Twilio account"),
        (own, theirs, "not in your Twilio account"),
        (own, "+12125550151", "not in your Twilio account"),
        (own, held, f"cannot be used. {ask}"),
        (shared, "+12125550151", ask),
        (shared, NEW, ask),
        (twins[0], "+12125550153", ask),
        (own, "212 555", "Not a telephone number"),
    ):
        name = rows.user(tenant).username
        rest, browser = Rest(app.test_client()).sign_in(name), log_in(app.test_client(), name)
        told = rest.add("numbers", expect=422, number=number)["message"]
        assert said in told["number"][0], (number, told)
        assert said in add_by_page(browser, number), number
        for token in (TOKEN, MAIN, rival.account_sid):
            assert token not in str(told)
    assert stored(app) == before
    assert not any(n["voice_url"] for n in twilio.numbers.values())


def test_on_the_installations_account_whom_to_ask_is_said_at_once(app, rows, twilio):
    tenant = rows.tenant()
    number = rows.number(tenant, number=NEW)
    twilio.has_number(MAIN, NEW)
    admin = rows.user(tenant).username
    rest, browser = Rest(app.test_client()).sign_in(admin), log_in(app.test_client(), admin)
    assert browser.get("/twilionumberpage/add").location.endswith("/twilionumberpage/list/")
    assert "Ask the operator" in browser.get("/twilionumberpage/list/").text
    assert "Ask the operator" in rest.ask("DELETE", f"numbers/{number.id}").get_json()["message"]
    browser.post_form(f"/twilionumberpage/delete/{number.id}", page="/resetmypassword/form")
    assert "Ask the operator" in browser.get("/twilionumberpage/list/").text
    rest.edit("numbers", number.id, label="Counter", language="es-US")
    assert stored(app) == [(tenant.id, NEW, "Counter", "es-US", None)]
    boss = Rest(app.test_client()).sign_in(rows.super_admin().username).acting_for(tenant.id)
    boss.add("numbers", number=OTHER)
    boss.delete("numbers", number.id)
    assert [row[1] for row in stored(app)] == [OTHER]


def test_a_number_that_cannot_be_answered_is_not_pointed_here(app, rows, own, twilio):
    """It rings a department of the business: found before Twilio is told anything."""
    rows.department(own, name="Sales", numbers=[NEW])
    twilio.has_number(own.account_sid, NEW)
    rest = Rest(app.test_client()).sign_in(rows.user(own).username)
    assert "Sales is rung" in rest.add("numbers", expect=422, number=NEW)["message"]["number"][0]
    assert [n["voice_url"] for n in twilio.numbers.values()] == [""]


def test_a_twilio_that_fails_is_told_and_nothing_is_kept(app, rows, own, twilio):
    twilio.has_number(own.account_sid, NEW)
    admin = rows.user(own).username
    rest, browser = Rest(app.test_client()).sign_in(admin), log_in(app.test_client(), admin)
    for fault, expect in ((503, 503), (429, 503), (401, 422)):
        twilio.fault = fault
        assert f"answered {fault}" in str(rest.add("numbers", expect=expect, number=NEW))
        assert f"answered {fault}" in add_by_page(browser, NEW)
    assert stored(app) == []
    twilio.fault = None
    rest.add("numbers", number=NEW)


def test_agents_and_their_keys_manage_no_numbers(app, rows, own, twilio):
    twilio.has_number(own.account_sid, NEW)
    agent = Rest(app.test_client()).sign_in(rows.user(own, "Agent").username)
    agent.add("numbers", expect=403, number=NEW)
    admin = Rest(app.test_client()).sign_in(rows.user(own).username)
    for role, expect in (("Agent", 403), ("Tenant Admin", 201)):
        key = admin.add("keys", name="Script", role=role)["key"]
        script = Rest(app.test_client(), {"Authorization": f"Bearer {key}"})
        script.add("numbers", expect=expect, number=NEW)
