"""A business's own questions, as it writes them: through REST and on the page."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from tests.factories import Rows
from tests.web.speaking import Rest, log_in

LINE = "[quote, estimate] Budget: What budget do you have in mind?"
OTHER = "Party size: How many of you will come?"
# What the form holds besides.
FORM = {
    "greeting": "Good day.", "voice": "Polly.Joanna-Neural", "language": "en-US",
    "after_hours": "answer", "recording": "off", "staff_first_seconds": "20", "max_turns": "40",
    "max_transfers": "2", "intake_fields": "name\nphone\nreason", "forward_after": "5",
    "forward_window": "5", "forward_minutes": "15",
}  # fmt: skip
REFUSED = {
    "How many will come": "has no question",
    "Phone: Which number do you have?": "asked by itself",
    "[] Budget: What budget?": "words with commas",
}


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def config(rows: Rows) -> models.ReceptionistConfig:
    return rows.receptionist(rows.tenant())


@pytest.fixture
def username(rows: Rows, config: models.ReceptionistConfig) -> str:
    tenant: Any = type("Tenant", (), {"id": config.tenant_id})
    return rows.user(tenant).username


@pytest.fixture
def rest(client: FlaskClient, username: str) -> Rest:
    return Rest(client).sign_in(username)


def test_rest_keeps_the_lines_in_order_with_their_spaces_tidied(
    rest: Rest, config: models.ReceptionistConfig
) -> None:
    rest.edit("receptionists", config.id, intake_questions=[LINE.replace(" ", "  "), OTHER])
    assert rest.one("receptionists", config.id)["intake_questions"] == [LINE, OTHER]
    rest.edit("receptionists", config.id, intake_questions=[])
    assert rest.one("receptionists", config.id)["intake_questions"] == []


@pytest.mark.parametrize("line", REFUSED)
def test_rest_says_what_is_wrong_with_a_line_and_keeps_those_before(
    rest: Rest, config: models.ReceptionistConfig, line: str
) -> None:
    rest.edit("receptionists", config.id, intake_questions=[LINE])
    refused = rest.edit("receptionists", config.id, expect=422, intake_questions=[OTHER, line])
    assert REFUSED[line] in str(refused["message"]["intake_questions"])
    assert rest.one("receptionists", config.id)["intake_questions"] == [LINE]


def test_the_page_takes_one_a_line_and_shows_them_again(
    client: FlaskClient, username: str, config: models.ReceptionistConfig
) -> None:
    browser = log_in(client, username)
    path = f"/receptionistconfigpage/edit/{config.id}"
    saved = browser.post_form(path, **FORM, intake_questions=f"{LINE}\n\n{OTHER}\n")
    assert saved.status_code == 302, saved.text
    assert f"{LINE}\n{OTHER}" in browser.get(path).text.replace("\r", "")


@pytest.mark.parametrize("line", REFUSED)
def test_the_page_says_what_is_wrong_and_loses_nothing_typed(
    client: FlaskClient, username: str, config: models.ReceptionistConfig, line: str
) -> None:
    path = f"/receptionistconfigpage/edit/{config.id}"
    page = log_in(client, username).post_form(path, **FORM, intake_questions=f"{OTHER}\n{line}")
    assert page.status_code == 200
    assert REFUSED[line] in page.text
    assert OTHER in page.text
    assert line in page.text
