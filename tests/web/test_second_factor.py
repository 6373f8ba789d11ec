"""Second factors: set up, asked for on both doors, lost, reset, and required."""

import html
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text

from app import codes, models
from app.extensions import db
from app.tenancy import across_tenants
from app.views import admission, attempts, factors, sessions
from tests.factories import PASSWORD, Rows
from tests.web.speaking import Browser, Rest, log_in

LOGIN = "/api/v1/security/login"
OWN = "/second-factor/"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    return rows.tenant()


@pytest.fixture
def ada(rows: Rows, tenant: models.Tenant) -> models.User:
    return rows.user(tenant)


def stranger(app: Flask) -> Browser:
    return Browser(app, app.response_class, use_cookies=True)


def is_in(browser: Any) -> bool:
    return browser.get("/departmentpage/list/").status_code == 200


def secret_on(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found, page
    return found.group(1).replace(" ", "")


def recovery_on(page: str) -> list[str]:
    return re.findall(r"<code>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</code>", page)


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(time.time(), counter_offset=steps)


def with_factor(app: Flask, user: models.User) -> tuple[str, list[str]]:
    """Secret and recovery codes of a second factor set up long ago."""
    secret = codes.new_secret()
    with app.app_context():
        made = factors.enrol(user.id, secret, 0)
    assert made is not None
    return secret, made


def fields_of(page: str) -> dict[str, str]:
    found = re.findall(r'<input[^>]*name="(csrf_token|sealed)"[^>]*value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def set_up(browser: Any, secret: str, page: str, **changes: str) -> Any:
    values = {"code": code_of(secret), "password": PASSWORD} | changes
    return browser.post(OWN, data=fields_of(page) | values)


def first_step(app: Flask, user: models.User, browser: Browser | None = None) -> Browser:
    browser = browser or stranger(app)
    answer = browser.post_form("/login/", username=user.username, password=PASSWORD)
    assert answer.location == "/login/code", answer.text
    return browser


def enter(browser: Browser, code: str) -> Any:
    return browser.post_form("/login/code", code=code)


def rest_login(app: Flask, user: models.User, **values: str) -> Any:
    asked = {"username": user.username, "password": PASSWORD} | values
    return app.test_client().post(LOGIN, json=asked)


def audited(app: Flask, user: models.User) -> list[tuple[str, str]]:
    with app.app_context(), across_tenants():
        found = db.session.execute(
            select(models.AuditLog.action, models.AuditLog.actor)
            .where(
                models.AuditLog.entity == "SecondFactor",
                models.AuditLog.entity_id == user.id,
                models.AuditLog.tenant_id == user.tenant_id,
            )
            .order_by(models.AuditLog.id)
        )
        return [(action, actor) for action, actor in found]


# Setting it up


def test_a_second_factor_is_set_up_with_a_picture_a_code_and_the_password(
    app: Flask, ada: models.User
) -> None:
    here, there = log_in(app.test_client(), ada.username), log_in(app.test_client(), ada.username)
    token = rest_login(app, ada).get_json()["access_token"]
    answer = here.get(OWN)
    assert "no-store" in answer.headers["Cache-Control"]
    assert '<img src="data:image/svg+xml' in answer.text
    assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]
    assert "style=" not in answer.text.partition("<h2>")[2].partition("<footer")[0]
    secret = secret_on(answer.text)
    for wrong in ({"code": "000000"}, {"password": "wrong"}, {"code": ""}, {"sealed": "forged"}):
        page = set_up(here, secret, answer.text, **wrong).text
        assert not recovery_on(page), wrong
    made = recovery_on(set_up(here, secret, answer.text).text)
    assert len(set(made)) == codes.RECOVERY_CODES
    assert is_in(here)
    assert not is_in(there)
    rest = Rest(app.test_client(), {"Authorization": f"Bearer {token}"})
    assert rest.ask("GET", "leads/").status_code == 401
    page = here.get(OWN).text
    assert "left: 10" in page
    assert secret not in page
    assert not recovery_on(page)
    assert audited(app, ada) == [("add", f"user:{ada.username}")]


def test_a_secret_is_good_for_the_sign_in_that_was_shown_it_only(
    app: Flask, ada: models.User
) -> None:
    thief, here = log_in(app.test_client(), ada.username), log_in(app.test_client(), ada.username)
    known = thief.get(OWN).text
    secret = secret_on(known)
    mine = fields_of(here.get(OWN).text)
    answer = here.post(
        OWN,
        data=mine | {
            "sealed": fields_of(known)["sealed"], "code": code_of(secret), "password": PASSWORD,
        },
    )  # fmt: skip
    assert answer.status_code == 302
    with app.app_context():
        assert factors.state_of(ada.id) is None


def test_no_row_holds_a_secret_or_a_recovery_code(app: Flask, ada: models.User) -> None:
    secret, made = with_factor(app, ada)
    with app.app_context(), across_tenants():
        kept = str(db.session.execute(text("select f::text from second_factor f")).all())
        kept += str(db.session.execute(text("select c::text from recovery_code c")).all())
        kept += str(db.session.execute(text("select a::text from audit_log a")).all())
        factor = db.session.scalars(select(models.SecondFactor)).one()
        assert factor.secret == secret
        factor.user_id += 1  # copied to somebody else
        with pytest.raises(ValueError, match="another place"):
            _ = factor.secret
        db.session.rollback()
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in made)


# The login page


def test_the_page_asks_for_a_code_after_the_password_and_nobody_is_in_before(
    app: Flask, ada: models.User
) -> None:
    secret, _ = with_factor(app, ada)
    browser = stranger(app)
    answer = browser.post_form(
        "/login/?next=/leadpage/list/", username=ada.username, password=PASSWORD
    )
    assert answer.location == "/login/code"
    assert browser.get_cookie(f"known_{ada.id}", path="/login") is None
    with browser.session_transaction() as session:
        assert "_user_id" not in session
        assert sessions.SIGN_IN not in session
    for path in ("/", "/departmentpage/list/", "/sign-ins/", OWN, "/resetmypassword/form"):
        assert "/login" in browser.get(path).location, path
    answer = enter(browser, code_of(secret))
    assert answer.location == "/leadpage/list/"
    assert is_in(browser)
    assert browser.get("/login/code").status_code == 302


def test_no_code_page_without_a_password(app: Flask, ada: models.User) -> None:
    with_factor(app, ada)
    browser = stranger(app)
    assert "/login/" in browser.get("/login/code").location
    browser.post_form("/login/", username=ada.username, password="wrong")
    assert "/login/" in browser.get("/login/code").location


def test_a_code_works_once_and_for_both_doors_together(app: Flask, ada: models.User) -> None:
    secret, _ = with_factor(app, ada)
    code = code_of(secret)
    enter(first_step(app, ada), code)
    again = first_step(app, ada)
    assert enter(again, code).status_code == 200
    assert not is_in(again)
    assert rest_login(app, ada, totp=code).status_code == 401
    assert rest_login(app, ada, totp=code_of(secret, 1)).status_code == 200
    assert rest_login(app, ada, totp=code_of(secret, -1)).status_code == 401  # older than that


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_many_with_one_code_at_once_one_gets_in(app: Flask, ada: models.User, kind: str) -> None:
    secret, made = with_factor(app, ada)
    code = code_of(secret) if kind == "app" else made[0]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: rest_login(app, ada, totp=code).status_code, range(4)))
    assert sorted(answers) == [200, 401, 401, 401]


def test_a_recovery_code_works_once(app: Flask, ada: models.User) -> None:
    _, made = with_factor(app, ada)
    browser = first_step(app, ada)
    assert enter(browser, made[0].upper().replace("-", " ")).status_code == 302
    assert is_in(browser)
    assert enter(first_step(app, ada), made[0]).status_code == 200
    assert rest_login(app, ada, totp=made[0]).status_code == 401
    assert rest_login(app, ada, totp=made[1]).status_code == 200
    assert "left: 8" in browser.get(OWN).text
    actions = [action for action, _ in audited(app, ada)]
    assert actions == ["add", "recovery code", "wrong code", "wrong code", "recovery code"]


def test_anothers_codes_are_not_ones_own(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    with_factor(app, ada)
    eve = rows.user(tenant)
    secret, made = with_factor(app, eve)
    assert rest_login(app, ada, totp=code_of(secret)).status_code == 401
    assert rest_login(app, ada, totp=made[0]).status_code == 401
    assert rest_login(app, eve, totp=made[0]).status_code == 200


def test_a_long_way_back_is_not_carried_in_the_cookie(app: Flask, ada: models.User) -> None:
    """Browsers drop cookies over 4 kB, and the code page would never be reached."""
    with_factor(app, ada)
    browser = stranger(app)
    path = f"/login/?next=/leadpage/list/?_flt_0_name={'a' * 5000}"
    answer = browser.post_form(path, username=ada.username, password=PASSWORD)
    assert len(answer.headers["Set-Cookie"]) < 4000
    assert browser.get("/login/code").status_code == 200


@pytest.mark.parametrize("what", ["old", "used", "password", "factor", "out", "forged"])
def test_a_half_sign_in_dies(app: Flask, ada: models.User, what: str) -> None:
    secret, made = with_factor(app, ada)
    browser = first_step(app, ada)
    if what == "old":
        with browser.session_transaction() as session:
            session[admission.HALF]["at"] -= admission.PATIENCE
            session.modified = True
    if what == "forged":
        with browser.session_transaction() as session:
            session[admission.HALF] = {"user_id": ada.id}
    if what == "used":
        copy = stranger(app)
        cookie = browser.get_cookie("session")
        assert cookie is not None
        copy.set_cookie("session", cookie.value)
        assert enter(copy, made[0]).status_code == 302
    if what == "factor":
        with app.app_context():
            factors.remove(ada.id, "reset")
    with app.app_context(), across_tenants():
        user = db.session.get(models.User, ada.id)
        assert user is not None
        if what == "password":
            user.password = "x"
        if what == "out":
            user.active = False
        db.session.commit()
    page = browser.get("/login/code")
    if page.status_code == 200:
        enter(browser, code_of(secret))
    assert not is_in(browser)


# REST


def test_rest_wants_the_code_too_and_does_not_tell_what_was_wrong(
    app: Flask, ada: models.User
) -> None:
    secret, _ = with_factor(app, ada)
    tries = [{}, {"totp": "000000"}, {"password": "wrong", "totp": code_of(secret)},
             {"username": "nobody"}, {"totp": "x" * 40}]  # fmt: skip
    answers = {(a.status_code, a.text) for a in (rest_login(app, ada, **one) for one in tries)}
    assert len(answers) == 1
    status, body = answers.pop()
    assert status == 401
    assert "totp" in body
    assert rest_login(app, ada, totp="x" * 41).status_code == 400
    answer = rest_login(app, ada, totp=code_of(secret))
    assert answer.status_code == 200
    rest = Rest(app.test_client(), {"Authorization": f"Bearer {answer.get_json()['access_token']}"})
    assert rest.ask("GET", "leads/").status_code == 200


def test_api_keys_need_no_second_factor(make_app: Any, rows: Rows, tenant: models.Tenant) -> None:
    app = make_app(require_totp="all")
    import hashlib

    rows.api_key(tenant, key_hash=hashlib.sha256(b"rk_plain").hexdigest(), scopes=["read"])
    script = Rest(app.test_client(), {"Authorization": "Bearer rk_plain"})
    assert script.ask("GET", "leads/").status_code == 200


# Limits


def test_codes_are_counted_with_passwords(app: Flask, ada: models.User) -> None:
    secret, _ = with_factor(app, ada)
    browser = first_step(app, ada)
    for _ in range(attempts.LOGIN.of_name - 1):  # the password was one
        assert enter(browser, "000000").status_code == 200
    answer = enter(browser, code_of(secret))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert rest_login(app, ada, totp=code_of(secret)).status_code == 429
    assert not is_in(browser)


def test_codes_after_the_right_password_are_few_a_day(app: Flask, ada: models.User) -> None:
    secret, made = with_factor(app, ada)
    for number in range(attempts.CODES.of_name):
        if number % 5 == 0:  # a quarter of an hour goes by
            _age(app, "15 minutes")
        assert rest_login(app, ada, totp="000000").status_code == 401
    _age(app, "1 hour")
    for code in (code_of(secret), made[0]):
        answer = rest_login(app, ada, totp=code)
        assert answer.status_code == 429
        assert "hours" in answer.text
    _age(app, "1 day")
    assert rest_login(app, ada, totp=made[0]).status_code == 200


def _age(app: Flask, by: str) -> None:
    with app.app_context(), across_tenants():
        db.session.execute(text(f"update login_attempt set at = at - interval '{by}'"))
        db.session.commit()


# Renewing, switching off, being reset


def test_new_recovery_codes_void_the_old_ones(app: Flask, ada: models.User) -> None:
    _, made = with_factor(app, ada)
    browser = first_step(app, ada)
    enter(browser, made[0])
    renew = f"{OWN}recovery-codes"
    assert not recovery_on(browser.post_form(renew, page=OWN, proof="wrong").text)
    new = recovery_on(browser.post_form(renew, page=OWN, proof=PASSWORD).text)
    assert len(new) == codes.RECOVERY_CODES
    assert is_in(browser)
    assert rest_login(app, ada, totp=made[1]).status_code == 401
    assert rest_login(app, ada, totp=new[0]).status_code == 200


@pytest.mark.parametrize("proof", ["password", "code", "recovery"])
def test_it_is_switched_off_with_the_password_or_a_code(
    app: Flask, ada: models.User, proof: str
) -> None:
    secret, made = with_factor(app, ada)
    browser = first_step(app, ada)
    enter(browser, made[0])
    other = first_step(app, ada)
    enter(other, made[1])
    off = f"{OWN}off"
    for wrong in ("", "wrong", made[0]):
        browser.post_form(off, page=OWN, proof=wrong)
        assert rest_login(app, ada).status_code == 401
    right = {"password": PASSWORD, "code": code_of(secret), "recovery": made[2]}[proof]
    assert browser.post_form(off, page=OWN, proof=right).status_code == 302
    assert is_in(browser)
    assert not is_in(other)
    assert rest_login(app, ada).status_code == 200
    assert audited(app, ada)[-1] == ("delete", f"user:{ada.username}")


def test_an_admin_resets_the_second_factor_of_who_may_be_managed(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    colleague, root = rows.user(tenant, "Agent"), rows.super_admin()
    foreign = rows.user(rows.tenant())
    for user in (colleague, root, foreign):
        with_factor(app, user)
    rest = Rest(app.test_client()).sign_in(ada.username)
    shown = {row["username"]: row["second_factor"] for row in rest.rows("users")}
    assert shown == {ada.username: False, colleague.username: True}
    for user, expected in ((foreign, 404), (root, 404), (ada, 422), (colleague, 200)):
        answer = rest.ask("POST", f"users/{user.id}/reset-totp")
        assert answer.status_code == expected, answer.text
    assert rest.ask("POST", f"users/{colleague.id}/reset-totp").status_code == 422  # has none
    assert rest_login(app, colleague).status_code == 200
    for user in (root, foreign):
        assert rest_login(app, user).status_code == 401
    assert audited(app, colleague)[-1] == ("reset", f"user:{ada.username}")
    for role in ("Agent", "Viewer"):
        other = Rest(app.test_client()).sign_in(rows.user(tenant, role).username)
        assert other.ask("POST", f"users/{ada.id}/reset-totp").status_code == 403


def test_a_reset_by_the_page_ends_sign_ins_and_spares_the_own_account(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    colleague = rows.user(tenant)
    _, made = with_factor(app, colleague)
    theirs = first_step(app, colleague)
    enter(theirs, made[0])
    assert is_in(theirs)
    _, own = with_factor(app, ada)
    browser = first_step(app, ada)
    enter(browser, own[0])
    browser.post_form(
        "/userpage/action_post", page="/userpage/list/",
        action="reset_factor", rowid=[str(colleague.id), str(ada.id)],
    )  # fmt: skip
    assert not is_in(theirs)
    assert rest_login(app, colleague).status_code == 200
    assert rest_login(app, ada).status_code == 401


def test_super_admins_help_each_other_without_acting_for_anybody(app: Flask, rows: Rows) -> None:
    one, other = rows.super_admin(), rows.super_admin()
    with_factor(app, other)
    rest = Rest(app.test_client()).sign_in(one.username)
    assert rest.ask("POST", f"users/{other.id}/reset-totp").status_code == 200
    assert rest_login(app, other).status_code == 200


# Required


@pytest.mark.parametrize(
    ("required", "role", "led"),
    [
        ("none", "Tenant Admin", False), ("admins", "Tenant Admin", True),
        ("admins", "Agent", False), ("all", "Agent", True), ("admins", "Super Admin", True),
    ],
)  # fmt: skip
def test_who_must_have_a_second_factor_is_led_to_it_and_does_nothing_else(
    make_app: Any, rows: Rows, tenant: models.Tenant, required: str, role: str, led: bool
) -> None:
    app = make_app(require_totp=required)
    user = rows.super_admin() if role == "Super Admin" else rows.user(tenant, role)
    browser = log_in(app.test_client(), user.username)
    answer = rest_login(app, user)
    if not led:
        assert browser.get("/leadpage/list/").status_code == 200
        assert answer.status_code == 200
        return
    assert answer.status_code == 403
    assert "second factor" in answer.text
    for path in ("/", "/leadpage/list/", "/sign-ins/", "/resetmypassword/form", "/act-as/"):
        assert browser.get(path).location == OWN, path
    for path in ("/api/v1/_openapi", "/swagger/v1"):
        assert browser.get(path).status_code in (302, 403), path
    page = browser.get(OWN).text
    assert recovery_on(set_up(browser, secret_on(page), page).text)
    assert browser.get("/leadpage/list/").status_code == 200
    browser.post_form(f"{OWN}off", page=OWN, proof=PASSWORD)
    assert "cannot be switched off" in browser.get(OWN).text


def test_tokens_from_before_it_was_required_stop(
    app: Flask, make_app: Any, ada: models.User
) -> None:
    asked = {"username": ada.username, "password": PASSWORD, "refresh": True}
    tokens = app.test_client().post(LOGIN, json=asked).get_json()
    strict = make_app(require_totp="admins")

    def ask(method: str, path: str, token: str) -> Any:
        return Rest(strict.test_client(), {"Authorization": f"Bearer {token}"}).ask(method, path)

    assert ask("GET", "leads/", tokens["access_token"]).status_code == 403
    assert ask("POST", "security/refresh", tokens["refresh_token"]).status_code == 403
    secret, _ = with_factor(app, ada)
    token = rest_login(strict, ada, totp=code_of(secret)).get_json()["access_token"]
    assert ask("GET", "leads/", token).status_code == 200


def test_who_was_reset_must_set_it_up_again(
    make_app: Any, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    app = make_app(require_totp="all")
    with_factor(app, ada)
    with app.app_context():
        factors.remove(ada.id, "reset")
    browser = log_in(app.test_client(), ada.username)
    assert browser.get("/leadpage/list/").location == OWN
    browser.post_form("/logout/", page=OWN)
    assert "/login" in browser.get(OWN).location
