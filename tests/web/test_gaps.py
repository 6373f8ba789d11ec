"""Questions without an answer: grouped, answered, ignored; and a question that is tried."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.models import GapStatus
from app.tenancy import acting_for
from tests.factories import Rows
from tests.web.conftest import Business, Caller
from tests.web.speaking import Browser, log_in
from tests.web.test_statements import counted


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    return rows.tenant()


@pytest.fixture
def browser(rows: Rows, tenant: models.Tenant, client: FlaskClient) -> Browser:
    return log_in(client, rows.user(tenant, "Agent").username)


def all_of(app: Flask, tenant: models.Tenant, model: type) -> list[Any]:
    with app.app_context(), acting_for(tenant.id):
        found = db.session.query(model).order_by(model.id).all()
        db.session.expunge_all()
        return found


def asked(rows: Rows, tenant: models.Tenant, words: str, **values: Any) -> models.KnowledgeGap:
    found: models.KnowledgeGap = rows.gap(tenant, question=words, folded=words, **values)
    return found


def test_questions_that_ask_the_same_stand_together(
    rows: Rows, tenant: models.Tenant, browser: Browser
):
    call = rows.call(tenant)
    asked(rows, tenant, "do you have vegan options", asked=3)
    asked(rows, tenant, "do you have any vegan food", call_id=call.id)
    asked(rows, tenant, "can I bring my dog", asked=9)
    asked(rows, tenant, "is it closed", status=GapStatus.IGNORED)
    asked(rows, rows.tenant(), "do you have vegan dishes")
    page = browser.get("/unanswered/").text
    assert page.index("can I bring my dog") < page.index("do you have vegan options")
    assert "Asked 4 times" in page
    assert "In 2 wordings" in page
    assert f"/callsessionpage/show/{call.id}" in page
    assert "_flt_0_utterances=do+you+have+vegan+options" in page
    assert "is it closed" not in page
    assert "vegan dishes" not in page


def test_an_answer_closes_every_wording_and_shows_whether_it_is_found(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    often = asked(rows, tenant, "do you have vegan options", asked=3)
    other = asked(rows, tenant, "do you have any vegan food")
    again = asked(rows, tenant, "Do you have vegan options?")
    theirs = asked(rows, rows.tenant(), "do you have vegan dishes")
    ids = f"gap={often.id}&gap={other.id}&gap={again.id}&gap={theirs.id}&gap=x"
    form = browser.get(f"/knowledgeentrypage/add?{ids}").text
    assert 'value="Do you have vegan options"' in form
    assert "Do you have any vegan food</textarea>" in form
    assert "dishes" not in form
    path = f"/knowledgeentrypage/add?{ids}"
    values = {"question": "Do you have vegan options?", "alternates": "Any vegan food?"}
    refused = browser.post_form(path, **values)
    assert refused.status_code == 200
    assert {gap.status for gap in all_of(app, tenant, models.KnowledgeGap)} == {"open"}
    saved = browser.post_form(path, answer="Yes, three dishes are vegan.", status="live", **values)
    assert saved.status_code == 302, saved.text
    (entry,) = all_of(app, tenant, models.KnowledgeEntry)
    assert {(gap.status, gap.entry_id) for gap in all_of(app, tenant, models.KnowledgeGap)} == {
        ("answered", entry.id)
    }
    assert "Do you have vegan options?" in unquote_plus(saved.location)
    tried = browser.get(saved.location).text
    assert "Yes, three dishes are vegan." in tried
    assert f"/knowledgeentrypage/show/{entry.id}" in tried
    (untouched,) = [g for g in all_of_everywhere(app) if g.id == theirs.id]
    assert (untouched.status, untouched.entry_id) == ("open", None)


def all_of_everywhere(app: Flask) -> list[Any]:
    from app.tenancy import across_tenants

    with app.app_context(), across_tenants():
        found = db.session.query(models.KnowledgeGap).all()
        db.session.expunge_all()
        return found


def test_ignored_questions_are_gone_from_the_page(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    mine = asked(rows, tenant, "what is the meaning of life")
    theirs = asked(rows, rows.tenant(), "what is the meaning of death")
    ids = [str(mine.id), str(theirs.id), "nonsense"]
    browser.post_form("/unanswered/ignore", page="/unanswered/", gap=ids)
    assert [gap.status for gap in all_of(app, tenant, models.KnowledgeGap)] == ["ignored"]
    assert [g.status for g in all_of_everywhere(app) if g.id == theirs.id] == ["open"]
    assert "All questions have an answer" in browser.get("/unanswered/").text


def test_who_may_only_read_is_offered_nothing_to_change(
    rows: Rows, tenant: models.Tenant, client: FlaskClient
):
    gap = asked(rows, tenant, "do you have vegan options")
    viewer = log_in(client, rows.user(tenant, "Viewer").username)
    page = viewer.get("/unanswered/").text
    assert "do you have vegan options" in page
    assert "Write the answer" not in page
    viewer.post_form("/unanswered/ignore", page="/resetmypassword/form", gap=str(gap.id))
    assert "do you have vegan options" in viewer.get("/unanswered/").text
    assert viewer.get("/try/?words=vegan+options").status_code == 200


def test_many_questions_take_no_more_statements(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    def statements() -> int:
        with counted(app) as found:
            assert browser.get("/unanswered/").status_code == 200
        return len(found)

    asked(rows, tenant, "do you have vegan options")
    statements()
    few = statements()
    for number in range(30):
        asked(rows, tenant, f"is number {number} any good", call_id=rows.call(tenant).id)
    assert statements() == few


def test_what_was_answered_and_asked_again_is_open_again(
    app: Flask, rows: Rows, business: Business, caller: Caller
):
    words = "do you repair bicycles on the moon"
    for status in (GapStatus.ANSWERED, GapStatus.IGNORED):
        rows.gap(business.tenant, question=f"{words} {status}", folded=f"{words} {status}",
                 status=status)  # fmt: skip
    for status in (GapStatus.ANSWERED, GapStatus.IGNORED):
        call = Caller(app, business)
        call.dial()
        call.say(1, f"{words} {status}")
    found = {gap.folded: gap for gap in caller.all(models.KnowledgeGap)}
    assert found[f"{words} answered"].status == "open"
    assert found[f"{words} answered"].asked == 2
    assert found[f"{words} ignored"].status == "ignored"


# --- A question that is tried ------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "do you offer parking", "are you open tomorrow", "I want to speak to sales",
        "do you sell unicorns and dragons", "what about somewhere to leave the car",
    ],
)  # fmt: skip
def test_what_is_tried_is_what_a_call_says(
    app: Flask, rows: Rows, business: Business, client: FlaskClient, words: str
):
    call = Caller(app, business)
    call.dial()
    call.say(1, words)
    heard = [
        row.text
        for row in call.all(models.Transcript)
        if row.turn == 1 and row.speaker == models.Speaker.RECEPTIONIST
    ]
    assert heard
    browser = log_in(client, rows.user(business.tenant, "Viewer").username)
    page = browser.get("/try/", query_string={"words": words}).text
    from markupsafe import escape

    spoken = page[page.index("data-speak=") :].split('"')[1]
    assert spoken == str(escape(" ".join(heard))), (spoken, heard)


def test_trying_says_what_it_rests_on_and_keeps_nothing(
    app: Flask, rows: Rows, business: Business, client: FlaskClient
):
    browser = log_in(client, rows.user(business.tenant, "Agent").username)
    (entry,) = all_of(app, business.tenant, models.KnowledgeEntry)
    page = browser.get("/try/?words=do+you+offer+parking").text
    assert f"/knowledgeentrypage/show/{entry.id}" in page
    assert "version 1" in page
    assert "% sure" in page
    unknown = browser.get("/try/?words=is+the+moon+made+of+cheese").text
    assert "note it as an unanswered question" in unknown
    assert "question=is+the+moon+made+of+cheese" in unknown
    for kind in (models.KnowledgeGap, models.CallSession, models.Lead, models.Job):
        assert all_of(app, business.tenant, kind) == []


def test_an_answer_that_ends_is_tried_before_and_after(
    rows: Rows, tenant: models.Tenant, browser: Browser
):
    today = datetime.now(UTC).date()
    rows.knowledge(
        tenant, question="Do you have a winter sale?", answer="Yes, all of it is half price.",
        valid_until=today + timedelta(days=3),
    )  # fmt: skip
    for day, is_answered in ((today, True), (today + timedelta(days=5), False)):
        page = browser.get(
            "/try/", query_string={"words": "do you have a winter sale", "day": day.isoformat()}
        ).text
        assert ("half price" in page) is is_answered, day


@pytest.mark.parametrize(
    "arguments",
    [
        {"words": "\0"}, {"words": "x" * 5000}, {"day": "soon"}, {"day": "9999-12-31"},
        {"day": "0001-01-01"}, {"language": "tlh"}, {"words": "<script>alert(1)</script>"},
    ],
)  # fmt: skip
def test_nothing_that_is_tried_breaks_it(browser: Browser, arguments: dict[str, str]):
    answer = browser.get("/try/", query_string={"words": "hours"} | arguments)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


# --- Answers that end --------------------------------------------------------------------------


def test_what_is_over_or_soon_will_be_is_pointed_out(
    rows: Rows, tenant: models.Tenant, browser: Browser
):
    today = datetime.now(UTC).date()

    def entry(question: str, until: date | None) -> None:
        rows.knowledge(tenant, question=question, valid_until=until)

    entry("What was the summer sale?", today - timedelta(days=2))
    entry("What is the winter sale?", today + timedelta(days=5))
    entry("Where will you be?", today + timedelta(days=400))
    entry("Where are you now?", None)
    page = browser.get("/knowledgeentrypage/list/").text
    assert page.count('<span class="badge warn">Expired</span>') == 1
    assert "Ends in" in page
    chips = dict(_chips(page))
    over = browser.get(chips["Expired"]).text
    assert "summer sale" in over
    assert "winter sale" not in over
    assert dict(_chips(over))["Expired"] == "/knowledgeentrypage/list/"  # a second tap takes it off
    soon = browser.get(chips["Ends soon"]).text
    assert "winter sale" in soon
    for other in ("summer sale", "Where will you be", "Where are you now"):
        assert other not in soon


def _chips(page: str) -> list[tuple[str, str]]:
    import html
    import re

    found = re.findall(r'<a class="chip" href="([^"]+)"[^>]*>([^<]+)</a>', page)
    return [(label, html.unescape(url)) for url, label in found]
