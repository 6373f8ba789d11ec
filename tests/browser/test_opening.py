"""The week of a business, set up as people do it."""

from datetime import time

from playwright.sync_api import BrowserContext

from tests.browser.test_screens import AXE, NARROW, SEEN, broken_rules, log_in
from tests.browser.test_writing_answers import context as context
from tests.factories import Rows


def test_a_week_is_copied_corrected_and_saved(rows: Rows, context: BrowserContext) -> None:
    tenant = rows.tenant(name="Northside")
    rows.receptionist(tenant, greeting="")
    rows.department(tenant, name="Sales")
    rows.hours(tenant, weekday=0, opens=time(9), closes=time(12))
    page = context.new_page()
    log_in(page, rows.user(tenant, "Tenant Admin").username)
    page.get_by_role("link", name="Opening hours", exact=True).click()
    monday = page.get_by_role("group", name="Monday")
    monday.get_by_role("button", name="Add hours").click()
    monday.get_by_label("2. from").fill("11:00")
    monday.get_by_label("2. to").fill("17:00")
    monday.get_by_role("button", name="Copy to weekdays").click()
    page.get_by_role("button", name="Save the week").click()
    page.get_by_text("Monday has 9:00–12:00 and 11:00–17:00.").first.wait_for()
    assert page.get_by_role("group", name="Friday").get_by_label("2. to").input_value() == "17:00"
    page.evaluate(AXE)
    assert broken_rules(page, None) == []
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"):
        page.get_by_role("group", name=day).get_by_label("2. from").fill("13:00")
    page.get_by_role("button", name="Save the week").click()
    page.get_by_text("Opening hours saved").wait_for()
    assert page.get_by_role("group", name="Saturday").get_by_role("switch").is_checked()
    page.get_by_label("Day and time of the call").fill("2026-12-24T12:30")
    page.get_by_role("button", name="Show what is said").click()
    page.locator("blockquote").get_by_text("We are on our break until 1:00 PM.").wait_for()
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(AXE)
    assert broken_rules(page, SEEN) == []
    assert page.evaluate("violations") == []
