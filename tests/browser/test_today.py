"""The first page in a browser: drawn in both themes, by keyboard and by a tap on a bar."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page

from app import models
from tests.browser.test_screens import NARROW, WATCH, WIDE, found_wrong, log_in
from tests.factories import Rows

DRAWN = "Array.from(document.querySelectorAll('[data-chart]'), (c) => c.toDataURL())"


@pytest.fixture
def page(chromium: Browser, base_url: str) -> Iterator[Page]:
    context = chromium.new_context(base_url=base_url, viewport=WIDE, reduced_motion="reduce")
    context.add_init_script(WATCH)
    yield context.new_page()
    context.close()


@pytest.fixture
def shop(rows: Rows) -> models.Tenant:
    tenant = rows.tenant(name="Corner Shop", timezone="UTC")
    sales = rows.department(tenant, name="Sales")
    now = datetime.now(UTC)
    for n, outcome in enumerate(["answered", "lead", "transferred", "abandoned", "failed", None]):
        for back in range(n + 1):
            when = now - timedelta(days=back % 7, seconds=n)
            call = rows.call(tenant, started_at=when, outcome=outcome, duration=60, answers=n % 2)
        if outcome == "transferred":
            rows.transfer(
                tenant, call_id=call.id, department_id=sales.id, status="answered", created_at=when
            )
            rows.transfer(
                tenant, call_id=call.id, department_id=sales.id, status="busy", turn=2,
                created_at=when,
            )  # fmt: skip
    rows.gap(tenant)
    rows.lead(tenant, due=now.date() - timedelta(days=3))
    rows.job(tenant, kind="lead_notification", status="dead", finished_at=now)
    rows.price()
    rows.spend(tenant)
    return tenant


def drawn(page: Page) -> list[str]:
    page.wait_for_function("document.querySelector('[data-chart]').style.height !== ''")
    found: list[str] = page.evaluate(DRAWN)
    return found


def test_the_first_page_is_drawn_in_both_themes_and_leads_on(
    rows: Rows, page: Page, shop: models.Tenant
) -> None:
    log_in(page, rows.user(shop).username)
    assert found_wrong(page, "/") == []
    page.set_viewport_size(WIDE)
    page.goto("/")
    light = drawn(page)
    assert len(light) == 2
    page.get_by_role("button", name="Switch between light and dark").click()
    assert all(one != other for one, other in zip(light, drawn(page), strict=True))

    page.get_by_text("Figures as a table").first.click()
    page.get_by_role("table", name="Calls by day and outcome").get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/callsessionpage/list/\?figure=taken.*outcome="))
    page.go_back()
    drawn(page)
    page.locator("[data-chart='days-data']").click(position=bar_of_today(page))
    page.wait_for_url(re.compile(r"/callsessionpage/list/\?figure=taken"))
    page.get_by_role("link", name="Calls taken").get_by_text("Remove this filter").wait_for()

    page.goto("/")
    page.get_by_text("Other days").click()
    page.get_by_label("First day").fill("2026-01-02")
    page.get_by_label("Last day").fill("2026-01-03")
    page.get_by_role("button", name="Show these days").click()
    page.wait_for_url(re.compile("from=2026-01-02&to=2026-01-03"))
    page.get_by_text("No calls in these days.").first.wait_for()
    assert page.evaluate("violations") == []


def bar_of_today(page: Page) -> dict[str, float]:
    """The middle of the lowest part of the last bar."""
    at = page.evaluate(
        """() => {
          const chart = Chart.getChart(document.querySelector("[data-chart='days-data']"));
          const bar = chart.getDatasetMeta(0).data.at(-1);
          return { x: bar.x, y: (bar.y + bar.base) / 2 };
        }"""
    )
    return {"x": at["x"], "y": at["y"]}


def test_a_phone_shows_the_week_lying_and_a_super_admin_sees_all_tenants(
    rows: Rows, page: Page, shop: models.Tenant
) -> None:
    log_in(page, rows.super_admin().username)
    assert found_wrong(page, "/?days=30") == []
    page.set_viewport_size(NARROW)
    page.goto("/")
    weekdays = page.locator(".heat thead th")
    boxes = [weekdays.nth(n).bounding_box() for n in (1, 7)]
    assert all(boxes)
    assert boxes[0]["y"] == boxes[1]["y"]  # type: ignore[index]
    page.get_by_role("link", name="Corner Shop").wait_for()
