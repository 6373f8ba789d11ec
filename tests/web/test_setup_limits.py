"""What setting up refuses: bad input, strangers, practice in production, blanks told as facts."""

import html
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app import models, practice
from app.rules import blanks
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.conftest import Business, Caller
from tests.web.setting_up import (
    DESKS,
    FILLED,
    PARKING,
    WHERE,
    all_tenants,
    business,
    found,
    kept,
    page,
    went_on,
)
from tests.web.speaking import Browser, Rest, log_in
from tests.web.test_opening import week


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def admin(app: Flask, rows: Rows) -> Browser:
    return log_in(app.test_client(), rows.super_admin().username)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    found: models.Tenant = rows.tenant(name="Corner Dental", timezone="America/Denver")
    rows.receptionist(found, greeting="")
    return found


@pytest.fixture
def owner(app: Flask, rows: Rows, tenant: models.Tenant) -> Browser:
    return log_in(app.test_client(), rows.user(tenant, email="nora@example.com").username)


def test_bad_input_is_said_at_its_place_and_what_was_typed_is_kept(
    app: Flask, rows: Rows, tenant: models.Tenant, admin: Browser, owner: Browser
):
    bad = page(admin, "new", **found(admin, name=" ", timezone="Mars/Olympus"))
    assert "Enter the name of the business." in bad
    assert "Not a time zone: “Mars/Olympus”." in bad
    assert '<option selected value="dental_practice">' in bad
    assert "data-guess-zone" not in bad
    assert '<option selected value="Mars/Olympus">' in bad
    again = page(admin, "new", **found(admin, name="", timezone="Asia/Calcutta"))
    assert '<option selected value="Asia/Kolkata">' in again
    assert all_tenants(app)[-1].id == tenant.id

    went_on(owner, "business", **business())
    bad = page(owner, "hours", **week(d1="09:00-13:00 12:00-17:00", d4="08:15-16:45"))
    assert "Tuesday has 9:00–13:00 and 12:00–17:00." in bad
    assert 'value="08:15"' in bad

    bad = page(owner, "departments", **DESKS | {"d0-numbers": "call me", "d3-name": "Lab"})
    assert "Not a telephone number" in bad
    assert "call me</textarea>" in bad
    assert 'value="Lab"' in bad
    bad = page(owner, "departments", **DESKS | {"d1-numbers": "+442079460001"})
    assert "+442079460001 is in GB, but calls are connected to US only." in bad
    bad = page(owner, "departments", **DESKS | {"d1-name": "Front desk"})
    assert "This already exists." in bad
    bad = page(owner, "departments", **DESKS | {"on_call": "d2-"})
    assert "choose a department that you keep" in bad
    assert kept(app, tenant.id, models.Department) == []

    wrong = FILLED | {f"blank-{WHERE.key}-0": "[street]"}
    bad = page(owner, "knowledge", **wrong)
    assert "Leave the square brackets out." in bad
    assert 'value="[street]"' in bad
    assert 'value="Denver"' in bad
    long = page(owner, "knowledge", **FILLED | {f"own-{PARKING.key}": "x" * 2001})
    assert "take too long to say" in long
    chosen = f"blank-{PARKING.key}-0"
    assert "Choose one from the list." in page(owner, "knowledge", **FILLED | {chosen: "Maybe"})
    assert kept(app, tenant.id, models.KnowledgeEntry) == []

    bad = page(owner, "recipients", lead_recipients="nora at example", summaries="1")
    assert "Not an e-mail address: “nora at example”." in bad
    assert "nora at example</textarea>" in bad
    assert "Enter at least one address" in page(owner, "recipients", lead_recipients="\r\n")

    admin.act_as(tenant.id)
    bad = page(admin, "number", do="type", number="12")
    assert "Not a telephone number" in bad
    assert 'value="12"' in bad
    rows.number(rows.tenant(), number="+13035550166")
    bad = page(admin, "number", do="type", number="303 555 0166")
    assert "This value cannot be used." in bad
    assert kept(app, tenant.id, models.TwilioNumber) == []
    assert [row.steps for row in kept(app, tenant.id, models.Setup)] == [["business"]]


def test_nobody_sets_up_what_is_not_theirs(
    app: Flask, rows: Rows, tenant: models.Tenant, owner: Browser
):
    stranger = rows.tenant(name="Canary")
    theirs = rows.department(stranger, name="Their desk")
    rows.setup(stranger)
    assert owner.get("/setup/new").status_code == 403
    assert owner.post_form("/setup/new", page="/setup/business", **business()).status_code == 403
    for do in ("type", "take", "buy", "nothing"):
        asked = {"do": do, "number": "+13035550177"}
        answer = owner.post_form("/setup/number", page="/setup/business", **asked)
        assert answer.status_code == 403, do
    assert "Type a number" not in page(owner, "number")
    went_on(owner, "departments", **DESKS | {"d0-pk": str(theirs.id), "d0-name": "Taken"})
    assert kept(app, stranger.id, models.Department, "name") == [("Their desk",)]
    assert kept(app, tenant.id, models.Department, "name") == [("Taken",), ("Emergencies",)]
    went_on(owner, "number", do="practice")
    went_on(owner, "number", do="practice")
    assert len(kept(app, tenant.id, models.TwilioNumber)) == 1
    assert kept(app, stranger.id, models.TwilioNumber) == []
    assert kept(app, stranger.id, models.Setup, "steps") == [(["business"],)]
    for role in ("Agent", "Viewer"):
        browser = log_in(app.test_client(), rows.user(tenant, role).username)
        for step in ("business", "number", "done", ""):
            assert browser.get(f"/setup/{step}").status_code in (302, 403)


def test_a_number_is_taken_from_the_account_or_bought(
    make_app: Callable[..., Flask], twilio: TwilioRest
):
    account, token = sid("AC"), sid("")
    twilio.accounts[account] = token
    twilio.offers = ["+13035550171"]
    app = make_app(
        twilio_api_url=twilio.url, twilio_account_sid=account, twilio_auth_token=token,
        public_base_url="http://127.0.0.1:8080",
    )  # fmt: skip
    rows = Rows(app)
    tenant, other = rows.tenant(timezone="America/Denver"), rows.tenant()
    rows.number(other, number="+13035550172")
    for number in ("+13035550172", "+13035550173", "+13035550174"):
        twilio.has_number(account, number)
    rows.department(tenant, name="Sales", numbers=["+13035550174"])
    admin = log_in(app.test_client(), rows.super_admin().username)
    admin.act_as(tenant.id)
    shown = page(admin, "number")
    assert "(303) 555-0173" in shown
    assert "(303) 555-0172" not in shown
    assert token not in shown
    assert "Sales is rung at this number" in page(admin, "number", do="take", number="+13035550174")
    assert "another business" in page(admin, "number", do="take", number="+13035550172")
    assert went_on(admin, "number", do="take", number="+13035550173") == "done"
    offered = admin.get("/setup/number?country=US&area=303").text
    assert "(303) 555-0171" in html.unescape(offered)
    went_on(admin, "number", do="buy", number="+13035550171")
    assert kept(app, tenant.id, models.TwilioNumber, "number", "practice") == [
        ("+13035550173", False), ("+13035550171", False)
    ]  # fmt: skip
    assert {n["voice_url"].partition("#")[0] for n in twilio.numbers.values()} == {
        "", "http://127.0.0.1:8080/twilio/voice",
    }  # fmt: skip
    assert [row.steps for row in kept(app, tenant.id, models.Setup)] == [["number"]]
    twilio.fault = 503
    assert "Type a number" in page(admin, "number")


def test_nobody_practises_in_production(
    app: Flask, rows: Rows, tenant: models.Tenant, owner: Browser
):
    went_on(owner, "number", do="practice")
    (number,) = kept(app, tenant.id, models.TwilioNumber)
    settings = app.extensions["settings"]
    caller = Caller(app, Business(tenant, number, *practice.account(settings.secret_key)))
    assert "Corner Dental" in caller.dial().text
    app.extensions["settings"] = replace(settings, app_env="production")
    try:
        later = Caller(app, caller.business)
        assert later.dial().status_code == 403
        assert caller.say(1, "hello").status_code == 403
        assert "Almost there" in page(owner, "done")
        assert "practice number" not in page(owner, "number")
        assert "no practice numbers" in page(owner, "number", do="practice")
    finally:
        app.extensions["settings"] = settings


def test_an_answer_with_a_blank_is_never_published(
    app: Flask, rows: Rows, tenant: models.Tenant, owner: Browser
):
    draft = rows.knowledge(
        tenant, question="Where are you?", answer="In [town].", status=models.EntryStatus.DRAFT
    )
    said = "has a blank that is not filled in: [town]"
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(tenant).username)
    assert said in str(rest.edit("knowledge", draft.id, expect=422, status="live"))
    assert said in str(rest.add("knowledge", expect=422, question="Who?", answer="In [town]."))
    form = {"question": "Where are you?", "answer": "In [town].", "status": "live",
            "alternates": "", "category": "", "language": "", "valid_until": ""}  # fmt: skip
    path = f"/knowledgeentrypage/edit/{draft.id}"
    assert said in html.unescape(owner.post_form(path, **form).text)
    bulk = {"action": "bulk_publish", "rowid": str(draft.id)}
    owner.post_form("/knowledgeentrypage/action_post", page="/setup/business", **bulk)
    assert said in html.unescape(owner.get("/knowledgeentrypage/list/").text)
    sheet = b"question,answer,status\nWhere are you?,In [town].,live\nWho?,[Me].,\n"
    answer = owner.post_form("/knowledgeentrypage/import", file=(io.BytesIO(sheet), "k.csv"))
    assert html.unescape(answer.text).count("has a blank that is not filled in") == 2
    assert [row.status for row in kept(app, tenant.id, models.KnowledgeEntry)] == ["draft"]

    rows.knowledge(tenant, question="How much is it?", answer="It costs [price].")  # past all forms
    assert (
        "It costs"
        not in html.unescape(owner.get("/try/?words=how+much+is+it").text)
        .partition("<blockquote")[2]
        .partition("</blockquote>")[0]
    )
    assert blanks.left(draft.answer)
