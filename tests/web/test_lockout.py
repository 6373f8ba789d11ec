"""Guessing at a user's password locks out whoever guesses, not the user."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import models
from app.extensions import db
from app.tenancy import across_tenants
from app.views import attempts, devices
from tests.factories import PASSWORD, Rows
from tests.web.speaking import Browser

LOGIN = "/api/v1/security/login"
HOME, CAFE, EVE = "198.51.100.7", "203.0.113.9", "192.0.2.66"
MOST = attempts.LOGIN.of_name


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def ada(rows: Rows) -> models.User:
    return rows.user(rows.tenant())


def at(app: Flask, address: str) -> Browser:
    browser = Browser(app, app.response_class, use_cookies=True)
    browser.environ_base["REMOTE_ADDR"] = address
    return browser


def move(browser: Browser, address: str) -> Browser:
    browser.environ_base["REMOTE_ADDR"] = address
    return browser


def enter(browser: Browser, user: models.User, password: str = PASSWORD) -> Any:
    """By page, after whatever it was signed in as."""
    browser.delete_cookie("session")
    return browser.post_form("/login/", username=user.username, password=password)


def ask(app: Flask, user: models.User, address: str, password: str = PASSWORD) -> int:
    """By REST."""
    return (
        app.test_client()
        .post(
            LOGIN,
            json={"username": user.username, "password": password},
            environ_base={"REMOTE_ADDR": address},
        )
        .status_code
    )


def besiege(app: Flask, user: models.User, address: str = EVE) -> None:
    for _ in range(MOST + 1):
        status = ask(app, user, address, "wrong")
    assert status == 429


def is_in(answer: Any) -> bool:
    return answer.status_code == 302 and "/login" not in answer.location


def known(user: models.User) -> str:
    return f"known_{user.id}"


def test_strangers_lock_out_strangers_and_not_a_browser_that_was_in_before(
    app: Flask, ada: models.User
) -> None:
    browser = at(app, HOME)
    assert is_in(enter(browser, ada))
    besiege(app, ada)
    assert enter(at(app, CAFE), ada).status_code == 429  # a browser nobody knows
    assert is_in(enter(move(browser, CAFE), ada))
    assert ask(app, ada, EVE) == 429  # which frees no stranger


def test_scripts_at_a_known_address_are_not_locked_out_either(app: Flask, ada: models.User) -> None:
    assert ask(app, ada, HOME) == 200
    besiege(app, ada)
    assert ask(app, ada, HOME) == 200
    assert ask(app, ada, CAFE) == 429


def test_a_known_browser_may_guess_no_more_than_a_stranger(app: Flask, ada: models.User) -> None:
    browser = at(app, HOME)
    enter(browser, ada)
    for _ in range(MOST):
        assert "/login" in enter(browser, ada, "wrong").location
    assert enter(browser, ada).status_code == 429
    assert enter(move(browser, CAFE), ada).status_code == 429  # it is the browser that is known


def test_a_known_address_may_guess_no_more_than_a_stranger(app: Flask, ada: models.User) -> None:
    ask(app, ada, HOME)
    for _ in range(MOST):
        assert ask(app, ada, HOME, "wrong") == 401
    assert ask(app, ada, HOME) == 429
    assert ask(app, ada, CAFE) == 200


def test_an_address_full_of_guessers_does_not_lock_out_a_known_browser(
    app: Flask, rows: Rows, ada: models.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = attempts.Limit(attempts.LOGIN.ways, 10, 3, attempts.LOGIN.window)
    monkeypatch.setattr(attempts, "LOGIN", few)
    browser = at(app, HOME)
    enter(browser, ada)
    other = rows.user(rows.tenant())
    for _ in range(4):
        ask(app, other, HOME, "wrong")
    assert enter(at(app, HOME), ada).status_code == 429
    assert is_in(enter(browser, ada))


def test_a_mark_is_its_users_its_browsers_and_nobody_elses(
    app: Flask, rows: Rows, ada: models.User
) -> None:
    eve = rows.user(rows.tenant())
    hers = at(app, EVE)
    enter(hers, eve)
    mark = hers.get_cookie(known(eve), path="/login")
    assert mark is not None
    besiege(app, ada)
    for value in (mark.value, mark.value[:-1], "", "x", "[1]"):
        browser = at(app, EVE)
        browser.set_cookie(known(ada), value, path="/login")
        assert enter(browser, ada).status_code == 429, value


def test_a_mark_is_made_by_a_complete_sign_in_and_kept_at_the_next(
    app: Flask, rows: Rows, ada: models.User
) -> None:
    browser = at(app, HOME)
    enter(browser, ada, "wrong")
    assert browser.get_cookie(known(ada), path="/login") is None
    header = next(
        line for line in enter(browser, ada).headers.getlist("Set-Cookie") if "known_" in line
    )
    assert {"HttpOnly", "Path=/login", "SameSite=Lax"} <= set(header.split("; "))
    with app.test_request_context(headers={"Cookie": header.partition(";")[0]}):
        first = devices._mark(ada.id)
    line = next(
        line for line in enter(browser, ada).headers.getlist("Set-Cookie") if "known_" in line
    )
    with app.test_request_context(headers={"Cookie": line.partition(";")[0]}):
        assert devices._mark(ada.id) == first
        assert devices._mark(ada.id + 1) is None
    assert first


def test_a_mark_grows_old(app: Flask, ada: models.User, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = at(app, HOME)
    enter(browser, ada)
    besiege(app, ada)
    monkeypatch.setattr(devices, "LONGEST", -1)
    assert enter(move(browser, CAFE), ada).status_code == 429


def test_whoever_is_in_changes_the_password_while_strangers_guess(
    app: Flask, ada: models.User
) -> None:
    browser = at(app, HOME)
    enter(browser, ada)
    besiege(app, ada, HOME)
    new = "four green pelicans dance"
    answer = browser.post_form(
        "/resetmypassword/form", current_password=PASSWORD, password=new, conf_password=new
    )
    assert answer.status_code == 302
    for _ in range(MOST):
        browser.post_form(
            "/resetmypassword/form", current_password="x", password=new, conf_password=new
        )
    answer = browser.post_form(
        "/resetmypassword/form", current_password=new, password=new, conf_password=new
    )
    assert answer.status_code == 429


def test_tries_keep_no_mark_in_plain(app: Flask, ada: models.User) -> None:
    browser = at(app, HOME)
    enter(browser, ada)
    enter(browser, ada)
    with app.app_context(), across_tenants():
        keys = db.session.scalars(select(models.LoginAttempt.key)).all()
    assert len(set(keys)) == 2
    assert all(len(key) == 32 for key in keys)
