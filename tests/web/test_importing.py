"""Knowledge from a spreadsheet: what is shown is what is taken, and nothing before."""

import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.tenancy import acting_for
from app.views import tables
from tests.factories import Rows
from tests.web.speaking import Browser, log_in
from tests.web.test_statements import counted

PATH = "/knowledgeentrypage/import"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    return rows.tenant()


@pytest.fixture
def browser(rows: Rows, tenant: models.Tenant, client: FlaskClient) -> Browser:
    return log_in(client, rows.user(tenant, "Agent").username)


def entries(app: Flask, tenant: models.Tenant) -> list[Any]:
    with app.app_context(), acting_for(tenant.id):
        found = db.session.query(models.KnowledgeEntry).order_by(models.KnowledgeEntry.id).all()
        db.session.expunge_all()
        return found


def upload(browser: Browser, content: str | bytes) -> Any:
    """As bytes: the test client puts a form of this size into a file."""
    data = content if isinstance(content, bytes) else content.encode()
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(PATH).text)
    assert found
    head = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n'
    parts = [
        head.format("csrf_token", "").encode() + found.group(1).encode(),
        head.format("file", '; filename="k.csv"').encode() + data,
    ]
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    return browser.post(PATH, data=body, content_type="multipart/form-data; boundary=edge")


def sealed(page: Any) -> str:
    found = re.search(r'name="sealed" value="([^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found.group(1))


def confirm(browser: Browser, page: Any) -> Any:
    return browser.post_form(PATH, sealed=sealed(page))


def test_what_was_shown_is_taken(rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser):
    rows.knowledge(tenant, question="Do you  deliver?", answer="No.", category="old")
    rows.knowledge(tenant, question="Is it free?", answer="Yes.")
    theirs = rows.tenant()
    rows.knowledge(theirs, question="Where are you?", answer="Elsewhere.")
    page = upload(
        browser,
        "\ufeffquestion,answer,alternates,status,valid_until\r\n"
        'do you deliver?,Yes.,"Delivery?\nTo my home?",,\r\n'
        "Where are you?,'=Here,,draft,2027-12-31\r\n"
        "Is it free?,Yes.,,,\r\n",
    )
    for said in ("1 new", "1 changed", "1 unchanged", "Import 2 answers", "Line 4", "=Here"):
        assert said in page.text, said
    assert re.search(r"<del>.*No\..*</del>\s*<ins>.*Yes\.", page.text)
    assert [entry.answer for entry in entries(app, tenant)] == ["No.", "Yes."]  # not yet
    assert confirm(browser, page).status_code == 302
    first, free, second = entries(app, tenant)
    assert (first.answer, first.alternates) == ("Yes.", ["Delivery?", "To my home?"])
    assert (first.question, first.category, first.version) == ("do you deliver?", "old", 2)
    assert (second.answer, second.status, str(second.valid_until)) == (
        "=Here", "draft", "2027-12-31",
    )  # fmt: skip
    assert free.version == 1
    assert "1 answer added, 1 updated" in browser.get("/knowledgeentrypage/list/").text
    (untouched,) = entries(app, theirs)
    assert untouched.answer == "Elsewhere."


def test_what_is_exported_changes_nothing(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    rows.knowledge(tenant, question="=Why?", answer="-1", alternates=["+a", "b"], status="draft")
    page = upload(browser, browser.get("/knowledgeentrypage/csv").data)
    assert "1 unchanged" in page.text
    assert "Import " not in page.text.partition('class="save"')[2].partition("</form>")[0]
    (entry,) = entries(app, tenant)
    assert (entry.question, entry.answer, entry.alternates) == ("=Why?", "-1", ["+a", "b"])
    assert (entry.version, entry.status) == (1, "draft")


def test_lines_that_are_wrong_are_left_out_and_say_why(
    app: Flask, tenant: models.Tenant, browser: Browser
):
    page = upload(
        browser,
        "question,answer,status\nQ1,A,live\nQ2,,live\nQ3,A,LIVE\nq1,B,live\n"
        f"Q4,{'x' * 2001},\nQ5,one, two, three\nQ6,A\0B,live\n",
    )
    assert page.status_code == 200
    for number, said in (
        (3, "answer: Is missing"), (4, "status: Must be one of"),
        (5, "It repeats the question of line 2"), (6, "answer: Has 2,001"),
        (7, "not as many cells"), (8, "answer: "),
    ):  # fmt: skip
        after = page.text.partition(f"Line {number}<")[2]
        assert said in after.partition("</li>")[0], (number, said)
    assert "Import 1 answer<" in page.text
    confirm(browser, page)
    assert [entry.question for entry in entries(app, tenant)] == ["Q1"]


def test_what_changed_meanwhile_is_shown_again(
    rows: Rows, app: Flask, tenant: models.Tenant, browser: Browser
):
    entry = rows.knowledge(tenant, question="Q", answer="old")
    page = upload(browser, "question,answer\nQ,from the file\n")
    with app.app_context(), acting_for(tenant.id):
        db.session.get(models.KnowledgeEntry, entry.id).answer = "from a colleague"  # type: ignore[union-attr]
        db.session.commit()
    again = confirm(browser, page)
    assert again.status_code == 200
    assert "changed meanwhile" in again.text
    assert "from a colleague" in again.text
    assert [found.answer for found in entries(app, tenant)] == ["from a colleague"]
    assert confirm(browser, again).status_code == 302
    assert [found.answer for found in entries(app, tenant)] == ["from the file"]


def test_a_second_confirmation_adds_nothing_twice(
    app: Flask, tenant: models.Tenant, browser: Browser
):
    page = upload(browser, "question,answer\nQ,A\n")
    assert confirm(browser, page).status_code == 302
    assert "1 unchanged" in confirm(browser, page).text
    assert len(entries(app, tenant)) == 1


def test_a_preview_is_of_one_business_and_cannot_be_made_up(
    rows: Rows, app: Flask, browser: Browser
):
    page = upload(browser, "question,answer\nQ,A\n")
    stranger = rows.tenant()
    other = log_in(app.test_client(), rows.user(stranger).username)
    for mark in (sealed(page), sealed(page)[:-2] + "xx", "nonsense"):
        answer = other.post_form(PATH, sealed=mark)
        assert "Choose the file again" in answer.text
    assert entries(app, stranger) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("question,answer\né,b".encode("latin-1"), "not UTF-8"),
        (b"", "must name the columns"),
        (b"question\nQ\n", "not found: answer"),
        (b"question,answer,answer\n", "named twice"),
        (b"question,answer,<b>\n", "Not a column: “&lt;b&gt;”"),
        (b"question,answer\n", "no line below"),
        (b'question,answer\n"Q,A\n', "is not CSV"),
        (b"question,answer\n" + b"Q,A\n" * 5001, "more than 5,000 lines"),
        (b"question,answer\nQ," + b"x" * tables.LARGEST_FILE, "larger than 1 MB"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_words(
    browser: Browser, content: bytes, said: str
):
    page = upload(browser, content)
    assert page.status_code == 200
    assert said in page.text


def test_a_large_file_is_shown_in_part_and_taken_whole(
    app: Flask, tenant: models.Tenant, browser: Browser
):
    lines = "".join(f"Question number {n}?,{'Answer ' * 20}{n},\n" for n in range(4000))
    with counted(app) as statements:
        page = upload(browser, f"question,answer,category\n{lines}")
    assert len(statements) < 30
    assert "4000 new" in page.text
    assert "3,800 more" in page.text
    assert len(page.data) < 1_000_000
    assert confirm(browser, page).status_code == 302
    assert len(entries(app, tenant)) == 4000


def test_who_may_only_read_imports_nothing(rows: Rows, tenant: models.Tenant, client: FlaskClient):
    viewer = log_in(client, rows.user(tenant, "Viewer").username)
    assert viewer.get(PATH).status_code == 403
