"""Setting up a business step by step: from nothing to a test call; left, resumed, changed."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect

from app import models, practice, starters
from app.extensions import db
from app.rules import blanks
from app.tenancy import across_tenants, acting_for
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.conftest import Business, Caller
from tests.web.speaking import Browser, Rest, log_in
from tests.web.test_opening import week

DENTAL = starters.of("dental_practice", "en-US")
WEEKDAYS = week(d0="09:00-17:00", d1="09:00-17:00")
WHERE, PARKING, INSURANCE = (DENTAL.knowledge[at] for at in (0, 1, 5))
FILLED = {
    f"use-{WHERE.key}": "1", f"blank-{WHERE.key}-0": "5 Main Street",
    f"blank-{WHERE.key}-1": "Denver",
    f"use-{PARKING.key}": "1", f"own-{PARKING.key}": "Yes, behind the house.",
    f"use-{INSURANCE.key}": "1",
}  # fmt: skip
DESKS = {
    "d0-offered": "1", "d0-keep": "1", "d0-name": "Front desk", "d0-numbers": "(303) 555-0120",
    "d0-description": "Appointments.", "d0-operator": "1",
    "d1-offered": "1", "d1-keep": "1", "d1-name": "Emergencies", "d1-numbers": "+13035550121",
    "d1-description": "Pain.",
    "d2-offered": "1", "d2-name": "Billing", "d2-numbers": "nonsense, but not kept",
    "d3-name": "", "d3-numbers": "", "on_call": "d1-",
}  # fmt: skip
MAILS = {"lead_recipients": "desk@example.com\nann@example.com", "summaries": "1"}


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


def business(**values: str) -> dict[str, str]:
    return {
        "name": "Corner Dental", "trade": "dental_practice", "timezone": "America/Denver",
        "language": "en-US",
    } | values  # fmt: skip


def found(browser: Browser, admin: Browser, **values: str) -> dict[str, str]:
    """The form of a business to be, with the key of its page."""
    key = re.search(r'name="key" value="(\w+)"', browser.get("/setup/new").text)
    assert key
    return business(key=key[1], **values)


def went_on(browser: Browser, step: str, **values: str) -> str:
    answer = browser.post_form(f"/setup/{step}", **values)
    assert answer.status_code == 302, html.unescape(answer.text)
    return str(answer.location).rpartition("/")[2]


def page(browser: Browser, step: str, **values: str) -> str:
    """What is shown, or shown again when it was not saved."""
    path = f"/setup/{step}"
    answer = browser.post_form(path, **values) if values else browser.get(path)
    assert answer.status_code == 200, answer.location
    return html.unescape(answer.text)


def kept(app: Flask, tenant_id: int, model: type, *columns: str) -> list[Any]:
    """The tenant's rows, oldest first: whole, or as tuples of some columns."""
    with app.app_context(), acting_for(tenant_id):
        order = inspect(model).columns.get("id")
        read = db.session.query(model).order_by(order).all()
        db.session.expunge_all()
    return [tuple(getattr(row, c) for c in columns) for row in read] if columns else read


def all_tenants(app: Flask) -> list[models.Tenant]:
    with app.app_context(), across_tenants():
        read = db.session.query(models.Tenant).order_by(models.Tenant.id).all()
        db.session.expunge_all()
    return read


def facts(row: Any) -> dict[str, Any]:
    """All of a row but which it is and when it was saved."""
    told = inspect(type(row)).column_attrs.keys()
    apart = {"id", "tenant_id", "created_at", "updated_at", "version", "on_call_id", "slug"}
    return {name: getattr(row, name) for name in told if name not in apart}


def test_a_super_admin_comes_from_nothing_to_a_test_call(app: Flask, rows: Rows, admin: Browser):
    assert went_on(admin, "new", **found(admin, admin)) == "hours"
    assert went_on(admin, "hours", **WEEKDAYS) == "departments"
    assert went_on(admin, "departments", **DESKS) == "knowledge"
    assert went_on(admin, "knowledge", **FILLED) == "recipients"
    assert went_on(admin, "recipients", **MAILS) == "number"
    assert went_on(admin, "number", do="practice") == "done"
    (made,) = all_tenants(app)
    done = page(admin, "done")
    assert "Ready for a test call" in done
    assert "2 answers are live. 1 draft waits" in done
    assert "Thank you for calling Corner Dental." in done

    (config,) = kept(app, made.id, models.ReceptionistConfig)
    _front, emergencies = kept(app, made.id, models.Department)
    assert config.on_call_id == emergencies.id
    (number,) = kept(app, made.id, models.TwilioNumber)
    assert number.practice
    assert f"run.py call --to {number.number}" in done

    # A call that was not registered beforehand: it is the number that makes it a test.
    account, token = practice.account(app.extensions["settings"].secret_key)
    caller = Caller(app, Business(made, number, account, token))
    assert "Corner Dental" in caller.dial().text
    assert "5 Main Street" in caller.say(1, "where are you located").text
    unknown = caller.say(2, "which insurance do you accept").text
    assert "We accept" not in unknown
    assert "[" not in unknown
    assert caller.row().channel == models.Channel.TEST
    assert caller.post("/twilio/voice", token="another").status_code == 403

    audited = kept(app, made.id, models.AuditLog, "entity", "action")
    for entity in ("Tenant", "ReceptionistConfig", "OpeningHours", "Department", "KnowledgeEntry"):
        assert (entity, "add") in audited


def test_its_rows_are_those_that_the_forms_would_make(app: Flask, rows: Rows, admin: Browser):
    went_on(admin, "new", **found(admin, admin))
    for step, typed in (
        ("hours", WEEKDAYS),
        ("departments", DESKS),
        ("knowledge", FILLED),
        ("recipients", MAILS),
        ("number", {"do": "type", "number": "3035550177"}),
    ):
        went_on(admin, step, **typed)
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.super_admin().username)
    other = rest.add("tenants", name="Corner Dental", timezone="America/Denver")["id"]
    rest = rest.acting_for(other)
    (config,) = rest.rows("receptionists")
    mails = MAILS["lead_recipients"].split()
    rest.edit(
        "receptionists", config["id"], greeting=DENTAL.greeting_of("Corner Dental"),
        persona=DENTAL.persona, urgent_words=list(DENTAL.urgent_words), allowed_countries=["US"],
        intake_questions=list(DENTAL.intake_questions), lead_recipients=mails,
        urgent_recipients=mails, summary_recipients=mails, alert_recipients=mails,
    )  # fmt: skip
    for weekday in (0, 1):
        rest.add("hours", weekday=weekday, opens="09:00", closes="17:00")
    rest.add(
        "departments",
        name="Front desk",
        description="Appointments.",
        operator=True,
        numbers=["+13035550120"],
        position=1,
    )
    rest.add(
        "departments", name="Emergencies", description="Pain.", numbers=["+13035550121"], position=2
    )
    for one, answer, status in (
        (WHERE, "We are at 5 Main Street, in Denver.", "live"),
        (PARKING, "Yes, behind the house.", "live"),
        (INSURANCE, INSURANCE.answer, "draft"),
    ):  # fmt: skip
        rest.add(
            "knowledge",
            question=one.question,
            answer=answer,
            status=status,
            language="en",
            alternates=list(one.alternates),
            category=one.category,
        )
    rest.add("numbers", number="+13035550178")
    made, by_hand = all_tenants(app)
    for model in (
        models.ReceptionistConfig,
        models.OpeningHours,
        models.Department,
        models.KnowledgeEntry,
    ):
        assert [facts(row) for row in kept(app, made.id, model)] == [
            facts(row) for row in kept(app, by_hand.id, model)
        ], model
    assert kept(app, made.id, models.TwilioNumber, "number", "practice") == [
        ("+13035550177", False)
    ]
    assert (made.timezone, made.status, made.slug) == ("America/Denver", "active", "corner-dental")


def test_it_is_left_resumed_and_pointed_out_until_it_is_done(
    app: Flask, rows: Rows, tenant: models.Tenant, owner: Browser
):
    today = html.unescape(owner.get("/").text)
    assert "Still missing: Opening hours, Departments, Answers, Messages, Phone number." in today
    assert owner.get("/setup/").location == "/setup/business"
    went_on(owner, "business", **business())
    went_on(owner, "departments", **DESKS)  # the hours are left for later
    assert owner.get("/setup/").location == "/setup/hours"
    assert "Still missing: Opening hours, Answers," in html.unescape(owner.get("/").text)
    went_on(owner, "hours", **week())  # closed all week is an answer, too
    assert owner.get("/setup/").location == "/setup/knowledge"
    assert 'value="desk@' not in page(owner, "recipients")
    assert "nora@example.com" in page(owner, "recipients")
    agent = log_in(app.test_client(), rows.user(tenant, "Agent").username)
    assert "Finish setting up" not in agent.get("/").text
    assert owner.post_form("/setup/dismiss", page="/").status_code == 302
    assert "Finish setting up" not in owner.get("/").text
    assert owner.get("/setup/").location == "/setup/knowledge"

    went_on(owner, "knowledge", **FILLED)
    went_on(owner, "recipients", **MAILS)
    rows.number(tenant)
    assert owner.get("/setup/").location == "/setup/done"


def test_a_business_that_has_everything_is_not_asked_to_set_up(rows: Rows, app: Flask):
    tenant = rows.tenant()
    rows.every_kind(tenant)
    rows.hours(tenant)
    with app.app_context(), acting_for(tenant.id):
        db.session.query(models.ReceptionistConfig).one().lead_recipients = ["a@example.com"]
        db.session.commit()
    owner = log_in(app.test_client(), rows.user(tenant).username)
    assert "Finish setting up" not in owner.get("/").text


def test_going_back_shows_what_is_saved_and_changes_without_doubling(
    app: Flask, tenant: models.Tenant, owner: Browser
):
    for step, typed in (
        ("business", business()),
        ("hours", WEEKDAYS),
        ("departments", DESKS),
        ("knowledge", FILLED),
        ("recipients", MAILS),
    ):
        went_on(owner, step, **typed)
    front, emergencies = kept(app, tenant.id, models.Department)
    shown = page(owner, "departments")
    assert f'name="d0-pk" type="hidden" value="{front.id}"' in shown
    assert "+13035550120</textarea>" in shown
    assert re.search(r'value="d1-" selected', shown)
    assert not re.search(r'name="d2-keep"[^>]* checked|checked[^>]* name="d2-keep"', shown)
    shown = page(owner, "knowledge")
    assert 'value="5 Main Street"' in shown
    assert "Yes, behind the house.</textarea>" in shown
    assert 'value="09:00"' in page(owner, "hours")

    saved = DESKS | {
        "d0-pk": str(front.id), "d0-offered": "", "d0-name": "Reception", "d1-offered": "",
        "d1-pk": str(emergencies.id), "on_call": "d0-",
    }  # fmt: skip
    del saved["d1-keep"]
    went_on(owner, "departments", **saved)
    assert kept(app, tenant.id, models.Department, "id", "name", "position") == [
        (front.id, "Reception", 1)
    ]
    assert kept(app, tenant.id, models.ReceptionistConfig, "on_call_id") == [(front.id,)]

    before = {row.question: row for row in kept(app, tenant.id, models.KnowledgeEntry)}
    again = FILLED | {f"blank-{WHERE.key}-1": "Boulder", f"blank-{INSURANCE.key}-0": "Delta"}
    del again[f"use-{PARKING.key}"]
    went_on(owner, "knowledge", **again)
    after = {row.question: row for row in kept(app, tenant.id, models.KnowledgeEntry)}
    assert {q: row.id for q, row in after.items()} == {q: row.id for q, row in before.items()}
    assert after[WHERE.question].answer == "We are at 5 Main Street, in Boulder."
    assert after[INSURANCE.question].answer == "We accept Delta."
    assert {q: row.status for q, row in after.items()} == {
        WHERE.question: "live", INSURANCE.question: "live", PARKING.question: "draft",
    }  # fmt: skip
    versions = {q: row.version for q, row in after.items()}
    went_on(owner, "knowledge", **again)
    assert {row.question: row.version for row in kept(app, tenant.id, models.KnowledgeEntry)} == (
        versions
    )


def test_another_trade_takes_back_what_the_former_one_began_and_nothing_else(
    app: Flask, tenant: models.Tenant, owner: Browser
):
    went_on(owner, "business", **business())
    with app.app_context(), acting_for(tenant.id):
        db.session.query(models.ReceptionistConfig).one().persona = "Mine."
        db.session.commit()
    other = {"trade": "restaurant", "name": "La Mesa", "timezone": "Europe/Madrid",
             "language": "es-ES"}  # fmt: skip
    went_on(owner, "business", **business(**other))
    (config,) = kept(app, tenant.id, models.ReceptionistConfig)
    starter = starters.of("restaurant", "es-ES")
    assert config.greeting == starter.greeting_of("La Mesa")
    assert config.urgent_words == list(starter.urgent_words)
    assert (config.persona, config.voice) == ("Mine.", "Polly.Lucia-Neural")
    assert (config.language, config.allowed_countries) == ("es-ES", ["ES"])
    (row,) = kept(app, tenant.id, models.Setup)
    assert (row.trade, row.steps) == ("restaurant", ["business"])
    assert starter.departments[0].name in page(owner, "departments")
    assert starter.knowledge[0].question in page(owner, "knowledge")
    (now,) = all_tenants(app)
    assert (now.name, now.timezone, now.slug) == ("La Mesa", "Europe/Madrid", tenant.slug)


def test_a_new_business_that_is_sent_twice_is_made_once(app: Flask, admin: Browser):
    form = found(admin, admin)
    went_on(admin, "new", **form)
    went_on(admin, "new", **form | {"name": "Corner Dental Care"})
    (made,) = all_tenants(app)
    assert made.name == "Corner Dental Care"
    assert kept(app, made.id, models.ReceptionistConfig, "greeting") == [
        (DENTAL.greeting_of("Corner Dental Care"),)
    ]
    went_on(admin, "new", **found(admin, admin))  # while acting for the former
    assert [one.slug for one in all_tenants(app)] == ["corner-dental", "corner-dental-2"]
    assert admin.post_form("/setup/new", **business(key="nonsense")).status_code == 400


def test_bad_input_is_said_at_its_place_and_what_was_typed_is_kept(
    app: Flask, rows: Rows, tenant: models.Tenant, admin: Browser, owner: Browser
):
    bad = page(admin, "new", **found(admin, admin, name=" ", timezone="Mars/Olympus"))
    assert "Enter the name of the business." in bad
    assert "Not a time zone: “Mars/Olympus”." in bad
    assert '<option selected value="dental_practice">' in bad
    assert "data-guess-zone" not in bad
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
    answer = owner.post_form("/knowledgeentrypage/import", file=(sheet_of(sheet), "k.csv"))
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


def sheet_of(content: bytes) -> Any:
    from io import BytesIO

    return BytesIO(content)
