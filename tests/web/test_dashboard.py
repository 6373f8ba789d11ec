"""The first page: what it says is what the rows say, and each number leads to as many of them."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.figures import calls, transfers, waiting, work
from app.figures.behind import Asked, Figure, Part
from app.figures.period import Period
from app.tenancy import across_tenants, acting_for
from tests.factories import Rows
from tests.web.speaking import Browser, log_in
from tests.web.test_statements import counted

NEW_YORK = ZoneInfo("America/New_York")
WEEK = (date(2026, 3, 2), date(2026, 3, 8))  # a Monday to a Sunday; the clock changes on the last
LATER = datetime(2026, 5, 1, tzinfo=UTC)
MOST = 24  # statements, with everything in sight


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def week(now: datetime = LATER) -> Period:
    return Period(*WEEK, NEW_YORK, now)


def at(day: int, hour: int = 12, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK)


@pytest.fixture
def shop(rows: Rows) -> models.Tenant:
    return rows.tenant(name="Corner Shop", timezone="America/New_York")


@pytest.fixture
def some(rows: Rows, shop: models.Tenant) -> models.Tenant:
    """Counted by hand: 6 calls (answered, answered, lead, lead, transferred, still on), one of the
    leads confirmed; before them 2. Beside them what does not count."""
    call = rows.call
    call(shop, started_at=at(2, 9), outcome="answered", answers=2, duration=60)
    call(shop, started_at=at(2, 9, 59), outcome="answered", answers=1, duration=30)
    sure = call(shop, started_at=at(3), outcome="lead", duration=90)
    rows.lead(shop, call_id=sure.id, confirmed=True, created_at=at(3), status="done")
    unsure = call(shop, started_at=at(3, 13), outcome="lead", answers=1)
    rows.lead(shop, call_id=unsure.id, created_at=at(3, 13), due=date(2026, 3, 5))
    call(shop, started_at=at(8, 23, 59), outcome="transferred", duration=20)
    call(shop, started_at=at(8, 12))
    # before, by a minute and by a day
    call(shop, started_at=at(1, 23, 59), outcome="answered", answers=1, duration=100)
    call(shop, started_at=at(28, 12, month=2), outcome="abandoned")
    # outside by a minute
    call(shop, started_at=at(9, 0), outcome="answered", answers=1, duration=1)
    call(shop, started_at=at(22, 23, 59, month=2), outcome="answered", duration=1)
    # not counted
    test = call(shop, started_at=at(4), outcome="lead", channel="test", answers=3, duration=500)
    rows.lead(shop, call_id=test.id, confirmed=True, created_at=at(4), test=True)
    spam = call(shop, started_at=at(4), outcome="lead", answers=3, duration=500)
    rows.lead(shop, call_id=spam.id, confirmed=True, created_at=at(4), status="spam")
    call(shop, started_at=at(4), outcome="blocked", answers=3, duration=500)
    call(rows.tenant(), started_at=at(4), outcome="answered", answers=3, duration=500)
    return shop


def test_calls_are_counted_once_and_only_real_ones(app: Flask, some: models.Tenant) -> None:
    with app.app_context(), acting_for(some.id):
        found = calls.counted(week())
    now, before = found.now, found.before
    assert (now.taken, now.confirmed, now.known) == (6, 1, 3)
    assert (now.timed, now.seconds, now.average) == (4, 200, 50)
    assert (before.taken, before.confirmed, before.known) == (2, 0, 1)
    assert (before.timed, before.seconds) == (1, 100)
    assert found.days == {
        (date(2026, 3, 2), "answered"): 2, (date(2026, 3, 3), "lead"): 2,
        (date(2026, 3, 8), "transferred"): 1, (date(2026, 3, 8), "open"): 1,
    }  # fmt: skip
    assert found.hours == {(0, 9): 2, (1, 12): 1, (1, 13): 1, (6, 23): 1, (6, 12): 1}


def test_days_and_hours_are_those_of_the_zone(app: Flask, rows: Rows, shop: models.Tenant) -> None:
    rows.call(shop, started_at=datetime(2026, 3, 3, 4, 30, tzinfo=UTC))  # Monday, half past 11 pm
    with app.app_context(), acting_for(shop.id):
        here = calls.counted(week())
        utc = calls.counted(Period(*WEEK, UTC, LATER))
    assert (list(here.hours), list(here.days)) == ([(0, 23)], [(date(2026, 3, 2), "open")])
    assert (list(utc.hours), list(utc.days)) == ([(1, 4)], [(date(2026, 3, 3), "open")])


def test_hours_of_a_zone_half_an_hour_off_are_its_own(
    app: Flask, rows: Rows, shop: models.Tenant
) -> None:
    for minute in (20, 40):  # ten to nine and ten past nine, where it is half past more
        rows.call(shop, started_at=datetime(2026, 3, 3, 3, minute, tzinfo=UTC))
    with app.app_context(), acting_for(shop.id):
        found = calls.counted(Period(*WEEK, ZoneInfo("Asia/Kolkata"), LATER))
    assert found.hours == {(1, 8): 1, (1, 9): 1}


def test_the_day_that_has_23_hours_ends_at_its_midnight() -> None:
    span = Period(date(2026, 3, 8), date(2026, 3, 8), NEW_YORK, LATER).span
    assert (span.begins, span.ends) == (at(8, 0), at(9, 0))
    assert span.ends.astimezone(UTC) - span.begins.astimezone(UTC) == timedelta(hours=23)


def test_half_a_day_is_compared_with_half_a_day(
    app: Flask, rows: Rows, shop: models.Tenant
) -> None:
    running = week(at(4, 10))
    assert running.before.ends == datetime(2026, 2, 25, 10, tzinfo=NEW_YORK)
    assert week().before.ends == at(2, 0)
    rows.call(shop, started_at=datetime(2026, 2, 25, 9, 59, tzinfo=NEW_YORK))
    rows.call(shop, started_at=datetime(2026, 2, 25, 10, 0, tzinfo=NEW_YORK))
    rows.lead(shop, created_at=datetime(2026, 2, 25, 10, 0, tzinfo=NEW_YORK))
    with app.app_context(), acting_for(shop.id):
        assert calls.counted(running).before.taken == 1
        assert waiting.leads(running) == (0, 0)
        assert waiting.leads(week()) == (0, 1)


def test_leads_are_messages_that_are_no_test_and_no_spam(app: Flask, some: models.Tenant) -> None:
    with app.app_context(), acting_for(some.id):
        assert waiting.leads(week()) == (2, 0)


@pytest.fixture
def rung(rows: Rows, shop: models.Tenant) -> dict[str, int]:
    """Sales reached 2 of 3, nobody's any more 0 of 1; before, 1 of 1."""
    sales = rows.department(shop, name="Sales").id

    def ring(when: datetime, status: str, department: int | None, **call: Any) -> None:
        made = rows.call(shop, started_at=when, **call)
        rows.transfer(
            shop, call_id=made.id, department_id=department, status=status, created_at=when
        )
        if call.get("outcome") == "lead":
            rows.lead(shop, call_id=made.id, status="spam", created_at=when)

    ring(at(2, 9), "answered", sales)
    ring(at(2, 9, 30), "answered", sales)
    ring(at(2, 10), "busy", sales)
    ring(at(8, 23, 59), "no_answer", None)
    ring(at(1, 23, 59), "answered", sales)
    ring(at(3), "answered", sales, channel="test")
    ring(at(3), "answered", sales, outcome="lead")  # spam
    ring(at(9, 0), "answered", sales)
    return {"Sales": sales}


def test_transfers_reach_a_person_or_not(
    app: Flask, shop: models.Tenant, rung: dict[str, int]
) -> None:
    with app.app_context(), acting_for(shop.id):
        found = transfers.counted(week())
        named = transfers.named(found)
    assert (found.now.reached, found.now.tried) == (2, 4)
    assert (found.before.reached, found.before.tried) == (1, 1)
    assert {hour: (one.reached, one.tried) for hour, one in found.hours.items()} == {
        9: (2, 2), 10: (0, 1), 23: (0, 1)
    }  # fmt: skip
    assert [(name, one.reached, one.tried) for _id, name, _whose, one in named] == [
        ("Sales", 2, 3), ("", 0, 1)
    ]  # fmt: skip


def test_work_is_timed_by_kind(app: Flask, rows: Rows, shop: models.Tenant) -> None:
    for seconds in (1, 2, 3, 100):
        rows.job(
            shop, kind="summarise_call", status="done", created_at=at(3),
            finished_at=at(3) + timedelta(seconds=seconds),
        )  # fmt: skip
    rows.job(shop, kind="lead_notification", status="dead", created_at=at(3), finished_at=at(3))
    rows.job(shop, kind="lead_notification", status="dead", created_at=at(9), finished_at=at(9))
    rows.job(shop, kind="lead_notification", status="waiting", created_at=at(3))
    with app.app_context(), acting_for(shop.id):
        mails, summaries = work.by_kind(week())
    assert (mails.kind, mails.finished, mails.failed) == ("lead_notification", 0, 1)
    assert (summaries.finished, summaries.half, summaries.failed) == (4, 2.5, 0)
    assert summaries.most == pytest.approx(85.45)


def test_what_waits_is_counted_by_one_statement(
    app: Flask, rows: Rows, shop: models.Tenant
) -> None:
    rows.job(shop, kind="lead_notification", status="dead")
    rows.job(shop, kind="webhook_out", status="dead")
    rows.job(shop, kind="webhook_out", status="done")
    rows.gap(shop)
    rows.gap(shop, status="ignored")
    rows.lead(shop, due=date(2026, 4, 29))
    rows.lead(shop, due=date(2026, 4, 29), status="contacted")
    rows.lead(shop, due=date(2026, 4, 29), status="done")
    rows.lead(shop, due=date(2026, 4, 29), test=True)
    rows.lead(shop, due=date(2026, 4, 30))  # today, where it is still 8 in the evening
    asked = (Figure.MAILS, Figure.WORK, Figure.OPEN, Figure.LATE, Figure.NEW)
    with counted(app) as statements, app.app_context(), acting_for(shop.id):
        found = waiting.counts(week(), asked)
    assert list(found.values()) == [1, 1, 1, 2, 2]
    assert sum("FROM" in statement for statement in statements) == 1


def test_every_figure_counts_what_its_rows_are(
    app: Flask, some: models.Tenant, rung: dict[str, int]
) -> None:
    from app.extensions import db

    def rows_of(figure: Figure, **part: Any) -> int:
        asked = Asked(figure, week(), Part(**part))
        return db.session.query(asked.model.id).filter(*asked.conditions).count()

    with app.app_context(), acting_for(some.id):
        found, put_through = calls.counted(week()), transfers.counted(week())
        now = found.now
        assert rows_of(Figure.TAKEN) == now.taken
        assert rows_of(Figure.CONFIRMED) == now.confirmed
        assert rows_of(Figure.KNOWN) == now.known
        assert rows_of(Figure.TIMED) == now.timed
        assert rows_of(Figure.LEADS) == waiting.leads(week())[0]
        for (weekday, hour), count in found.hours.items():
            assert rows_of(Figure.TAKEN, weekday=weekday, hour=hour) == count
        for outcome in ("answered", "lead", "transferred", "open"):
            of_days = sum(n for (_day, one), n in found.days.items() if one == outcome)
            assert rows_of(Figure.TAKEN, outcome=outcome) == of_days
        assert rows_of(Figure.TRIED) == put_through.now.tried
        for department, one in put_through.departments.items():
            assert rows_of(Figure.TRIED, department=department) == one.tried
            assert rows_of(Figure.REACHED, department=department) == one.reached
        for hour, one in put_through.hours.items():
            assert rows_of(Figure.MISSED, hour=hour) == one.tried - one.reached


# -- the page

LINK = re.compile(r'<a [^>]*href="(/\w+/list/\?figure=[^"]+)"[^>]*>(.*?)</a>', re.DOTALL)


def numbers(page: str) -> Iterator[tuple[str, int]]:
    """Links that show one plain number, and that number."""
    for url, inner in LINK.findall(page):
        shown = re.search(r'kpi-value">(.*?)</b>', inner)
        text = re.sub(r"<[^>]+>", "", shown[1] if shown else inner).strip()
        if text.isdecimal():
            yield unescape(url), int(text)


def listed(browser: Browser, url: str) -> int:
    answer = browser.get(url)
    assert answer.status_code == 200, (url, answer.text[:300])
    found = re.search(r"of (\d+) [a-z]", answer.text)
    return int(found[1]) if found else 0


def test_each_number_leads_to_a_list_of_as_many(
    rows: Rows, client: FlaskClient, some: models.Tenant, rung: dict[str, int]
) -> None:
    rows.gap(some)
    rows.job(some, kind="webhook_out", status="dead", created_at=at(3))
    browser = log_in(client, rows.user(some).username)
    page = browser.get("/?from=2026-03-02&to=2026-03-08").text
    found = dict(numbers(page))
    assert len(found) >= 20
    assert found["/callsessionpage/list/?figure=taken&from=2026-03-02&to=2026-03-08"] == 10
    assert {url: listed(browser, url) for url in found} == found
    for url, text in LINK.findall(page):
        if "See" in text or "Open" in text or "Write" in text:
            assert listed(browser, unescape(url)) > 0, url


def test_the_list_says_what_it_was_narrowed_to_and_keeps_it(
    client: FlaskClient, rows: Rows, some: models.Tenant
) -> None:
    browser = log_in(client, rows.user(some).username)
    url = "/callsessionpage/list/?figure=taken&from=2026-03-02&to=2026-03-08&weekday=0&hour=9"
    page = unescape(browser.get(url).text)
    assert "Calls taken, Mar 2, 2026 to Mar 8, 2026" in page
    assert "Monday" in page
    assert "Between 9:00 and 9:59" in page
    assert "figure=taken&from=2026-03-02&to=2026-03-08&hour=9" in page  # without the weekday
    sheet = browser.get(url.replace("/list/", "/csv")).text
    assert len(sheet.strip().splitlines()) == 1 + 2
    for wrong in (
        "figure=tried", "figure=nothing", "figure=taken&from=2026-13-01", "figure=taken&hour=24",
        "figure=taken&weekday=x", "figure=taken&from=2026-03-02&to=2026-03-01",
        "figure=taken&outcome=gone", "figure=taken&tenant=99999999999",
        "figure=taken&from=0001-01-01&to=9999-12-31",
    ):  # fmt: skip
        assert browser.get(f"/callsessionpage/list/?{wrong}").status_code == 400, wrong


def test_nothing_that_waits_is_good_news(client: FlaskClient, rows: Rows) -> None:
    tenant = rows.tenant()
    browser = log_in(client, rows.user(tenant).username)
    assert "Nothing waits for you" in browser.get("/").text
    rows.gap(tenant)
    page = browser.get("/").text
    assert "1 question has no answer" in page
    assert "Nothing waits for you" not in page


def test_what_was_typed_wrong_is_named_and_kept(client: FlaskClient, rows: Rows) -> None:
    browser = log_in(client, rows.user(rows.tenant()).username)
    for asked, said in {
        "?days=8": "Choose today, 7 days or 30 days.",
        "?from=2026-03-02": "choose both",
        "?from=02/03/2026&to=2026-03-08": "written like 2026-11-22",
        "?from=2026-03-08&to=2026-03-02": "not before the first day",
        "?from=2026-03-02&to=2199-03-02": "today or an earlier day",
        "?from=2025-03-02&to=2026-03-02": "at most 92 days",
        "?from=%00&to=%27": "choose both",
    }.items():
        answer = browser.get(f"/{asked}")
        assert answer.status_code == 400, asked
        assert said in answer.text, asked
    assert 'value="2025-03-02"' in browser.get("/?from=2025-03-02&to=2026-03-02").text


@pytest.mark.parametrize(
    ("role", "sees"),
    [("Tenant Admin", True), ("Agent", False), ("Viewer", False)],
)
def test_work_and_cost_are_for_who_may_read_them(
    client: FlaskClient, rows: Rows, some: models.Tenant, role: str, sees: bool
) -> None:
    rows.price(amount=Decimal("3"))
    rows.spend(some, quantity=60)
    rows.job(some, kind="webhook_out", status="dead")
    page = log_in(client, rows.user(some, role).username).get("/?days=1").text
    assert "Calls taken" in page
    assert "Lead conversion" in page
    for text in ("Work after calls", "$3.00", "1 job was given up"):
        assert (text in page) is sees, text


def test_a_tenant_sees_its_own_and_a_super_admin_everybody(
    app: Flask, client: FlaskClient, rows: Rows, some: models.Tenant
) -> None:
    days = "/?from=2026-03-02&to=2026-03-08"
    taken = re.compile(r'Calls taken</span>\s*<b class="kpi-value">(\d+)<')
    own = log_in(app.test_client(), rows.user(some).username).get(days).text
    assert taken.findall(own) == ["6"]
    boss = log_in(client, rows.super_admin().username)
    everybody = boss.get(days).text
    assert taken.findall(everybody) == ["7"]
    assert "Corner Shop" in everybody
    assert {url: listed(boss, url) for url, _n in numbers(everybody)} == dict(numbers(everybody))
    boss.act_as(some.id)
    assert taken.findall(boss.get(days).text) == ["6"]


def test_who_may_read_nothing_sees_no_figure(client: FlaskClient, rows: Rows) -> None:
    answer = log_in(client, rows.user(rows.tenant(), "Nobody in particular").username).get("/")
    assert answer.status_code == 200
    assert "figure=" not in answer.text


def test_more_calls_take_no_more_statements(
    app: Flask, client: FlaskClient, rows: Rows, some: models.Tenant, rung: dict[str, int]
) -> None:
    browser = log_in(client, rows.super_admin().username)
    rows.price()
    days = "/?from=2026-03-02&to=2026-03-08"
    browser.get(days)
    with counted(app) as few:
        browser.get(days)
    for _ in range(10):
        tenant = rows.tenant()
        rows.transfer(
            tenant, call_id=rows.call(tenant, started_at=at(3)).id,
            department_id=rows.department(tenant).id, created_at=at(3),
        )  # fmt: skip
        rows.gap(tenant)
    with counted(app) as many:
        assert "Corner Shop" in browser.get(days).text
    assert len(many) == len(few) <= MOST


def test_what_a_caller_said_stays_text(
    client: FlaskClient, rows: Rows, shop: models.Tenant
) -> None:
    bad = "</script><script>alert(1)</script>"
    call = rows.call(shop, caller=bad[:64])
    rows.lead(shop, call_id=call.id, name=bad, reason=bad)
    rows.gap(shop, question=bad)
    rows.transfer(shop, call_id=call.id, department_id=rows.department(shop, name=bad).id)
    page = log_in(client, rows.user(shop).username).get("/?days=1").text
    assert "&lt;script&gt;alert" in page
    assert "<script>alert" not in page


def test_scopes_hold_without_the_page(app: Flask, rows: Rows, some: models.Tenant) -> None:
    with app.app_context(), across_tenants():
        everybody = calls.by_tenant(week())
        assert calls.counted(week()).now.taken == 7
        assert sorted(everybody.values()) == [1, 6]
        assert calls.busiest(everybody)[0][1:] == ("Corner Shop", 6)
