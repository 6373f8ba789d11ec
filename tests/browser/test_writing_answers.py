"""From a question without an answer to the answer that is found; as people do it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.test_screens import AXE, NARROW, SEEN, WATCH, WIDE, broken_rules, log_in
from tests.factories import Rows


@pytest.fixture
def context(chromium: Browser, base_url: str) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=base_url, viewport=WIDE, reduced_motion="reduce")
    context.add_init_script(WATCH)
    yield context
    context.close()


def test_a_question_gets_its_answer_and_is_asked_again(rows: Rows, context: BrowserContext) -> None:
    tenant = rows.tenant()
    hostile = "<img src=x onerror=alert(1)> do you deliver"
    for words in ("do you have vegan options", "do you have any vegan food", hostile):
        rows.gap(tenant, question=words, folded=words)
    page = context.new_page()
    log_in(page, rows.user(tenant, "Agent").username)
    page.get_by_role("link", name="Unanswered questions", exact=True).click()
    page.get_by_role("heading", name=hostile).wait_for()
    page.get_by_text("In 2 wordings").click()
    vegan = page.get_by_role("listitem").filter(has_text="do you have vegan options").first
    vegan.get_by_role("link", name="Write the answer").click()
    assert page.input_value("#alternates") == "Do you have any vegan food"
    page.fill("#answer", "Yes, three of our dishes are vegan.")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Answered", exact=True).wait_for()
    page.locator("blockquote").get_by_text("three of our dishes are vegan").wait_for()
    page.fill("#words", "is there vegan food")
    page.get_by_role("button", name="Try the question").click()
    page.locator("blockquote").get_by_text("three of our dishes are vegan").wait_for()
    page.get_by_role("link", name="Unanswered questions", exact=True).click()
    page.get_by_role("button", name="Ignore").click()
    page.get_by_role("heading", name="All questions have an answer").wait_for()
    assert page.evaluate("violations") == []


def test_a_spreadsheet_is_looked_at_before_it_is_taken(rows: Rows, context: BrowserContext) -> None:
    tenant = rows.tenant()
    rows.knowledge(tenant, question="Do you deliver?", answer="No.")
    page = context.new_page()
    log_in(page, rows.user(tenant, "Agent").username)
    page.goto("/knowledgeentrypage/import")
    sheet = b"question,answer\nDo you deliver?,Yes.\nAre you near?,<b>Very</b>\nToo short\n"
    page.set_input_files("#file", {"name": "k.csv", "mimeType": "text/csv", "buffer": sheet})
    page.get_by_role("button", name="Show what it changes").click()
    page.get_by_role("heading", name="Left out").wait_for()
    page.locator("ins", has_text="Yes.").wait_for()
    page.get_by_text("<b>Very</b>").wait_for()
    page.evaluate(AXE)
    assert broken_rules(page, None) == []
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert broken_rules(page, SEEN) == []
    page.get_by_role("button", name="Import 2 answers").click()
    page.get_by_text("1 answer added, 1 updated.").wait_for()
    assert page.evaluate("violations") == []
