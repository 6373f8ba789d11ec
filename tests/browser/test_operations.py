"""Live calls, departments and what was given up, in a real browser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app import models
from app.extensions import db
from app.tenancy import acting_for
from tests.browser.test_screens import NARROW, WATCH, WIDE, log_in
from tests.factories import Rows

HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
# The page is told that nobody looks at it.
AWAY = 'Object.defineProperty(document, "hidden", { get: () => Boolean(window.away) });'


@pytest.fixture
def page(chromium: Browser, base_url: str) -> Iterator[Page]:
    context = chromium.new_context(base_url=base_url, viewport=WIDE, reduced_motion="reduce")
    context.add_init_script(WATCH + AWAY)
    yield context.new_page()
    context.close()


def unhurt(page: Page) -> None:
    assert page.evaluate("window.hurt") is None
    assert page.evaluate("violations") == []


def test_live_calls_come_speak_and_go_by_themselves_while_somebody_looks(
    app: Flask, rows: Rows, page: Page
) -> None:
    tenant = rows.tenant()
    page.clock.install()
    log_in(page, rows.user(tenant).username)
    page.goto("/live/")
    expect(page.get_by_text("Nobody is calling right now")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    call = rows.call(tenant, turn=1, state="greeting", started_at=datetime.now(UTC))
    page.clock.run_for(5_000)
    row = page.locator(f'tr[data-call="{call.id}"]')
    expect(row).to_contain_text("Greeting")
    expect(page.locator("[data-said]")).to_have_text("1 call is going on")
    rows.transcript(tenant, call_id=call.id, text=HOSTILE)
    row.get_by_role("link").focus()
    page.evaluate("window.jumped = 0")
    page.clock.run_for(5_000)
    expect(row.locator(".words")).to_contain_text(HOSTILE)
    assert page.evaluate("document.activeElement.closest('tr')?.dataset.call") == str(call.id)
    assert page.evaluate("window.jumped") == 0
    assert re.fullmatch(r"\d+:\d\d", row.locator("[data-seconds]").inner_text())

    page.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange'))")
    asked.clear()
    page.clock.run_for(120_000)
    page.evaluate("1")  # what was asked before this answer has been told of
    assert asked == []
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(row).to_be_visible()
    assert len([url for url in asked if url.endswith("/live/listing")]) == 1

    row.get_by_role("button", name="End this call").click()
    page.clock.run_for(9_000)  # what is asked stays while the list goes on
    page.locator("#confirm [data-go]").click()
    expect(page.get_by_text("The call is over.")).to_be_visible()
    expect(page.get_by_text("Nobody is calling right now")).to_be_visible()
    page.context.clear_cookies()
    page.clock.run_for(5_000)
    expect(page.get_by_text("This list is not up to date")).to_be_visible()
    unhurt(page)


def order(app: Flask, tenant: models.Tenant) -> list[str]:
    with app.app_context(), acting_for(tenant.id):
        places = db.session.query(models.Department).order_by(models.Department.position)
        return [place.name for place in places]


def test_departments_are_put_in_order_by_keyboard_and_by_dragging(
    app: Flask, rows: Rows, page: Page
) -> None:
    tenant = rows.tenant()
    for name in ("Ann", "Bob", HOSTILE, "Dan"):
        rows.department(tenant, name=name)
    log_in(page, rows.user(tenant).username)
    page.goto("/departmentpage/list/")
    names = page.locator("[data-order] .first")
    down = page.get_by_role("button", name="Move Ann down")
    down.focus()
    page.keyboard.press("Enter")
    expect(names.nth(1)).to_have_text("Ann")
    expect(page.locator("[data-order-said]")).to_have_text("Ann is on key 2 now.")
    expect(down).to_be_focused()
    page.keyboard.press("Enter")
    expect(names.nth(2)).to_have_text("Ann")
    assert order(app, tenant) == ["Bob", HOSTILE, "Ann", "Dan"]
    expect(page.get_by_role("button", name="Move Bob up")).to_have_attribute(
        "aria-disabled", "true"
    )

    def drag(name: str, onto: int) -> None:
        handle = page.locator("tr", has_text=name).locator("[data-handle]").bounding_box()
        there = page.locator("[data-order] tr").nth(onto).bounding_box()
        assert handle
        assert there
        page.mouse.move(handle["x"] + 8, handle["y"] + 8)
        page.mouse.down()
        page.mouse.move(handle["x"] + 8, there["y"] + 4, steps=6)
        page.mouse.up()

    drag("Dan", onto=0)
    expect(page.locator("[data-order-said]")).to_have_text("Dan is on key 1 now.")
    assert order(app, tenant) == ["Dan", "Bob", HOSTILE, "Ann"]
    expect(page.locator("[data-key]")).to_have_text(["1", "2", "3", "4"])
    page.set_viewport_size(NARROW)
    drag("Bob", onto=0)
    expect(page.locator("[data-order-said]")).to_have_text("Bob is on key 1 now.")
    assert order(app, tenant) == ["Bob", "Dan", HOSTILE, "Ann"]
    assert page.url.endswith("/departmentpage/list/")  # a drag opens no record
    page.get_by_role("button", name="Ring test").first.click()
    expect(page.locator("#confirm p")).to_contain_text("(212) 555-0199")
    page.locator("#confirm [data-go]").click()
    expect(page.get_by_text("There is no number to call from.")).to_be_visible()
    unhurt(page)


def test_what_was_given_up_is_read_and_tried_again(rows: Rows, page: Page) -> None:
    tenant = rows.tenant()
    told = {"subject": HOSTILE, "text": HOSTILE, "html": f"<p>{HOSTILE}</p>",
            "recipients": ["desk@example.com"]}  # fmt: skip
    for _ in range(2):
        rows.job(
            tenant, kind=models.JobKind.LEAD_NOTIFICATION, status="dead", attempts=12,
            last_error="mail server not reached", result=told, finished_at=datetime.now(UTC),
        )  # fmt: skip
    log_in(page, rows.super_admin().username)
    page.goto("/operations/given-up")
    page.locator("td.first a").first.click()
    letter = page.frame_locator("iframe.letter")
    expect(letter.locator("p")).to_be_visible()
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    unhurt(page)
    page.get_by_text("As plain text").click()
    expect(page.locator(".plain-mail")).to_have_text(HOSTILE)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("It is being tried again.")).to_be_visible()
    expect(page.locator(".meta .badge")).to_have_text("Waiting")
    page.goto("/operations/given-up")
    page.get_by_role("button", name="Try all of this kind again").click()
    page.locator("#confirm [data-go]").click()
    expect(page.get_by_text("1 job is being tried again")).to_be_visible()
    expect(page.get_by_text("Nothing was given up")).to_be_visible()
    unhurt(page)
