"""What a month cost: by the tenant's own calendar, at the prices of those days."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

import pytest
from flask import Flask
from sqlalchemy import event

from app import models, usage
from app.cli import prices
from app.extensions import db
from app.jobs import ledger
from app.tenancy import across_tenants
from tests.factories import Rows
from tests.web.conftest import Caller
from tests.web.speaking import Rest, log_in

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def months(app: Flask, first: date = NOVEMBER, last: date = NOVEMBER) -> list[usage.Month]:
    with app.app_context(), across_tenants():
        return usage.months(first, last)


def at(day: int, hour: int = 12, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_a_month_is_that_of_the_tenants_own_calendar(app: Flask, rows: Rows):
    east, west = rows.tenant(timezone="Asia/Tokyo"), rows.tenant(timezone="America/Los_Angeles")
    for tenant in (east, west):
        rows.spend(tenant, quantity=60, created_at=at(31, 20, month=10))
        rows.spend(tenant, quantity=6, created_at=at(30, 20))
        rows.spend(tenant, quantity=1, created_at=at(15))
    found = {m.tenant_id: m.used["call_seconds"] for m in months(app)}
    assert found == {east.id: 61, west.id: 7}
    both = months(app, date(2026, 10, 1), date(2026, 12, 1))
    assert [(m.tenant_id, m.month.month, m.used["call_seconds"]) for m in both] == [
        (east.id, 12, 6), (east.id, 11, 61), (west.id, 11, 7), (west.id, 10, 60),
    ]  # fmt: skip


def test_each_day_has_its_own_price_and_past_months_keep_theirs(app: Flask, rows: Rows):
    tenant = rows.tenant(timezone="UTC")
    rows.price(valid_from=date(2026, 10, 1), amount=Decimal("0.02"))
    rows.price(valid_from=date(2026, 11, 16), amount=Decimal("0.05"))
    for day, month in ((1, 9), (10, 10), (15, 11), (16, 11)):
        rows.spend(tenant, quantity=600, created_at=at(day, month=month))
    november, october, september = months(app, date(2026, 9, 1))
    assert november.costs == {"USD": Decimal("0.7")}
    assert october.costs == {"USD": Decimal("0.2")}
    assert (september.costs, september.unpriced) == ({}, ["call_seconds"])


def test_tokens_cost_what_their_model_costs_and_currencies_are_not_mixed(app: Flask, rows: Rows):
    tenant = rows.tenant(timezone="UTC")
    rows.price(kind="tokens_in", amount=Decimal("0.2"))
    rows.price(kind="tokens_in", amount=Decimal("4"), model="big")
    rows.price(kind="mails", amount=Decimal("0.01"), currency="EUR")
    rows.price(kind="tokens_out", amount=Decimal("9"), model="another")
    for kind, model, quantity in (
        ("tokens_in", "big", 500_000), ("tokens_in", "small", 500_000), ("tokens_out", "big", 7),
        ("mails", "", 3),
    ):  # fmt: skip
        rows.spend(tenant, kind=kind, model=model, quantity=quantity, created_at=at(3))
    [month] = months(app)
    assert month.costs == {"EUR": Decimal("0.03"), "USD": Decimal("2.1")}
    assert month.unpriced == ["tokens_out"]
    assert [(n.kind, n.model, n.cost) for n in month.lines if n.kind == "tokens_in"] == [
        ("tokens_in", "big", Decimal(2)), ("tokens_in", "small", Decimal("0.1")),
    ]  # fmt: skip


def test_one_statement_however_many_tenants(app: Flask, rows: Rows):
    for _ in range(4):
        rows.spend(rows.tenant(), created_at=at(3))
    said: list[str] = []
    with app.app_context(), across_tenants():
        listen = lambda *args: said.append(args[2])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listen)
        assert len(usage.months(NOVEMBER, NOVEMBER)) == 4
        event.remove(db.engine, "before_cursor_execute", listen)
    assert len([one for one in said if "spend_ledger" in one]) == 1


def test_every_zone_that_a_tenant_may_have_is_known_to_the_database(app: Flask):
    from app.views import checks

    allowed = []
    for zone in available_timezones():
        try:
            allowed.append(checks.time_zone(zone))
        except ValueError:
            continue
    with app.app_context(), across_tenants():
        for zone in allowed:
            db.session.execute(db.select(db.func.timezone(zone, db.func.now())))
    assert len(allowed) > 400


def test_a_call_is_booked_with_all_it_used_and_a_test_call_with_nothing(
    app: Flask, caller: Caller, rows: Rows
):
    caller.dial()
    caller.say(1, "I want to speak to Sales")
    caller.post(
        "/twilio/transfer-status?turn=2", DialCallStatus="completed", DialBridged="true",
        DialCallDuration="25",
    )  # fmt: skip
    caller.post(
        "/twilio/recording-status", RecordingSid="RE" + "1" * 32, RecordingStatus="completed",
        RecordingDuration="30", RecordingSource="DialVerb", RecordingChannels="2",
    )  # fmt: skip
    caller.hang_up(seconds=42)
    caller.hang_up(seconds=42)
    used = sorted((row.kind, row.quantity) for row in caller.all(models.SpendLedger))
    assert ("calls", 1) in used
    assert ("call_seconds", 42) in used  # as Twilio tells, after the receptionist was done
    assert ("transfers", 1) in used
    assert ("transfer_seconds", 25) in used
    assert ("recording_seconds", 30) in used
    assert len(used) == len({kind for kind, _ in used})
    before = len(used)
    test = Caller(app, caller.business)
    rows.call(caller.business.tenant, call_sid=test.call_sid, channel="test", caller="",
              called=caller.business.number.number)  # fmt: skip
    test.dial()
    test.say(1, "I want to speak to Sales")
    test.post(
        "/twilio/transfer-status?turn=2", DialCallStatus="completed", DialBridged="true",
        DialCallDuration="25",
    )  # fmt: skip
    test.hang_up()
    assert len(caller.all(models.SpendLedger)) == before


def test_a_number_is_booked_once_a_month(app: Flask, rows: Rows):
    tenant = rows.tenant()
    rows.number(tenant, number="+12125550163")
    for _ in range(2):
        with app.app_context(), across_tenants():
            ledger.book_numbers(None)
            db.session.commit()
    with app.app_context(), across_tenants():
        [row] = db.session.query(models.SpendLedger).all()
        assert (row.tenant_id, row.kind, row.quantity) == (tenant.id, "numbers", 1)


def test_rest_tells_own_months_to_a_tenant_and_all_to_a_super_admin(app: Flask, rows: Rows):
    mine, theirs = rows.tenant(name="Mine"), rows.tenant(name="Theirs")
    rows.price(amount=Decimal("0.05"))
    for tenant in (mine, theirs):
        rows.spend(tenant, quantity=120, created_at=at(3))
    asked = "usage/months?from=2026-10&to=2026-11"
    own = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(mine).username)
    [month] = own.ask("GET", asked).get_json()["result"]
    assert (month["tenant"], month["name"], month["month"]) == (mine.id, "Mine", "2026-11")
    assert (month["used"]["call_seconds"], month["costs"]) == (120, {"USD": "0.100000"})
    boss = Rest(app.test_client(use_cookies=False)).sign_in(rows.super_admin().username)
    assert [m["name"] for m in boss.ask("GET", asked).get_json()["result"]] == ["Mine", "Theirs"]
    acting = boss.acting_for(theirs.id).ask("GET", asked).get_json()["result"]
    assert [m["name"] for m in acting] == ["Theirs"]
    for bad in ("from=2026-13", "to=x", "from=2020-01&to=2026-11", "from=2026-11&to=2026-10"):
        assert own.ask("GET", f"usage/months?{bad}").status_code == 422
    agent = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(mine, "Agent").username)
    assert agent.ask("GET", asked).status_code == 403


def test_the_page_and_its_sheet_show_a_month(app: Flask, rows: Rows):
    mine, theirs = rows.tenant(name="=Mine()"), rows.tenant(name="Theirs")
    rows.price(amount=Decimal("0.5"))
    for tenant in (mine, theirs):
        rows.spend(tenant, quantity=120, created_at=at(3))
        rows.spend(tenant, kind="mails", quantity=3, created_at=at(3))
    admin = log_in(app.test_client(), rows.user(mine).username)
    page = admin.get("/usage/?month=2026-11").text
    assert "$1.00" in page
    assert "no price for some of it" in page
    assert "Theirs" not in page
    assert "Nothing was used" in admin.get("/usage/?month=2026-01").text
    sheet = admin.get("/usage/csv?month=2026-11")
    lines = list(csv.reader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert lines[1:] == [
        ["2026-11", "'=Mine()", "call_seconds", "", "120", "2.0", "minute", "1.000000", "USD"],
        ["2026-11", "'=Mine()", "mails", "", "3", "3.0", "mail", "", ""],
    ]
    assert admin.get(f"/usage/?month=2026-11&tenant={theirs.id}").status_code == 404
    assert admin.get("/usage/?month=1&tenant=x").status_code == 400
    boss = log_in(app.test_client(), rows.super_admin().username)
    page = boss.get("/usage/?month=2026-11").text
    assert "Theirs" in page
    assert "$2.00" in page
    assert "$1.00" in boss.get(f"/usage/?month=2026-11&tenant={theirs.id}").text


def add(rest: Rest, expect: int = 201, **values: Any) -> Any:
    price = {"kind": "mails", "amount": "0.01", "valid_from": "2026-11-01"}
    return rest.add("prices", expect=expect, **price | values)


def test_prices_are_exact_and_refused_in_words(app: Flask, rows: Rows):
    rest = Rest(app.test_client()).sign_in(rows.super_admin().username)
    made = add(rest, amount="0.008500", currency="eur")
    assert (made["result"]["amount"], made["result"]["currency"]) == ("0.008500", "EUR")
    assert made["result"]["unit"] == "mail"
    for field, bad in (
        ("amount", "-1"), ("amount", "0.0000001"), ("amount", 10**7), ("amount", "NaN"),
        ("amount", True), ("currency", "ZZZ"), ("kind", "air"), ("valid_from", "soon"),
    ):  # fmt: skip
        assert field in add(rest, expect=422, model="m", **{field: bad})["message"], bad
    assert add(rest, expect=422)["message"] == {
        "kind": ["This already exists. Choose another, or change the one there is."]
    }
    viewer = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(rows.tenant()).username)
    assert viewer.ask("GET", "prices/").status_code == 403
    browser = log_in(app.test_client(), rows.super_admin().username)
    form = {"kind": "mails", "model": "", "currency": "USD", "valid_from": "2026-12-01"}
    assert "Not a number" in browser.post_form("/pricepage/add", amount="NaN", **form).text
    assert browser.post_form("/pricepage/add", amount="0.02", **form).status_code == 302
    assert "0.02" in browser.get("/pricepage/list/").text


def test_a_new_installation_shows_amounts_at_once_until_somebody_keeps_prices(app: Flask, rows):
    """Dated list prices, marked as such: of every kind, and of the default model."""
    settings = app.extensions["settings"]
    assert prices.load(settings) > 15
    assert prices.load(settings) == 0
    tenant = rows.tenant(timezone="UTC")
    used = {
        "calls": 3, "call_seconds": 600, "transfers": 1, "transfer_seconds": 120, "mails": 100,
        "recording_seconds": 60, "numbers": 2, "tokens_in": 2_000_000, "tokens_out": 1_000_000,
    }  # fmt: skip
    assert used.keys() == {str(kind) for kind in models.SpendKind}
    for kind, quantity in used.items():
        model = settings.openai_model if kind.startswith("tokens") else ""
        rows.spend(tenant, kind=kind, model=model, quantity=quantity, created_at=at(3))
        rows.spend(tenant, kind=kind, model=model, quantity=quantity, created_at=at(29, month=7))
    november, july = months(app, date(2026, 7, 1))
    assert (november.unpriced, july.unpriced) == ([], [])
    telephone = sum(map(Decimal, ("0.085", "0.028", "0.0025", "0.01", "2.30")))
    assert november.costs == {"USD": telephone + Decimal("1.6")}
    assert july.costs == {"USD": telephone + Decimal("8")}, "before OpenAI's price cut of 30 July"

    boss = Rest(app.test_client()).sign_in(rows.super_admin().username)
    listed = boss.rows("prices", page_size=100)
    assert all("Check it against your" in row["note"] for row in listed)
    one = listed[0]["id"]
    boss.edit("prices", one, amount="0.5", note="our contract")
    for row in listed:
        boss.delete("prices", row["id"])
    assert prices.load(settings) == 0, "who deletes them does not get them back"
