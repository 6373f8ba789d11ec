"""One question's way through the product, by everybody who has a part in it, each on a screen of
their own: set up, asked in vain, answered, asked again; its message dealt with; read by who may."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app import models
from app.extensions import db
from app.tenancy import across_tenants
from tests.browser.test_screens import NARROW, WATCH, WIDE, log_in
from tests.browser.test_telephone import answer
from tests.factories import Rows
from tests.served import serving

QUESTION = "do you sell electric toothbrushes"
HOSTILE = "<img src=x onerror='window.hurt=1'> my name is Ann"


@pytest.fixture
def app(make_app: Callable[..., Flask], port: socket.socket) -> Flask:
    return make_app(port=port.getsockname()[1])


@pytest.fixture
def base_url(app: Flask, port: socket.socket) -> Iterator[str]:
    with serving(app, port) as address:
        yield address


@contextmanager
def seen_by(
    chromium: Browser, base_url: str, username: str, size: dict[str, int], theme: str
) -> Iterator[Page]:
    """Signed in; nothing the page did was against its policy, and no words became markup."""
    context = chromium.new_context(
        base_url=base_url, viewport=size, reduced_motion="reduce", color_scheme=theme
    )
    context.add_init_script(WATCH)
    page = context.new_page()
    log_in(page, username)
    yield page
    assert page.evaluate("violations") == []
    assert page.evaluate("window.hurt") is None
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    context.close()


def went_on(page: Page, to: int) -> None:
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_text(f"Step {to} of 6")).to_be_visible()


def called(page: Page, *words: str) -> None:
    page.get_by_role("button", name="Call", exact=True).click()
    answer(page, 0)
    for nth, said in enumerate(words, start=1):
        page.get_by_label("What you say").fill(said)
        page.keyboard.press("Enter")
        answer(page, nth)


def only_tenant(app: Flask) -> models.Tenant:
    with app.app_context(), across_tenants():
        (found,) = db.session.query(models.Tenant).all()
        db.session.expunge_all()
        return found


def test_from_nothing_to_a_question_that_is_answered_and_a_lead_that_is_done(
    app: Flask, rows: Rows, chromium: Browser, base_url: str
) -> None:
    boss = rows.super_admin().username
    with seen_by(chromium, base_url, boss, NARROW, "dark") as page:
        page.goto("/setup/new")
        page.get_by_label("Name").fill("Corner Dental")
        page.get_by_label("Trade").select_option("dental_practice")
        went_on(page, to=2)
        went_on(page, to=3)
        desk = page.get_by_role("group", name="Front desk")
        desk.get_by_label("Telephones that ring").fill("+13035550120")
        billing = page.get_by_role("group", name="Billing")
        expect(billing.get_by_label("Telephones that ring")).to_be_visible()
        page.get_by_role("checkbox", name="Billing").uncheck()
        expect(billing.get_by_label("Telephones that ring")).to_be_hidden()
        went_on(page, to=4)
        went_on(page, to=5)
        page.get_by_label("Messages that callers leave").fill("office@example.com")
        went_on(page, to=6)
        page.get_by_role("button", name="Use a practice number").click()
        page.get_by_role("link", name="Place a test call").first.click()
        called(page, QUESTION, HOSTILE)
        expect(page.locator(".talk .caller .say").last).to_contain_text("onerror")
        write = page.locator(".talk").get_by_role("link", name="Write the answer").first
        leads_to = write.get_attribute("href")
        page.get_by_role("button", name="Hang up").click()

    tenant = only_tenant(app)
    admin = rows.user(tenant, "Tenant Admin").username
    with seen_by(chromium, base_url, admin, WIDE, "light") as page:
        page.goto(str(leads_to))
        expect(page.locator("#question")).to_have_value(QUESTION.capitalize())
        page.fill("#answer", "Yes, from 40 dollars, at the front desk.")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Answer saved")).to_be_visible()

    with seen_by(chromium, base_url, rows.user(tenant, "Agent").username, NARROW, "light") as page:
        page.goto("/telephone/")
        called(page, QUESTION)
        expect(answer(page, 1)).to_contain_text("from 40 dollars")
        page.get_by_role("button", name="Hang up").click()
        rows.lead(tenant, name=HOSTILE, phone="+12125550143", reason=HOSTILE)
        page.goto("/leads/board")
        page.get_by_label(f"Move {HOSTILE} to").select_option("done")
        expect(page.get_by_text("Lead moved to Done")).to_be_visible()

    with seen_by(chromium, base_url, rows.user(tenant, "Viewer").username, WIDE, "dark") as page:
        page.goto("/callsessionpage/list/")
        page.locator("tbody a").first.click()
        expect(page.locator(".talk")).to_be_visible()
        page.goto("/leads/board")
        expect(page.locator("[data-status=done] .card")).to_have_count(1)
        assert page.get_by_label(f"Move {HOSTILE} to").count() == 0
        assert page.get_by_role("banner").get_by_role("link", name="Test call").count() == 0
