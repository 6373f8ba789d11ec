"""A business set up on a phone, from nothing to a number that a test call can ring."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_screens import AXE, NARROW, SEEN, WATCH, broken_rules, log_in
from tests.factories import Rows

PICTURES = os.environ.get("PICTURES")


@pytest.fixture
def page(chromium: Browser, base_url: str) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=base_url, viewport=NARROW, reduced_motion="reduce", timezone_id="America/Denver"
    )
    context.add_init_script(WATCH)
    yield context.new_page()
    context.close()


def looked_at(page: Page, name: str) -> None:
    """At home on a phone, in both themes."""
    page.evaluate(AXE)
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), name
        assert broken_rules(page, None if theme == "light" else SEEN) == [], name
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-390-{theme}.png", full_page=True)
    assert page.evaluate("violations") == [], name


def test_a_business_is_set_up_on_a_phone(rows: Rows, page: Page) -> None:
    log_in(page, rows.super_admin().username)
    page.goto("/tenantpage/list/")
    page.get_by_role("link", name="Set up a business").click()
    expect(page.get_by_text("Step 1 of 6")).to_be_visible()
    expect(page.get_by_label("Time zone")).to_have_value("America/Denver")
    looked_at(page, "1-business")
    page.get_by_label("Name").fill("Corner Dental")
    page.get_by_label("Trade").select_option("dental_practice")
    page.get_by_role("button", name="Save and continue").click()

    expect(page.get_by_text("Step 2 of 6 · Corner Dental")).to_be_visible()
    looked_at(page, "2-hours")
    page.get_by_role("button", name="Save and continue").click()

    looked_at(page, "3-departments")
    front = page.get_by_role("group", name="Front desk")
    front.get_by_label("Telephones that ring").fill("303 555 0120")
    page.get_by_role("checkbox", name="Billing").uncheck()
    expect(page.get_by_role("group", name="Billing").get_by_label("Telephones")).to_be_hidden()
    page.get_by_role("button", name="Save and continue").click()

    looked_at(page, "4-knowledge")
    where = page.get_by_role("group", name="Where are you located?")
    where.get_by_label("street and number").fill("5 Main Street")
    where.get_by_label("town").fill("Denver")
    parking = page.get_by_role("group", name="Is there parking?")
    parking.get_by_role("combobox").select_option("There is street parking only")
    page.get_by_role("checkbox", name="Do you do teeth whitening?").uncheck()
    page.get_by_role("button", name="Save and continue").click()

    looked_at(page, "5-recipients")
    page.get_by_label("Messages that callers leave").fill("office@example.com")
    page.get_by_role("button", name="Save and continue").click()

    looked_at(page, "6-number")
    page.get_by_role("button", name="Use a practice number").click()

    expect(page.get_by_role("heading", name="Ready for a test call")).to_be_visible()
    expect(page.get_by_text("Thank you for calling Corner Dental.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"3 answers are live. 11 drafts wait"))).to_be_visible()
    looked_at(page, "7-done")
    page.get_by_role("link", name="Place a test call").last.click()
    chosen = page.locator("select option:checked").first
    expect(chosen).to_have_text(re.compile("Practice number"))
