"""Setting up a business step by step: from nothing to a test call; left, resumed, changed."""

import html
import re

import pytest
from flask import Flask

from app import models, practice, starters
from app.extensions import db
from app.tenancy import acting_for
from tests.factories import Rows
from tests.web.conftest import Business, Caller
from tests.web.setting_up import (
    DENTAL,
    DESKS,
    FILLED,
    INSURANCE,
    MAILS,
    PARKING,
    WEEKDAYS,
    WHERE,
    all_tenants,
    business,
    facts,
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


def test_a_super_admin_comes_from_nothing_to_a_test_call(app: Flask, rows: Rows, admin: Browser):
    assert went_on(admin, "new", **found(admin)) == "hours"
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
    assert f"/telephone/?number=%2B{number.number[1:]}" in done

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
    went_on(admin, "new", **found(admin))
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
    form = found(admin)
    went_on(admin, "new", **form)
    went_on(admin, "new", **form | {"name": "Corner Dental Care"})
    (made,) = all_tenants(app)
    assert made.name == "Corner Dental Care"
    assert kept(app, made.id, models.ReceptionistConfig, "greeting") == [
        (DENTAL.greeting_of("Corner Dental Care"),)
    ]
    went_on(admin, "new", **found(admin))  # while acting for the former
    assert [one.slug for one in all_tenants(app)] == ["corner-dental", "corner-dental-2"]
    assert admin.post_form("/setup/new", **business(key="nonsense")).status_code == 400
