"""Departments keep their order, which is that of the keys; their telephones are rung for a test."""

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import breaker, models, spending
from app.extensions import db
from app.jobs import running
from app.tenancy import acting_for
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.conftest import Business, Caller
from tests.web.speaking import Browser, Rest, log_in

LIST = "/departmentpage/list/"
MAIN, TOKEN = sid("AC"), "0123456789abcdef0123456789abcdef"
DESK, BACK = "+12125550191", "+12125550192"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def order(app: Flask, tenant: models.Tenant) -> list[tuple[str, int]]:
    with app.app_context(), acting_for(tenant.id):
        query = db.session.query(models.Department).order_by(models.Department.position)
        return [(place.name, place.position) for place in query]


def names(app: Flask, tenant: models.Tenant) -> str:
    """In their order, which has no gaps."""
    found = order(app, tenant)
    assert [position for _name, position in found] == list(range(1, len(found) + 1))
    return " ".join(name for name, _position in found)


def move(browser: Browser, place: models.Department, **where: Any) -> Any:
    return browser.post_form(f"/departmentpage/move/{place.id}", page=LIST, **where)


def test_a_place_is_given_made_room_for_and_closed_again(app: Flask, rows: Rows) -> None:
    tenant, other = rows.tenant(), rows.tenant()
    rows.department(other, name="Theirs")
    rest = Rest(app.test_client()).sign_in(rows.user(tenant).username)
    made = {name: rest.add("departments", name=name)["id"] for name in "ABC"}
    assert names(app, tenant) == "A B C"
    assert rest.add("departments", name="D", position=1)["result"]["position"] == 1
    assert rest.add("departments", name="E", position=99)["result"]["position"] == 5
    assert names(app, tenant) == "D A B C E"
    rest.edit("departments", made["C"], position=2)
    assert names(app, tenant) == "D C A B E"
    rest.edit("departments", made["A"], description="As it was")
    rest.delete("departments", made["C"])
    assert names(app, tenant) == "D A B E"
    browser = log_in(app.test_client(), rows.user(tenant).username)
    page = f"/departmentpage/edit/{made['B']}"
    assert "optional" in re.search(r'for="position">(.*?)</label>', browser.get(page).text)[1]  # type: ignore[index]
    kept = {"name": "B", "description": "", "numbers": "", "ring_seconds": "20"}
    for lists in ("summary", "lead", "urgent"):
        kept[f"{lists}_recipients"] = ""
    assert browser.post_form(page, position="1", **kept).status_code == 302
    assert names(app, tenant) == "B D A E"
    assert browser.post_form(page, position="", **kept).status_code == 302
    assert names(app, tenant) == "D A E B"
    browser.post_form(
        "/departmentpage/action_post", page=f"{LIST}?q=A", action="bulk_delete", rowid=[made["A"]]
    )
    assert names(app, tenant) == "D E B"
    assert order(app, other) == [("Theirs", 1)]


def test_they_are_moved_by_whoever_may_and_the_keys_follow(
    app: Flask, rows: Rows, make_business: Callable[..., Business]
) -> None:
    business = make_business(departments=("Sales", "Repairs", "Front"))
    sales, repairs, front = business.departments.values()
    tenant = business.tenant
    browser = log_in(app.test_client(), rows.user(tenant).username)
    page = browser.get(LIST).text
    assert re.findall(r"data-key>(\d)<", page) == ["1", "2", "3"]
    assert move(browser, front, way="up").location == LIST
    assert "Front is on key 2 now." in browser.get(LIST).text
    assert names(app, tenant) == "Sales Front Repairs"
    move(browser, sales, way="up")  # it is the first
    assert names(app, tenant) == "Sales Front Repairs"
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(LIST).text)
    assert token
    answer = browser.post(
        f"/departmentpage/move/{repairs.id}", headers={"Accept": "application/json"},
        data={"csrf_token": token[1], "before": str(sales.id)},
    )  # fmt: skip
    assert answer.get_json() == {
        "order": [repairs.id, sales.id, front.id], "said": "Repairs is on key 1 now."
    }  # fmt: skip
    caller = Caller(app, business)
    caller.dial()
    caller.post("/twilio/gather?turn=1", Digits="1")
    (attempt,) = caller.all(models.TransferAttempt)
    assert attempt.department_id == repairs.id
    move(browser, repairs, before="")
    assert names(app, tenant) == "Sales Front Repairs"
    move(browser, front, before="2000000000")  # gone meanwhile
    assert names(app, tenant) == "Sales Front Repairs"
    assert move(browser, front).status_code == 400
    edits = caller.all(models.AuditLog, entity="Department", action="edit")
    assert {one.entity_id for one in edits} == {sales.id, repairs.id, front.id}

    stranger = log_in(app.test_client(), rows.user(rows.tenant()).username)
    agent = log_in(app.test_client(), rows.user(tenant, "Agent").username)
    for who, status in ((stranger, 404), (agent, 403)):
        answer = who.post_form(
            f"/departmentpage/move/{sales.id}", page="/resetmypassword/form", way="down"
        )
        assert answer.status_code == status
    boss = log_in(app.test_client(), rows.super_admin().username)
    answer = boss.post_form(f"/departmentpage/move/{sales.id}", page="/act-as/", way="down")
    assert answer.location == "/act-as/"  # for whom is not known
    assert names(app, tenant) == "Sales Front Repairs"
    assert "data-key" not in browser.get(f"{LIST}?q=Sales").text


def test_of_two_who_move_at_once_each_gets_a_whole_order(app: Flask, rows: Rows) -> None:
    tenant = rows.tenant()
    places = [rows.department(tenant, name=name) for name in "ABCDEF"]
    browsers = [log_in(app.test_client(), rows.user(tenant).username) for _ in range(4)]

    def push(browser: Browser) -> list[int]:
        moves = [(place, way) for place in places for way in ("up", "down")]
        return [move(browser, place, way=way).status_code for place, way in moves]

    with ThreadPoolExecutor(len(browsers)) as pool:
        assert {status for found in pool.map(push, browsers) for status in found} == {302}
    assert sorted(names(app, tenant).split()) == list("ABCDEF")


@pytest.fixture
def ringing(make_app: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[MAIN] = TOKEN
    return make_app(twilio_api_url=twilio.url, twilio_account_sid=MAIN, twilio_auth_token=TOKEN)


def ring(browser: Browser, place: models.Department) -> str:
    answer = browser.post_form(f"/departmentpage/ring/{place.id}", page="/departmentpage/add")
    if answer.status_code != 302:
        return str(answer.status_code)
    return html.unescape(browser.get(answer.location).text)


def said(page: str) -> dict[str, str]:
    return dict(re.findall(r'<b class="tel">([^<]+)</b> <span class="badge \w+">([^<]+)<', page))


def test_each_telephone_of_a_department_is_rung_and_tells(
    ringing: Flask, twilio: TwilioRest
) -> None:
    rows = Rows(ringing)
    tenant = rows.tenant(name="Acme & Sons")
    rows.receptionist(tenant, voice="Polly.Matthew-Neural")
    number = rows.number(tenant, number="+12125550100")
    answered_here = rows.number(rows.tenant(), number="+12125550177").number
    telephones = [DESK, BACK, "+442071838750", answered_here, "+19005550100", "+12125550193"]
    place = rows.department(tenant, name="Front <desk>", numbers=telephones)
    twilio.picks_up = {DESK: "completed", BACK: "busy"}
    twilio.refuses = {"+12125550193": 21210}
    browser = log_in(ringing.test_client(), rows.user(tenant).username)
    page = ring(browser, place)
    assert said(page) == {
        "(212) 555-0191": "Answered", "(212) 555-0192": "Busy", "+44 20 7183 8750": "Not rung",
        "(212) 555-0177": "Not rung", "(900) 555-0100": "Not rung", "(212) 555-0193": "Not rung",
    }  # fmt: skip
    assert "the number that rings is not in this Twilio account" in page
    assert "Each telephone has told." in page
    placed = [form for path, form in twilio.forms if path.endswith("/Calls.json")]
    assert [form["To"] for form in placed] == [DESK, BACK, "+12125550193"]
    assert {form["From"] for form in placed} == {number.number}
    assert (placed[0]["Timeout"], placed[0]["TimeLimit"]) == ("20", "30")
    twiml = placed[0]["Twiml"]
    assert "test call of Acme &amp; Sons." in twiml
    assert "ask for Front &lt;desk&gt; are connected" in twiml
    assert 'voice="Polly.Matthew-Neural"' in twiml
    assert twiml.endswith("<Hangup /></Response>")
    assert TOKEN not in page

    sids = [pk for pk, call in twilio.calls.items() if call["to"] == BACK]
    for status, words in (("ringing", "Ringing"), ("no-answer", "Nobody picked up")):
        twilio.calls[sids[0]]["status"] = status
        assert words in browser.get(f"/departmentpage/rings/{place.id}").text
    twilio.fault = 503
    assert said(browser.get(f"/departmentpage/rings/{place.id}").text)["(212) 555-0191"] == (
        "Not known yet"
    )
    twilio.fault = None
    breaker.forget()  # a while later
    twilio.picks_up, twilio.mute = {DESK: "in-progress"}, r"/Calls\.json"
    other = rows.department(tenant, name="Back", numbers=[DESK])
    page = ring(browser, other)  # the list tells of a call that was not answered
    assert said(page) == {"(212) 555-0191": "Answered, hears the sentence"}
    assert "Waiting for the telephones." in page


def test_ring_tests_are_few_and_of_ones_own_telephones(ringing: Flask, twilio: TwilioRest) -> None:
    rows = Rows(ringing)
    tenant = rows.tenant()
    place, silent = rows.department(tenant, numbers=[DESK]), rows.department(tenant, numbers=[])
    admin = log_in(ringing.test_client(), rows.user(tenant).username)
    stranger = log_in(ringing.test_client(), rows.user(rows.tenant()).username)
    agent = log_in(ringing.test_client(), rows.user(tenant, "Agent").username)
    assert ring(stranger, place) == "404"
    answer = agent.post_form(f"/departmentpage/ring/{place.id}", page="/resetmypassword/form")
    assert answer.status_code == 403
    assert "There is no number to call from." in ring(admin, place)
    rows.number(tenant, number="+12125550100")
    assert "has no telephone yet" in ring(admin, silent)
    assert twilio.forms == []
    for _ in range(3):
        assert "Ringing" in ring(admin, place)
    assert "3 ring tests within ten minutes" in ring(admin, place)
    assert len(twilio.forms) == 3
    assert admin.get(f"/departmentpage/ring/{silent.id}").status_code == 302  # none is going on
    second = log_in(ringing.test_client(), rows.user(tenant).username)
    assert second.get(f"/departmentpage/rings/{place.id}").status_code == 302
    with ringing.app_context(), acting_for(tenant.id):
        noted = db.session.query(models.AuditLog).filter_by(action="ring test").all()
        assert {(one.entity, one.entity_id) for one in noted} == {("Department", place.id)}
        assert len(noted) == 3
    suspended = rows.tenant(status=models.TenantStatus.SUSPENDED)
    rows.number(suspended)
    theirs = rows.department(suspended, numbers=[BACK])
    own = log_in(ringing.test_client(), rows.user(suspended).username)
    assert "The business is suspended" in ring(own, theirs)


def test_what_a_ring_test_costs_is_reserved_and_then_booked(
    ringing: Flask, twilio: TwilioRest
) -> None:
    rows = Rows(ringing)
    tenant = rows.tenant()
    rows.number(tenant, number="+12125550100")
    rows.limits(tenant, day_cents=2)
    place = rows.department(tenant, numbers=[DESK, BACK])
    admin = log_in(ringing.test_client(), rows.user(tenant).username)
    twilio.picks_up = {DESK: "completed", BACK: "busy"}

    def spent() -> int:
        with ringing.app_context(), acting_for(tenant.id):
            return spending.spent()[0].day

    assert "Answered" in ring(admin, place)
    assert spent() == 15_000  # two telephones, 30 s each, at a cent and a half a minute
    assert "What this business may spend is used up" in ring(admin, place)
    assert len(twilio.forms) == 2
    for call in twilio.calls.values():
        call["duration"] = "12" if call["to"] == DESK else "0"
    with ringing.app_context(), acting_for(tenant.id):
        db.session.execute(text("update job set run_at = now()"))
        db.session.commit()
        running.run_due()
    with ringing.app_context(), acting_for(tenant.id):
        booked = {row.kind: row.quantity for row in db.session.query(models.SpendLedger)}
        assert booked == {"transfer_seconds": 12, "mails": 1}  # owners are told of their limit
    assert spent() == 3_000


def test_without_a_twilio_account_a_ring_test_says_so(app: Flask, rows: Rows) -> None:
    tenant = rows.tenant()
    rows.number(tenant)
    place = rows.department(tenant, numbers=[DESK])
    browser = log_in(app.test_client(), rows.user(tenant).username)
    assert "There is no Twilio account for this business" in ring(browser, place)
