"""A test call placed in a real browser, over the webhooks of the server that serves the page."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app import models
from app.extensions import db
from app.models import Channel, Outcome
from app.tenancy import acting_for
from tests.browser.test_screens import AXE, NARROW, SEEN, WATCH, WIDE, broken_rules, log_in
from tests.factories import Rows
from tests.served import serving

QUESTION = "Do you offer parking?"
# What the browser is asked to say aloud, besides saying it.
LISTEN = """
window.aloud = [];
const speak = SpeechSynthesis.prototype.speak;
SpeechSynthesis.prototype.speak = function (words) {
  aloud.push(`${words.lang}: ${words.text}`);
  speak.call(this, words);
};
"""
MUTE_AND_DEAF = """
delete window.webkitSpeechRecognition;
delete window.SpeechRecognition;
delete window.speechSynthesis;
"""


@pytest.fixture
def app(make_app: Callable[..., Flask], port: socket.socket) -> Flask:
    return make_app(port=port.getsockname()[1])


@pytest.fixture
def base_url(app: Flask, port: socket.socket) -> Iterator[str]:
    with serving(app, port) as address:
        yield address


@pytest.fixture
def make_page(chromium: Browser, base_url: str) -> Iterator[Callable[..., Page]]:
    opened: list[BrowserContext] = []

    def make(script: str, viewport: dict[str, int]) -> Page:
        context = chromium.new_context(
            base_url=base_url, viewport=viewport, reduced_motion="reduce"
        )
        context.add_init_script(WATCH + script)
        opened.append(context)
        return context.new_page()

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def shop(rows: Rows) -> models.Tenant:
    """Open round the clock, with no account at Twilio: the built-in telephone needs none."""
    tenant = rows.tenant(name="Corner Shop", timezone="UTC")
    rows.number(tenant, label="Main line")
    rows.receptionist(tenant, greeting="Corner Shop, good day.")
    rows.department(tenant, name="Sales", description="Sales questions", position=1)
    rows.knowledge(tenant, question=QUESTION, answer="Yes, parking is behind the house.")
    for weekday in range(7):
        rows.hours(tenant, weekday=weekday, opens=time(0), closes=time(0))
    return tenant


def calls_of(app: Flask, tenant: models.Tenant) -> list[models.CallSession]:
    with app.app_context(), acting_for(tenant.id):
        found = db.session.query(models.CallSession).order_by(models.CallSession.id).all()
        db.session.expunge_all()
        return list(found)


def answer(page: Page, nth: int) -> Locator:
    """The receptionist's nth sentence, when it is there."""
    found = page.locator(".talk .bot:not(.thinking)").nth(nth)
    found.wait_for()
    return found


def test_a_call_is_answered_from_knowledge_put_through_and_left_out_of_the_counts(
    app: Flask, rows: Rows, shop: models.Tenant, make_page: Callable[..., Page]
) -> None:
    rows.call(shop, started_at=datetime.now(UTC), outcome=Outcome.ANSWERED, duration=60)
    page = make_page(LISTEN, WIDE)
    log_in(page, rows.user(shop, "Tenant Admin").username)
    counted = page.locator(".kpi-value").all_inner_texts()
    page.get_by_role("banner").get_by_role("link", name="Test call").click()
    page.get_by_role("button", name="Call", exact=True).click()
    expect(answer(page, 0)).to_contain_text("Corner Shop, good day.")
    assert page.evaluate("aloud[0]").startswith("en-US: ")
    assert "Corner Shop, good day." in " ".join(page.evaluate("aloud"))

    page.keyboard.type("do you have parking")  # the field has the focus
    page.keyboard.press("Enter")
    answered = answer(page, 1)
    expect(answered).to_contain_text("behind the house")
    chip = answered.locator(".source summary")
    expect(chip).to_have_text(f"From “{QUESTION}”, version 1")
    expect(answered.locator(".by")).to_contain_text("Answering")
    expect(answered.locator(".by")).to_contain_text(" ms")
    expect(page.locator(".talk .caller .say")).to_have_text(["do you have parking"])
    chip.click()
    expect(answered.get_by_role("link", name="Open the answer")).to_have_attribute(
        "target", "_blank"
    )
    page.get_by_role("button", name="Voice").click()
    heard = page.evaluate("aloud.length")

    page.get_by_text("Keypad").first.click()
    page.evaluate(AXE)
    assert broken_rules(page, None) == []
    page.set_viewport_size(NARROW)
    assert broken_rules(page, SEEN) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.set_viewport_size(WIDE)
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_text("The call is over.")).to_be_visible()
    assert page.evaluate("aloud.length") == heard

    page.get_by_label("If it puts you through").select_option("answered")
    page.get_by_role("button", name="Call again").click()
    answer(page, 0)
    page.get_by_role("button", name="1", exact=True).click()
    expect(page.locator(".talk .event")).to_contain_text(["Put through to Sales", "Call ended"])
    page.get_by_role("link", name="Open the page of this call").click()
    page.wait_for_url("**/callsessionpage/show/*")
    expect(page.locator(".meta")).to_contain_text("Put through")
    expect(page.locator(".meta")).to_contain_text("Test")
    assert page.evaluate("violations") == []

    _real, first, second = calls_of(app, shop)
    assert {first.channel, second.channel} == {Channel.TEST}
    assert second.outcome == Outcome.TRANSFERRED
    page.goto("/")
    assert page.locator(".kpi-value").all_inner_texts() == counted
    expect(page.locator("[aria-labelledby=latest] .badge.outline")).to_have_text(["Test", "Test"])


def test_on_a_phone_without_voice_or_microphone_and_who_leaves_hangs_up(
    app: Flask, rows: Rows, shop: models.Tenant, make_page: Callable[..., Page]
) -> None:
    page = make_page(MUTE_AND_DEAF, NARROW)
    log_in(page, rows.user(shop, "Agent").username)
    page.goto("/telephone/")
    page.get_by_label("Number that calls").fill("call me")
    page.get_by_role("button", name="Call", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").last).to_contain_text("Not a telephone number")
    page.get_by_label("Number that calls").fill("")
    page.keyboard.press("Enter")
    answer(page, 0)
    expect(page.get_by_role("button", name="Speak into the microphone")).to_be_hidden()
    expect(page.get_by_role("button", name="Voice")).to_be_hidden()
    page.get_by_role("button", name="Stay silent").press("Enter")
    expect(page.locator(".talk .event")).to_contain_text(["You stay silent"])
    answer(page, 1)
    page.goto("/leads/board")
    for _attempt in range(100):  # the browser tells as it leaves, and waits for nobody
        if calls_of(app, shop)[0].outcome is not None:
            break
        page.wait_for_timeout(100)
    page.goto("/callsessionpage/list/")
    expect(page.get_by_role("cell", name="Hung up")).to_be_visible()
    (call,) = calls_of(app, shop)
    assert (call.caller, call.outcome) == ("anonymous", Outcome.ABANDONED)
