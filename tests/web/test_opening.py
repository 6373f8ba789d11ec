"""The page of the opening hours: the week, saved by the same rules as REST; what is said when."""

import html
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.tenancy import acting_for
from tests.factories import Rows
from tests.web.speaking import Browser, log_in
from tests.web.test_statements import counted

PATH = "/opening-hours/"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    found: models.Tenant = rows.tenant(name="Northside", timezone="America/New_York")
    rows.receptionist(found, greeting="")
    return found


@pytest.fixture
def browser(rows: Rows, tenant: models.Tenant, client: FlaskClient) -> Browser:
    return log_in(client, rows.user(tenant).username)


def saved(app: Flask, tenant: models.Tenant) -> dict[int, tuple[Any, ...]]:
    with app.app_context(), acting_for(tenant.id):
        return {
            row.id: (row.weekday, f"{row.opens:%H:%M}", f"{row.closes:%H:%M}", row.department_id)
            for row in db.session.query(models.OpeningHours)
        }


def week(**days: str) -> dict[str, str]:
    """Hours by "d<weekday>", such as "09:00-12:00 13:00-17:00"; other days are closed."""
    form = {}
    for number in range(7):
        spans = days.get(f"d{number}", "").split()
        if f"d{number}" not in days:
            form[f"closed-{number}"] = "1"
        for at in range(3):
            opens, _, closes = (spans[at] if at < len(spans) else "").partition("-")
            form |= {f"opens-{number}-{at}": opens, f"closes-{number}-{at}": closes}
    return form


def test_a_week_is_saved_and_what_is_the_same_stays(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    kept = rows.hours(tenant, weekday=0, opens=time(9), closes=time(12))
    rows.hours(tenant, weekday=1, opens=time(9), closes=time(17))
    sales = rows.department(tenant, name="Sales")
    own = rows.hours(tenant, weekday=2, department_id=sales.id)
    answer = browser.post_form(PATH, **week(d0="09:00-12:00 13:00-17:00", d5="22:00-02:00"))
    assert answer.status_code == 302, answer.text
    found = saved(app, tenant)
    assert set(found.values()) == {
        (0, "09:00", "12:00", None), (0, "13:00", "17:00", None), (5, "22:00", "02:00", None),
        (2, "09:00", "17:00", sales.id),
    }  # fmt: skip
    assert {kept.id, own.id} <= set(found)
    browser.post_form(f"{PATH}?department={sales.id}", **week(d3="10:00-11:00"))
    whose = [row for row in saved(app, tenant).values() if row[3]]
    assert whose == [(3, "10:00", "11:00", sales.id)]
    assert len(saved(app, tenant)) == 4


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ({"d1": "09:00-13:00 12:00-17:00"}, "Tuesday has 9:00–13:00 and 12:00–17:00."),
        ({"d6": "22:00-03:00", "d0": "02:00-08:00"}, "Change one so that they do not overlap."),
        ({"d1": "09:00-"}, "Give both times"),
        ({"d1": "nine-five"}, "Give both times"),
        ({"d1": ""}, "Give the hours of Tuesday, or mark it as closed."),
    ],
)
def test_what_does_not_work_is_said_at_its_row_and_kept(
    app: Flask, tenant: models.Tenant, browser: Browser, days: dict[str, str], said: str
):
    page = browser.post_form(PATH, **week(d4="08:15-16:45", **days))
    assert page.status_code == 200
    row = html.unescape(page.text).partition('data-day="1"' if "d1" in days else 'data-day="0"')[2]
    assert said in row.partition("</fieldset>")[0]
    assert 'value="08:15"' in page.text
    assert saved(app, tenant) == {}


def test_it_tells_what_is_said_at_a_moment(rows: Rows, tenant: models.Tenant, browser: Browser):
    sales = rows.department(tenant, name="Sales")
    rows.department(tenant, name="Service")
    for weekday in range(5):
        rows.hours(tenant, weekday=weekday, opens=time(8), closes=time(17))
    rows.hours(tenant, weekday=3, opens=time(8), closes=time(20), department_id=sales.id)
    rows.holiday(
        tenant, day=date(2026, 12, 24), name="Christmas Eve", opens=time(8), closes=time(12)
    )

    def page(at: str) -> str:
        """Not what holds right now."""
        found = html.unescape(browser.get(PATH, query_string={"at": at}).text)
        return found.partition('id="told"')[2]

    eve = page("2026-12-24T18:00")
    assert "We are closed right now." in eve
    assert "open until 8:00 pm" in eve  # Sales, by hours of its own
    assert eve.count("closed, opens tomorrow at 8:00 am") == 2
    morning = page("2026-12-24T09:00")
    assert "closed right now" not in morning
    assert morning.count("open until 12:00 pm") == 2
    assert "How can I help you?" in morning
    for at in ("9999-01-01T00:00", "0001-01-01T00:00", "soon", "2026-12-24T09:00+99:00"):
        assert browser.get(PATH, query_string={"at": at}).status_code == 200


def test_the_greeting_is_the_one_of_a_call(
    rows: Rows, app: Flask, client: FlaskClient, make_business: Any
):
    from tests.web.conftest import Caller

    business = make_business()
    caller = Caller(app, business)
    caller.dial()
    heard = " ".join(row.text for row in caller.all(models.Transcript))
    browser = log_in(client, rows.user(business.tenant).username)
    assert heard
    (config,) = caller.all(models.ReceptionistConfig)
    for path in (PATH, f"/receptionistconfigpage/show/{config.id}"):
        assert f'data-speak="{heard}"' in html.unescape(browser.get(path).text), path


def test_holidays_that_contradict_are_pointed_out(
    rows: Rows, tenant: models.Tenant, browser: Browser
):
    sales = rows.department(tenant, name="Sales")
    rows.hours(tenant, weekday=5, opens=time(2), closes=time(8))
    rows.hours(tenant, weekday=4, department_id=sales.id)
    today = datetime.now(UTC).date()
    friday = today + timedelta(days=7 + (4 - today.weekday()) % 7)
    rows.holiday(tenant, day=friday, name="New Year", opens=time(20), closes=time(3))
    page = html.unescape(browser.get(PATH).text)
    assert "The holiday has 20:00–3:00, but Saturday has 2:00–8:00." in page
    page = html.unescape(browser.get(f"{PATH}?department={sales.id}").text)
    assert "Sales has hours of its own and is open on this day" in page


def test_nobody_elses_hours_are_shown_or_changed(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser, client: FlaskClient
):
    stranger = rows.tenant()
    theirs = rows.department(stranger, name="Canary")
    assert browser.get(f"{PATH}?department={theirs.id}").status_code == 404
    answer = browser.post_form(
        f"{PATH}?department={theirs.id}", page=PATH, **week(d0="09:00-10:00")
    )
    assert answer.status_code == 404
    assert "Canary" not in browser.get(PATH).text
    agent = log_in(app.test_client(), rows.user(tenant, "Agent").username)
    assert agent.get(PATH).status_code in (302, 403)


def test_more_departments_take_no_more_statements(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    def statements() -> int:
        browser.get(PATH)  # fills the cache of facts
        with counted(app) as found:
            assert browser.get(PATH).status_code == 200
        return len(found)

    for _ in range(2):
        rows.holiday(tenant, day=date(2027, 5, 1 + _))
    rows.department(tenant)
    few = statements()
    for number in range(20):
        rows.department(tenant)
        rows.holiday(tenant, day=date(2027, 3, 1 + number))
    assert statements() == few
