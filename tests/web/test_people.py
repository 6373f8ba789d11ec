"""People: sessions that end, attempts that are counted, links by mail, and who manages whom."""

import re
from email import message_from_bytes, policy
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app import codes, models
from app.extensions import db
from app.jobs import running
from app.tenancy import across_tenants, acting_for
from app.views import attempts, factors, sessions
from tests.conftest import Services
from tests.factories import PASSWORD, Rows
from tests.web.speaking import Browser, Rest, log_in

NEW = "four green pelicans dance"
LOGIN = "/api/v1/security/login"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    return rows.tenant()


@pytest.fixture
def ada(rows: Rows, tenant: models.Tenant) -> models.User:
    """The tenant's admin."""
    return rows.user(tenant)


def stranger(app: Flask) -> Browser:
    return Browser(app, app.response_class, use_cookies=True)


def copied(browser: Browser) -> Browser:
    """Somebody else with a copy of the cookie."""
    other = stranger(browser.application)
    cookie = browser.get_cookie("session")
    assert cookie is not None
    other.set_cookie("session", cookie.value)
    return other


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/leadpage/list/").status_code == 200


def try_page(app: Flask, name: str, password: str) -> Any:
    return stranger(app).post_form("/login/", username=name, password=password)


def try_rest(app: Flask, name: str, password: str, address: str = "127.0.0.1") -> Any:
    return app.test_client().post(
        LOGIN,
        json={"username": name, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


def change(app: Flask, user: models.User, **values: Any) -> None:
    with app.app_context(), across_tenants():
        found = db.session.get(models.User, user.id)
        for name, value in values.items():
            setattr(found, name, value)
        db.session.commit()


# Sessions


def test_a_copied_cookie_dies_with_the_logout_and_other_sign_ins_live(
    app: Flask, ada: models.User
) -> None:
    browser, other = (
        log_in(app.test_client(), ada.username),
        log_in(app.test_client(), ada.username),
    )
    thief = copied(browser)
    assert is_in(thief)
    browser.post_form("/logout/")
    assert not is_in(browser)
    assert not is_in(thief)
    assert is_in(other)


def test_signing_out_takes_a_form_of_ours(app: Flask, ada: models.User) -> None:
    """Or else any page could end it with a picture, and any form with a button."""
    browser = log_in(app.test_client(), ada.username)
    page = browser.get("/logout/")
    assert page.status_code == 200
    assert 'method="post"' in page.text
    assert browser.post("/logout/").status_code == 400
    assert browser.post("/logout/", data={"csrf_token": "guessed"}).status_code == 400
    assert is_in(browser)
    assert 'action="/logout/"' in browser.get("/").text
    assert browser.post_form("/logout/", page="/").status_code == 302
    assert not is_in(browser)
    assert browser.get("/logout/").status_code == 302


@pytest.mark.parametrize(
    "change_of",
    [{"password": "x"}, {"active": False}, {"roles": "Viewer"}, {"roles": None}],
    ids=str,
)
def test_sessions_and_tokens_die_when_their_user_changes(
    app: Flask, rows: Rows, ada: models.User, change_of: dict[str, Any]
) -> None:
    browser = log_in(app.test_client(), ada.username)
    tokens = try_rest_tokens(app, ada)
    rest, renewing = bearer(app, tokens["access_token"]), bearer(app, tokens["refresh_token"])
    assert is_in(browser)
    assert rest.ask("GET", "leads/").status_code == 200
    assert renewing.ask("POST", "security/refresh").status_code == 200
    with app.app_context(), across_tenants():
        if "roles" in change_of:
            role = select(models.Role).where(models.Role.name == change_of["roles"])
            change_of = {"roles": list(db.session.scalars(role))}
            user = db.session.get(models.User, ada.id)
            user.roles = change_of["roles"]
        else:  # not even past the ORM
            where = update(models.User.__table__).where(models.User.id == ada.id)
            db.session.execute(where.values(change_of))
        db.session.commit()
    assert not is_in(browser)
    assert rest.ask("GET", "leads/").status_code == 401
    assert renewing.ask("POST", "security/refresh").status_code == 401


def try_rest_tokens(app: Flask, user: models.User) -> dict[str, str]:
    asked = {"username": user.username, "password": PASSWORD, "provider": "db", "refresh": True}
    answer = app.test_client().post(LOGIN, json=asked)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def bearer(app: Flask, token: str) -> Rest:
    return Rest(app.test_client(), {"Authorization": f"Bearer {token}"})


def test_a_refreshed_token_works_and_dies_with_its_sign_in(app: Flask, ada: models.User) -> None:
    tokens = try_rest_tokens(app, ada)
    renewing = bearer(app, tokens["refresh_token"])
    renewed = renewing.ask("POST", "security/refresh").get_json()["access_token"]
    assert bearer(app, renewed).ask("GET", "leads/").status_code == 200
    browser = log_in(app.test_client(), ada.username)
    ends = re.findall(r"/sign-ins/\d+/end", browser.get("/sign-ins/").text)
    assert len(ends) == 1
    browser.post_form(ends[0], page="/sign-ins/")
    assert bearer(app, renewed).ask("GET", "leads/").status_code == 401
    assert renewing.ask("POST", "security/refresh").status_code == 401


@pytest.mark.parametrize(
    ("name", "age", "stays"),
    [
        (sessions.SEEN, sessions.IDLE - 60, True),
        (sessions.SEEN, sessions.IDLE + 60, False),
        (sessions.BEGAN, sessions.LONGEST - 60, True),
        (sessions.BEGAN, sessions.LONGEST + 60, False),
    ],
)
def test_a_session_ends_when_idle_or_old(
    app: Flask, ada: models.User, name: str, age: int, stays: bool
) -> None:
    browser = log_in(app.test_client(), ada.username)
    with browser.session_transaction() as session:
        began = session[name]
        session[name] = began - age
    assert is_in(browser) == stays
    if name == sessions.SEEN and stays:
        with browser.session_transaction() as session:
            assert session[sessions.SEEN] >= began


def test_a_session_without_its_marks_is_none(app: Flask, ada: models.User) -> None:
    for mark in (sessions.EPOCH, sessions.SIGN_IN, sessions.BEGAN, sessions.SEEN):
        browser = log_in(app.test_client(), ada.username)
        with browser.session_transaction() as session:
            del session[mark]
        assert not is_in(browser), mark


def test_signing_in_keeps_nothing_of_the_session_before(app: Flask, ada: models.User) -> None:
    browser = stranger(app)
    browser.get("/login/")
    with browser.session_transaction() as session:
        session["planted"] = session["acting_tenant"] = 1
    browser.post_form("/login/", username=ada.username, password=PASSWORD)
    with browser.session_transaction() as session:
        assert "planted" not in session
        assert "acting_tenant" not in session


def test_people_see_and_end_their_own_sign_ins_only(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    colleague = log_in(app.test_client(), rows.user(tenant).username)
    here, there = log_in(app.test_client(), ada.username), log_in(app.test_client(), ada.username)
    token = try_rest_tokens(app, ada)["access_token"]
    page = here.get("/sign-ins/").text
    assert "127.0.0.1" in page
    assert "REST" in page
    assert page.count('/end"') == 2
    with colleague.session_transaction() as session:
        not_ours = session[sessions.SIGN_IN]
    assert here.post_form(f"/sign-ins/{not_ours}/end", page="/sign-ins/").status_code == 404
    here.post_form("/sign-ins/end-others", page="/sign-ins/")
    assert is_in(here)
    assert not is_in(there)
    assert bearer(app, token).ask("GET", "leads/").status_code == 401
    assert is_in(colleague)
    assert "/login" in stranger(app).get("/sign-ins/").location


def test_changing_the_password_asks_for_the_old_one_and_ends_other_sign_ins(
    app: Flask, ada: models.User
) -> None:
    here, there = log_in(app.test_client(), ada.username), log_in(app.test_client(), ada.username)

    def ask(current: str, new: str) -> Any:
        return here.post_form(
            "/resetmypassword/form", current_password=current, password=new, conf_password=new
        )

    assert "not your password" in ask("wrong", NEW).text
    assert "easy to guess" in ask(PASSWORD, "password12345").text
    assert "made of" in ask(PASSWORD, f"{ada.email}").text
    assert is_in(there)
    assert ask(PASSWORD, NEW).status_code == 302
    assert is_in(here)
    assert not is_in(there)
    assert try_rest(app, ada.username, NEW).status_code == 200


# Limits


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("attempt", [try_page, try_rest])
def test_guessing_at_one_name_is_stopped_on_both_doors(
    app: Flask, ada: models.User, attempt: Any, known: bool
) -> None:
    name = ada.username if known else "nobody"
    for _ in range(attempts.LOGIN.of_name):
        assert attempt(app, name, "wrong").status_code in (302, 401)
    for door in (try_page, try_rest):
        answer = door(app, name.upper(), PASSWORD)
        assert answer.status_code == 429, answer.text
        assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60 + 1
        assert "Too many attempts" in answer.text


def test_a_name_is_unlocked_by_time_and_refused_tries_do_not_prolong_it(
    app: Flask, ada: models.User
) -> None:
    for _ in range(attempts.LOGIN.of_name + 3):
        try_rest(app, ada.username, "wrong")
    assert try_rest(app, ada.username, PASSWORD).status_code == 429
    with app.app_context(), across_tenants():
        db.session.execute(
            text(
                "update login_attempt set at = at - interval '15 minutes' where outcome = 'failed'"
            )
        )
        db.session.commit()
    assert try_rest(app, ada.username, PASSWORD).status_code == 200


def test_a_sign_in_that_passes_forgives_those_before(app: Flask, ada: models.User) -> None:
    for _ in range(2):
        for _ in range(attempts.LOGIN.of_name - 1):
            assert try_rest(app, ada.username, "wrong").status_code == 401
        assert try_rest(app, ada.username, PASSWORD).status_code == 200


def test_guessing_at_many_names_from_one_address_is_stopped(
    app: Flask, rows: Rows, ada: models.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        attempts, "LOGIN", attempts.Limit((models.Way.PAGE, models.Way.API), 10, 5,
                                          attempts.LOGIN.window),
    )  # fmt: skip
    for number in range(5):
        address = f"2001:db8::{number}"  # one customer's
        assert try_rest(app, f"guess{number}", "wrong", address).status_code == 401
    assert try_rest(app, ada.username, PASSWORD, "2001:db8::99").status_code == 429
    assert try_rest(app, ada.username, PASSWORD, "2001:db8:1::99").status_code == 200


def test_errors_of_sign_in_do_not_tell_what_was_wrong(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    out, invited = rows.user(tenant, active=False), rows.user(tenant, password=None)
    tries = [
        (ada.username, "wrong"), ("nobody", PASSWORD), (out.username, PASSWORD),
        (invited.username, PASSWORD), ("a\0b", PASSWORD), ("a\ud800", "b\ud800"),
        ("x" * 5000, "y" * 5000),
    ]  # fmt: skip
    answers = {(a.status_code, a.text) for a in (try_rest(app, *one) for one in tries)}
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401
    for name, password in tries[:4]:
        answer = try_page(app, name, password)
        assert answer.status_code == 302


def test_malformed_logins_are_refused(app: Flask) -> None:
    client = app.test_client()
    for body in (None, [], {"username": "a"}, {"username": 1, "password": []}, {"provider": "x"}):
        assert client.post(LOGIN, json=body).status_code == 400, body
    assert client.post(LOGIN, data="x").status_code == 400


# Links by mail


def mails(app: Flask) -> dict[str, str]:
    """Runs the outbox; text of the newest mail to each address."""
    with app.app_context():
        running.run_due()
    folder = app.extensions["settings"].data_dir / "mail"
    found = {}
    for path in sorted(folder.glob("*.eml"), key=lambda one: one.stat().st_mtime):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        found[str(message["To"])] = body.get_content()
        path.unlink()
    return found


def link_in(mail: str) -> str:
    found = re.search(r"/password/set/\S+", mail)
    assert found, mail
    return found.group()


def ask_for_link(app: Flask, name: str) -> Any:
    return stranger(app).post_form("/password/forgot", name=name)


def set_by(app: Flask, link: str, password: str) -> Any:
    browser = stranger(app)
    return browser.post_form(link, password=password, conf_password=password)


def is_dead(app: Flask, link: str) -> bool:
    return stranger(app).get(link).status_code == 302


def test_a_forgotten_password_is_chosen_anew_by_a_link_that_works_once(
    app: Flask, ada: models.User
) -> None:
    browser = log_in(app.test_client(), ada.username)
    known, unknown = ask_for_link(app, ada.email.upper()), ask_for_link(app, "nobody@example.com")
    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
    sent = mails(app)
    assert set(sent) == {ada.email}
    link = link_in(sent[ada.email])
    assert stranger(app).get(link).status_code == 200  # looking does not use it up
    assert "easy to guess" in set_by(app, link, "password12345").text
    assert set_by(app, link, NEW).status_code == 302
    assert try_rest(app, ada.username, NEW).status_code == 200
    assert try_rest(app, ada.username, PASSWORD).status_code == 401
    assert not is_in(browser)
    assert is_dead(app, link)


def test_links_die_when_used_old_moved_or_out(app: Flask, ada: models.User) -> None:
    ask_for_link(app, ada.username)
    first = link_in(mails(app)[ada.email])
    ask_for_link(app, ada.username)
    second = link_in(mails(app)[ada.email])
    change(app, ada, email="new@example.com")
    assert is_dead(app, first)
    change(app, ada, email=ada.email, active=False)
    assert is_dead(app, first)
    change(app, ada, active=True)
    assert not is_dead(app, first)
    assert set_by(app, first, NEW).status_code == 302
    assert is_dead(app, second)
    ask_for_link(app, ada.username)
    third = link_in(mails(app)[ada.email])
    with app.app_context(), across_tenants():
        db.session.execute(text("update user_token set expires_at = now()"))
        db.session.commit()
    assert is_dead(app, third)
    assert is_dead(app, "/password/set/guessed")


def test_asking_for_links_is_limited(app: Flask, ada: models.User) -> None:
    for _ in range(attempts.RESET.of_name):
        assert ask_for_link(app, ada.email).status_code == 302
    refused = ask_for_link(app, ada.email)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert try_rest(app, ada.username, PASSWORD).status_code == 200


def test_no_row_holds_a_link(app: Flask, rows: Rows, ada: models.User, services: Services) -> None:
    rest = Rest(app.test_client()).sign_in(ada.username)
    made = rest.add("users", **BOB)
    ask_for_link(app, ada.email)
    tokens = [link_in(mail).rpartition("/")[2] for mail in mails(app).values()]
    assert len(tokens) == 2
    with app.app_context(), across_tenants():
        kept = str(db.session.execute(text("select job::text from job")).all())
        kept += str(db.session.execute(text("select user_token::text from user_token")).all())
    assert str(made["id"]) in kept
    assert not any(token in kept for token in tokens)


def test_cleanup_removes_old_attempts_and_links(app: Flask, ada: models.User) -> None:
    from app.jobs.upkeep import cleanup

    try_rest(app, ada.username, "wrong")
    try_rest(app, ada.username, PASSWORD)
    ask_for_link(app, ada.email)
    mails(app)
    with app.app_context(), across_tenants():
        db.session.execute(text("update login_attempt set at = at - interval '3 days'"))
        db.session.execute(text("update user_token set expires_at = now() - interval '1 s'"))
        db.session.commit()
        done = cleanup(None)  # type: ignore[arg-type]
        assert (done["login_attempts"], done["user_tokens"]) == (2, 1)
        left = db.session.scalars(select(models.LoginAttempt.outcome)).all()
        assert left == [models.AttemptOutcome.PASSED]


# Who manages whom

BOB = {
    "username": "bob", "email": "bob@example.org", "first_name": "Bob", "last_name": "B",
    "role": "Agent",
}  # fmt: skip


def test_a_tenants_admin_invites_people_who_then_sign_in(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    rows.receptionist(tenant, language="es-US")
    rest = Rest(app.test_client()).sign_in(ada.username)
    made = rest.add("users", **BOB)["result"]
    assert (made["tenant"], made["role"]) == (tenant.id, "Agent")
    assert try_rest(app, "bob", "").status_code == 400
    mail = mails(app)["bob@example.org"]
    assert "invitaron" in mail
    assert tenant.name in mail
    assert set_by(app, link_in(mail), NEW).status_code == 302
    assert try_rest(app, "bob", NEW).status_code == 200


def test_a_tenants_admin_invites_by_the_page(app: Flask, ada: models.User) -> None:
    browser = log_in(app.test_client(), ada.username)
    assert "People" in browser.get("/").text
    answer = browser.post_form("/userpage/add", active="y", **BOB)
    assert answer.status_code == 302, answer.text
    assert "bob" in browser.get("/userpage/list/").text
    assert "bob@example.org" in mails(app)
    super_role = BOB | {"username": "eve", "email": "eve@example.org", "role": "Super Admin"}
    browser.post_form("/userpage/add", active="y", **super_role)
    assert "eve@example.org" not in browser.get("/userpage/list/").text


def invited(app: Flask, admin: models.User) -> tuple[Rest, int, str]:
    """By whom, who, and the link."""
    rest = Rest(app.test_client()).sign_in(admin.username)
    made = rest.add("users", **BOB)
    return rest, made["id"], link_in(mails(app)["bob@example.org"])


def test_an_invitation_is_sent_again_and_its_former_link_dies_at_once(
    app: Flask, ada: models.User
) -> None:
    rest, bob, first = invited(app, ada)
    assert not is_dead(app, first)
    assert rest.ask("POST", f"users/{bob}/invite").status_code == 200
    assert is_dead(app, first)
    second = link_in(mails(app)["bob@example.org"])
    browser = log_in(app.test_client(), ada.username)
    browser.post_form(
        "/userpage/action_post", page="/userpage/list/", action="invite", rowid=[str(bob)]
    )
    third = link_in(mails(app)["bob@example.org"])
    assert is_dead(app, second)
    assert set_by(app, third, NEW).status_code == 302
    assert try_rest(app, "bob", NEW).status_code == 200
    answer = rest.ask("POST", f"users/{bob}/invite")
    assert answer.status_code == 422
    assert "has a password already" in answer.text
    assert mails(app) == {}


def test_of_two_invitations_on_their_way_the_later_is_good(app: Flask, ada: models.User) -> None:
    rest = Rest(app.test_client()).sign_in(ada.username)
    bob = rest.add("users", **BOB)["id"]
    assert rest.ask("POST", f"users/{bob}/invite").status_code == 200
    with app.app_context():
        running.run_due()
    folder = app.extensions["settings"].data_dir / "mail"
    bodies = [message_from_bytes(p.read_bytes(), policy=policy.default) for p in folder.iterdir()]
    links = [link_in(str(m.get_body(("plain",)).get_content())) for m in bodies]
    assert len(links) == 2
    assert sorted(is_dead(app, link) for link in links) == [False, True]


def test_invitations_are_sent_again_a_few_times_only(app: Flask, ada: models.User) -> None:
    rest, bob, _ = invited(app, ada)
    for _ in range(attempts.INVITE.of_name):
        assert rest.ask("POST", f"users/{bob}/invite").status_code == 200
    answer = rest.ask("POST", f"users/{bob}/invite")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    newest = link_in(mails(app)["bob@example.org"])
    browser = log_in(app.test_client(), ada.username)
    browser.post_form(
        "/userpage/action_post", page="/userpage/list/", action="invite", rowid=[str(bob)]
    )
    assert "Too many" in browser.get("/userpage/list/").text
    assert mails(app) == {}
    assert not is_dead(app, newest)


def test_only_who_may_manage_somebody_invites_again(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    _, bob, link = invited(app, ada)
    foreign = rows.user(rows.tenant())
    agent = rows.user(tenant, "Agent")
    for user, expected in ((foreign, 404), (agent, 403)):
        rest = Rest(app.test_client()).sign_in(user.username)
        assert rest.ask("POST", f"users/{bob}/invite").status_code == expected
        browser = log_in(app.test_client(), user.username)
        with browser.session_transaction() as session:
            assert session
        browser.post_form("/userpage/action_post", page="/", action="invite", rowid=[str(bob)])
    assert mails(app) == {}
    assert not is_dead(app, link)
    out = rows.user(tenant, password=None, active=False)
    rest = Rest(app.test_client()).sign_in(ada.username)
    assert "not active" in rest.ask("POST", f"users/{out.id}/invite").text
    root = Rest(app.test_client()).sign_in(rows.super_admin().username)
    assert root.ask("POST", f"users/{bob}/invite").status_code == 200
    assert "bob@example.org" in mails(app)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"role": "Super Admin"}, "role"),
        ({"role": "Public"}, "role"),
        ({"password": NEW}, "password"),
        ({"tenant": 1}, "tenant"),
        ({"roles": [1]}, "roles"),
        ({"tenant_id": None}, "tenant_id"),
        ({"session_epoch": 7}, "session_epoch"),
        ({"chosen_password": NEW}, "chosen_password"),
        ({"groups": [1]}, "groups"),
        ({"second_factor": True}, "second_factor"),
        ({"id": 1}, "id"),
    ],
)
def test_a_tenants_admin_gives_no_more_than_a_tenants_role(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User,
    values: dict[str, Any], field: str,
) -> None:  # fmt: skip
    rest = Rest(app.test_client()).sign_in(ada.username)
    colleague = rows.user(tenant, "Viewer")
    before = rest.one("users", colleague.id)
    assert field in rest.add("users", expect=422, **(BOB | values))["message"]
    assert field in rest.edit("users", colleague.id, expect=422, **values)["message"]
    assert rest.one("users", colleague.id) == before
    assert len(rest.rows("users")) == 2


def test_no_address_of_a_form_fills_what_the_form_does_not_have(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User, services: Services
) -> None:
    """Flask-AppBuilder takes hidden columns from `_flt_…`, and forms from whatever is posted."""
    other, viewer = rows.tenant(), rows.user(tenant, "Viewer")
    browser = log_in(app.test_client(), ada.username)
    hidden: dict[str, Any] = {
        "roles": 1, "groups": 1, "tenant": other.id, "tenant_id": other.id, "session_epoch": 99,
        "second_factor": "y", "login_count": 99, "id": 1,
    }  # fmt: skip
    filters = "&".join(f"_flt_0_{name}={value}" for name, value in hidden.items())
    browser.post_form(f"/userpage/add?{filters}", **(hidden | BOB | {"active": "y"}))
    edited = BOB | {"username": viewer.username, "email": viewer.email, "role": "Viewer"}
    path = f"/userpage/edit/{viewer.id}?{filters}"
    browser.post_form(path, **(hidden | edited | {"active": "y"}))
    with app.app_context(), across_tenants():
        for user in db.session.scalars(select(models.User).where(models.User.id != ada.id)):
            assert user.tenant_id == tenant.id
            assert [role.name for role in user.roles] in (["Agent"], ["Viewer"])
            assert not user.groups
            assert not user.second_factor
            assert user.session_epoch < 99
            assert (user.login_count or 0) < 99


@pytest.mark.parametrize("name", ["root@corp.example", "ROOT@CORP.EXAMPLE", "Chief", "CHIEF"])
def test_nobody_gets_a_name_that_another_signs_in_by(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User, name: str
) -> None:
    """Or a tenant's user could stand where a super admin is looked up."""
    root = rows.super_admin(username="Chief", email="root@corp.example")
    rest = Rest(app.test_client()).sign_in(ada.username)
    wrong = {"username": name}
    if "@" in name:
        assert "cannot be used" in str(rest.add("users", expect=422, **(BOB | {"email": name})))
    message = rest.add("users", expect=422, **(BOB | wrong))["message"]
    assert message == {"username": ["This value cannot be used."]}
    bob = rest.add("users", **BOB)["id"]
    rest.edit("users", bob, expect=422, **wrong)
    rest.edit("users", bob, username="BOB")  # the own name in capitals
    rest.edit("users", bob, username=BOB["email"])
    browser = log_in(app.test_client(), ada.username)
    form = BOB | {"username": name, "email": "eve@example.org", "active": "y"}
    browser.post_form("/userpage/add", **form)
    assert "eve@example.org" not in browser.get("/userpage/list/").text
    for spelt in (root.username, root.username.upper(), root.email, root.email.upper()):
        assert try_rest(app, spelt, PASSWORD).status_code == 200


def test_a_deleted_user_is_out_everywhere_at_once(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    colleague = rows.user(tenant)
    browser, token = log_in(app.test_client(), colleague.username), try_rest_tokens(app, colleague)
    Rest(app.test_client()).sign_in(ada.username).delete("users", colleague.id)
    assert not is_in(browser)
    assert bearer(app, token["access_token"]).ask("GET", "leads/").status_code == 401
    assert bearer(app, token["refresh_token"]).ask("POST", "security/refresh").status_code == 401


def test_a_tenants_admin_takes_no_road_to_a_higher_role(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    """Keys, acting for others, another tenant's header: with page, token and both."""
    other = rows.tenant()
    rest = Rest(app.test_client()).sign_in(ada.username)
    rest.add("keys", expect=422, name="K", role="Super Admin")
    rest.add("keys", expect=422, name="K", role="Tenant Admin", tenant=other.id)
    rest.add("tenants", expect=403, name="Mine")
    for path in ("users/", "leads/", "tenants/"):
        assert rest.acting_for(other.id).ask("GET", path).status_code == 403
    browser = log_in(app.test_client(), ada.username)
    form = {"name": "K", "role": "Super Admin", "tenant_id": str(other.id)}
    page = browser.post_form("/apikeypage/add", **form)
    assert "Not a valid choice" in page.text
    for path in (f"/act-as/{other.id}", "/tenantpage/add"):
        assert browser.post_form(path, page="/").status_code in (302, 403), path
        with browser.session_transaction() as session:
            assert "acting_tenant" not in session
    with app.app_context(), across_tenants():
        assert not db.session.scalars(select(models.ApiKey)).all()
        assert len(db.session.scalars(select(models.Tenant)).all()) == 2


def test_the_database_itself_gives_no_tenant_a_higher_role(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    from sqlalchemy.exc import DBAPIError

    super_role = "(select id from ab_role where name = 'Super Admin')"
    attempts_ = (
        f"insert into ab_user_role (user_id, role_id) values ({ada.id}, {super_role})",
        f"update ab_user set tenant_id = null where id = {ada.id}",
        "insert into ab_permission_view_role (permission_view_id, role_id)"
        " select 1, id from ab_role where name = 'Tenant Admin'",
        f"insert into ab_user_group (user_id, group_id) values ({ada.id}, 1)",
        f"delete from second_factor where user_id = {ada.id}",
        "update login_attempt set outcome = 'passed'",
    )
    for attempt in attempts_:
        with app.app_context(), pytest.raises(DBAPIError), acting_for(tenant.id):  # noqa: PT012
            db.session.execute(text(attempt))
            db.session.commit()


@pytest.mark.parametrize("values", [{"role": "Viewer"}, {"active": False}])
def test_nobody_changes_the_standing_of_the_own_account(
    app: Flask, ada: models.User, values: dict[str, Any]
) -> None:
    rest = Rest(app.test_client()).sign_in(ada.username)
    rest.edit("users", ada.id, expect=422, **values)
    rest.delete("users", ada.id, expect=422)
    rest.edit("users", ada.id, first_name="Augusta", role="Tenant Admin", active=True)
    browser = log_in(app.test_client(), ada.username)
    form = {
        "username": ada.username, "email": ada.email, "first_name": "A", "last_name": "B",
        "active": "y", "role": "Tenant Admin",
    }  # fmt: skip
    browser.post_form(f"/userpage/edit/{ada.id}", **(form | values | {"active": ""}))
    browser.post_form(f"/userpage/delete/{ada.id}", page="/userpage/list/")
    shown = Rest(app.test_client()).sign_in(ada.username).one("users", ada.id)
    assert (shown["role"], shown["active"]) == ("Tenant Admin", True)


def test_strangers_and_super_admins_do_not_exist_for_a_tenants_admin(
    app: Flask, rows: Rows, ada: models.User
) -> None:
    rest = Rest(app.test_client()).sign_in(ada.username)
    browser = log_in(app.test_client(), ada.username)
    for other in (rows.user(rows.tenant()), rows.super_admin()):
        assert rest.ask("GET", f"users/{other.id}").status_code == 404
        rest.edit("users", other.id, expect=404, active=False)
        rest.delete("users", other.id, expect=404)
        browser.post_form(f"/userpage/delete/{other.id}", page="/userpage/list/")
        assert browser.get(f"/userpage/show/{other.id}").status_code in (302, 404)
        assert other.username not in browser.get("/userpage/list/").text
        assert try_rest(app, other.username, PASSWORD).status_code == 200
    message = rest.add("users", expect=422, **(BOB | {"username": other.username}))["message"]
    assert "exists" not in str(message)


def test_changing_a_colleagues_role_or_standing_ends_what_they_do(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    colleague = rows.user(tenant, "Agent")
    rest = Rest(app.test_client()).sign_in(ada.username)
    browser = log_in(app.test_client(), colleague.username)
    assert is_in(browser)
    rest.edit("users", colleague.id, role="Viewer")
    assert not is_in(browser)
    browser = log_in(app.test_client(), colleague.username)
    rest.edit("users", colleague.id, first_name="C")
    assert browser.get("/leadpage/list/").status_code == 200
    rest.edit("users", colleague.id, active=False)
    assert browser.get("/leadpage/list/").status_code == 302


def test_agents_viewers_and_keys_manage_nobody(
    app: Flask, rows: Rows, tenant: models.Tenant, ada: models.User
) -> None:
    for role in ("Agent", "Viewer"):
        rest = Rest(app.test_client()).sign_in(rows.user(tenant, role).username)
        for resource in ("users", "keys"):
            assert rest.ask("GET", f"{resource}/").status_code == 403
        rest.add("users", expect=403, **BOB)
        rest.add("keys", expect=403, name="K", role=role)
    admin = Rest(app.test_client()).sign_in(ada.username)
    key = admin.add("keys", name="K", role="Tenant Admin")["key"]
    script = bearer(app, key)
    assert "key" in script.add("users", expect=403, **BOB)["message"]
    script.add("users", expect=403)  # before the body is looked at
    script.edit("users", ada.id, expect=403, first_name="X")
    script.delete("users", ada.id, expect=403)
    script.add("keys", expect=403, name="K", role="Viewer")
    script.delete("keys", admin.rows("keys")[0]["id"], expect=403)
    for helping in ("invite", "reset-totp"):
        assert script.ask("POST", f"users/{ada.id}/{helping}").status_code == 403


def test_a_super_admins_password_for_somebody_meets_the_rules(
    app: Flask, rows: Rows, tenant: models.Tenant
) -> None:
    rest = Rest(app.test_client()).sign_in(rows.super_admin().username).acting_for(tenant.id)
    for bad in ("short", "password12345", "bob@example.org", ""):
        assert "password" in rest.add("users", expect=422, **BOB, password=bad)["message"], bad
    made = rest.add("users", **BOB, password=NEW)
    assert try_rest(app, "bob", NEW).status_code == 200
    rest.edit("users", made["id"], password="seven yellow tractors")
    assert try_rest(app, "bob", NEW).status_code == 401


# The walls


@pytest.mark.parametrize(
    "model",
    [models.LoginAttempt, models.UserToken, models.SecondFactor, models.RecoveryCode],
)
def test_only_the_platform_touches_sign_ins_links_and_second_factors(
    app: Flask, tenant: models.Tenant, ada: models.User, services: Services, model: Any
) -> None:
    try_rest(app, ada.username, PASSWORD)
    ask_for_link(app, ada.email)
    mails(app)
    with app.app_context():
        factors.enrol(ada.id, codes.new_secret(), 0)
    with app.app_context():
        for wall in ("database", "session"):
            for scope in (None, tenant.id):
                assert _reach(services, scope, wall, model) in ([], "refused")
        with across_tenants():
            assert db.session.scalars(select(model)).all()


def _reach(services: Services, scope: int | None, wall: str, model: Any) -> Any:
    """What a forgotten scope sees, past the one wall or past the other."""
    from contextlib import nullcontext

    from sqlalchemy.exc import ProgrammingError

    from app.tenancy import TenancyError

    if wall == "session":
        services.execute(
            f"grant select on {model.__tablename__} to recep_tenant, recep_unbound",
            name=services.fresh,
        )
    statement = (
        text(f"select * from {model.__tablename__}") if wall == "database" else select(model)
    )
    try:
        with acting_for(scope) if scope else nullcontext():
            return list(db.session.execute(statement).all())
    except (ProgrammingError, TenancyError):
        db.session.rollback()
        return "refused"
