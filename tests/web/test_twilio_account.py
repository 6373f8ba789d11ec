"""A super admin's page for a tenant's side of Twilio, against a stand-in for it."""

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app import models
from app.extensions import db
from app.overrides import OVERRIDES
from app.tenancy import across_tenants
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.speaking import Browser, log_in

MAIN, TOKEN = sid("AC"), "0123456789abcdef0123456789abcdef"
PAGE = "/twilio-account/"
NEW = "+12125550177"


@pytest.fixture
def app(make_app: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[MAIN] = TOKEN
    twilio.offers = [NEW, "+13035550177"]
    return make_app(
        twilio_api_url=twilio.url, twilio_account_sid=MAIN, twilio_auth_token=TOKEN,
        public_base_url="http://127.0.0.1:8080",
    )  # fmt: skip


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    return rows.tenant(name="Corner Shop")


@pytest.fixture
def admin(app: Flask, rows: Rows, tenant: models.Tenant) -> Browser:
    browser = log_in(app.test_client(), rows.super_admin().username)
    browser.act_as(tenant.id)
    return browser


def do(admin: Browser, action: str, **values: Any) -> str:
    answer = admin.post_form(f"{PAGE}{action}", page=PAGE, **values)
    assert answer.status_code == 302
    page = admin.get(PAGE).text
    assert TOKEN not in page
    return html.unescape(page)


def stored(app: Flask, model: type) -> list[Any]:
    with app.app_context(), across_tenants():
        found = db.session.query(model).order_by(model.id).all()
        if model is models.Tenant:
            found = [(t.account_sid, t.sealed_auth_token, t.auth_token) for t in found]
        else:
            found = [(n.tenant_id, n.number, n.phone_sid) for n in found]
        db.session.rollback()
        return found


def test_a_number_is_found_bought_and_points_here(app, admin, tenant, twilio):
    page = admin.get(f"{PAGE}?country=US&area=212").text
    assert NEW in page
    assert "+13035550177" not in page
    page = do(admin, "buy", number=NEW)
    assert "The number was bought." in page
    assert "Calls arrive." in page
    [(phone_sid, bought)] = twilio.numbers.items()
    assert stored(app, models.TwilioNumber) == [(tenant.id, NEW, phone_sid)]
    assert bought["voice_url"].startswith("http://127.0.0.1:8080/twilio/voice#rc=1&rp=ct,rt,5xx")
    assert bought["voice_fallback_url"] == f"http://127.0.0.1:8080/twilio/fallback{OVERRIDES}"
    assert bought["status_callback"] == f"http://127.0.0.1:8080/twilio/call-status{OVERRIDES}"


def test_a_purchase_that_was_not_answered_is_found_in_the_list(app, admin, tenant, twilio):
    twilio.mute = r"IncomingPhoneNumbers\.json"
    assert "The number was bought." in do(admin, "buy", number=NEW)
    assert len(twilio.numbers) == 1
    assert stored(app, models.TwilioNumber) == [(tenant.id, NEW, next(iter(twilio.numbers)))]


def test_a_number_that_is_gone_is_told_and_not_kept(app, admin, twilio):
    assert "cannot be bought any more" in do(admin, "buy", number="+12125550178")
    assert stored(app, models.TwilioNumber) == []


def test_a_number_of_another_business_is_neither_bought_nor_taken(app, admin, rows, twilio):
    other = rows.tenant()
    rows.number(other, number=NEW)
    twilio.has_number(MAIN, NEW, voice_url="https://theirs.example.com")
    for action in ("buy", "point"):
        assert "another business" in do(admin, action, number=NEW)
    assert "not one of this business" in do(admin, "release", number=NEW, confirm=NEW)
    assert [n["voice_url"] for n in twilio.numbers.values()] == ["https://theirs.example.com"]
    assert NEW not in admin.get(PAGE).text


def test_the_doctor_lists_differences_and_repairs_on_request(app, admin, rows, tenant, twilio):
    rows.number(tenant, number=NEW)
    phone_sid = twilio.has_number(MAIN, NEW, voice_url="https://old.example.com", trunk_sid="TK1")
    page = html.unescape(admin.get(PAGE).text)
    assert "is https://old.example.com, should be http://127.0.0.1:8080/twilio/voice" in page
    assert "A SIP trunk" in page
    assert "is not https" in page
    assert "Calls arrive." in do(admin, "point", number=NEW)
    assert twilio.numbers[phone_sid]["trunk_sid"] == ""
    assert stored(app, models.TwilioNumber) == [(tenant.id, NEW, phone_sid)]


def test_releasing_needs_the_number_typed_again(app, admin, twilio):
    do(admin, "buy", number=NEW)
    assert "Nothing was done" in do(admin, "release", number=NEW, confirm="")
    assert len(twilio.numbers) == 1
    assert "given back" in do(admin, "release", number=NEW, confirm=NEW)
    assert twilio.numbers == {}
    assert stored(app, models.TwilioNumber) == []


def test_a_subaccount_is_opened_suspended_resumed_and_closed(app, admin, tenant, twilio):
    assert "It has its own account now." in do(admin, "subaccount", do="open")
    [own] = twilio.parents
    [(account, sealed, token)] = stored(app, models.Tenant)
    assert (account, token) == (own, twilio.accounts[own])
    assert twilio.accounts[own] not in sealed
    assert twilio.accounts[own] not in admin.get(PAGE).text
    do(admin, "buy", number=NEW)
    assert [n["account_sid"] for n in twilio.numbers.values()] == [own]
    do(admin, "subaccount", do="suspend")
    assert twilio.statuses[own] == "suspended"
    do(admin, "subaccount", do="resume")
    assert "Nothing was done" in do(admin, "subaccount", do="close", confirm="no")
    assert twilio.statuses[own] == "active"
    do(admin, "subaccount", do="close", confirm="Corner Shop")
    assert twilio.statuses[own] == "closed"


def test_a_subaccount_whose_making_was_not_answered_is_made_once(app, admin, twilio):
    twilio.mute = r"Accounts\.json"
    do(admin, "subaccount", do="open")
    [own] = twilio.parents
    assert stored(app, models.Tenant)[0][0] == own


def test_a_business_with_numbers_or_an_account_gets_no_other(app, admin, rows, tenant, twilio):
    rows.number(tenant)
    assert "release or move" in do(admin, "subaccount", do="open")
    assert twilio.parents == {}


def test_alerts_stand_beside_our_calls_without_what_callers_said(admin, rows, tenant, twilio):
    mine, theirs = rows.call(tenant), rows.call(rows.tenant())
    twilio.has_alert(MAIN, "11200", mine.call_sid)
    twilio.has_alert(MAIN, "12100", theirs.call_sid)
    page = admin.get(PAGE).text
    assert f"/callsessionpage/show/{mine.id}" in page
    assert theirs.call_sid not in page
    assert "secret words" not in page


@pytest.mark.parametrize("fault", [401, 429, 500])
def test_a_twilio_that_fails_costs_a_message_and_no_page(admin, twilio, fault):
    twilio.fault = fault
    page = admin.get(PAGE)
    assert page.status_code == 200
    assert f"Twilio answered {fault}" in page.text
    assert TOKEN not in page.text


def test_without_an_account_the_page_says_what_to_set(make_app, rows, tenant):
    bare = make_app()
    browser = log_in(bare.test_client(), rows.super_admin().username)
    browser.act_as(tenant.id)
    assert "TWILIO_ACCOUNT_SID" in browser.get(PAGE).text


def test_it_is_for_super_admins_who_act_for_a_tenant(app, rows, tenant, twilio):
    admin = log_in(app.test_client(), rows.user(tenant, "Tenant Admin").username)
    assert admin.get(PAGE).status_code == 403
    for action in ("buy", "point", "release", "subaccount"):
        answer = admin.post_form(
            f"{PAGE}{action}", page="/resetmypassword/form", number=NEW, confirm=NEW, do="open"
        )
        assert answer.status_code == 403
    assert app.test_client().get(PAGE).status_code == 302
    nobody = log_in(app.test_client(), rows.super_admin().username)
    assert "/act-as/" in nobody.get(PAGE).location
    assert json.dumps(twilio.asked) == "[]"


def test_the_command_tells_of_every_business(app, rows, tenant, twilio, capsys):
    from app.cli import doctor

    settings = app.extensions["settings"]
    rows.number(tenant, number=NEW)
    assert doctor.main([], settings) == 1
    told = capsys.readouterr().out
    assert "is not https" in told
    assert f"Corner Shop: {NEW}: It is not in this Twilio account" in told
    assert TOKEN not in told
