"""A call's page and the lead board in a real browser: what is pressed happens, words stay text."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from app import models
from tests.browser.test_screens import NARROW, WATCH, log_in
from tests.factories import Rows

HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'


@pytest.fixture
def page(chromium: Browser, base_url: str) -> Iterator[Page]:
    context = chromium.new_context(base_url=base_url, reduced_motion="reduce")
    context.add_init_script(WATCH)
    yield context.new_page()
    context.close()


def unhurt(page: Page) -> None:
    assert page.evaluate("window.hurt") is None
    assert page.evaluate("violations") == []


def test_a_hostile_call_is_read_its_caller_blocked_and_the_call_marked(
    rows: Rows, page: Page
) -> None:
    tenant = rows.tenant()
    began = datetime.now(UTC) - timedelta(minutes=5)
    call = rows.call(tenant, started_at=began, outcome=models.Outcome.LEAD, duration=60)
    at = {"call_id": call.id}
    entry = rows.knowledge(tenant, question=HOSTILE, answer=HOSTILE)
    rows.recording(tenant, created_at=began, duration=60, **at)
    said = began + timedelta(seconds=9)
    rows.transcript(tenant, text=HOSTILE, created_at=said, **at)
    rows.transcript(
        tenant, speaker=models.Speaker.RECEPTIONIST, text=HOSTILE, created_at=said,
        evidence={"sources": [{"id": "k", "entry_id": entry.id, "version": 1}]}, **at,
    )  # fmt: skip
    rows.lead(tenant, name=HOSTILE, reason=HOSTILE, **at)
    log_in(page, rows.user(tenant, "Agent").username)
    page.goto(f"/callsessionpage/show/{call.id}")
    expect(page.locator(".talk .say").first).to_have_text(HOSTILE)
    chip = page.locator(".source summary")
    expect(page.locator("blockquote")).to_be_hidden()
    chip.focus()
    page.keyboard.press("Enter")
    expect(page.locator("blockquote")).to_have_text(HOSTILE)
    page.get_by_role("button", name="Play from 0:09").first.click()
    assert page.evaluate("document.getElementById('player').currentTime") == 9

    page.get_by_role("button", name="Block this caller").click()
    page.locator("#confirm [data-go]").click()
    expect(page.get_by_text("Caller blocked.")).to_be_visible()
    page.get_by_role("button", name="Unblock this caller").click()
    expect(page.get_by_text("Caller unblocked")).to_be_visible()
    page.get_by_role("button", name="Mark as spam").click()
    page.locator("#confirm [data-go]").click()
    expect(page.locator(".meta").get_by_text("Spam")).to_be_visible()
    page.get_by_role("button", name="Not spam").click()
    expect(page.locator(".meta").get_by_text("Lead taken")).to_be_visible()
    unhurt(page)


def test_a_lead_is_moved_to_done_by_menu_by_keyboard_and_by_dragging(
    rows: Rows, page: Page
) -> None:
    tenant = rows.tenant()
    for n, name in enumerate(("Ann Lee", "Ben Hur", "Cat Fox", HOSTILE)):
        rows.lead(tenant, name=name, phone=f"+1212555010{n}", reason=HOSTILE)
    log_in(page, rows.user(tenant, "Agent").username)
    page.goto("/leads/board")
    done = page.locator("[data-status=done]")
    page.get_by_label("Move Ann Lee to").select_option("done")
    expect(page.get_by_text("Lead moved to Done")).to_be_visible()
    expect(done.locator(".card")).to_have_count(1)

    menu = page.get_by_label("Move Ben Hur to")
    menu.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(menu).to_have_value("done")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(done.locator(".card")).to_have_count(2)

    page.locator(".card", has_text="Cat Fox").locator(".wish").drag_to(done.locator("h2"))
    expect(done.locator(".card")).to_have_count(3)
    expect(done.get_by_role("link", name=re.compile("^3"))).to_be_visible()
    unhurt(page)

    page.set_viewport_size(NARROW)
    page.get_by_role("link", name="Ann Lee", exact=True).click()
    page.get_by_label("Add a note").fill(HOSTILE)
    page.get_by_role("button", name="Save the note").click()
    expect(page.get_by_text("Note saved")).to_be_visible()
    expect(page.locator(".lines")).to_contain_text(HOSTILE)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    unhurt(page)
