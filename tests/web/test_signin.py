"""Who is let in, as whom and for which tenant: sessions, tokens and API keys."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models import ApiKey
from app.tenancy import across_tenants
from tests.factories import PASSWORD, Rows
from tests.web.speaking import Rest, log_in


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def rest(rows: Rows, client: FlaskClient) -> Rest:
    return Rest(client).sign_in(rows.super_admin().username)


def with_key(client: FlaskClient, key: str) -> Rest:
    return Rest(client, {"Authorization": f"Bearer {key}"})


def test_a_wrong_password_is_refused(rows: Rows, client: FlaskClient):
    user = rows.super_admin()
    for name, password in ((user.username, "wrong"), ("nobody", PASSWORD)):
        answer = client.post(
            "/api/v1/security/login",
            json={"username": name, "password": password, "provider": "db"},
        )
        assert answer.status_code == 401


def test_nobody_gets_nothing(client: FlaskClient):
    assert client.get("/api/v1/departments/").status_code == 401
    assert client.get("/api/v1/tenants/").status_code == 401
    assert client.post("/api/v1/calls/test", json={}).status_code == 401
    assert "/login" in client.get("/departmentpage/list/").location
    assert "/login" in client.get("/").location


def test_a_tenants_user_sees_his_tenant_and_cannot_name_another(rows: Rows, client: FlaskClient):
    mine, other = rows.tenant(), rows.tenant()
    department = rows.department(mine)
    rows.department(other)
    rest = Rest(client).sign_in(rows.user(mine).username)
    assert [row["id"] for row in rest.rows("departments")] == [department.id]
    assert rest.acting_for(mine.id).ask("GET", "departments/").status_code == 200
    assert rest.acting_for(other.id).ask("GET", "departments/").status_code == 403
    assert rest.ask("GET", "tenants/").status_code == 403


def test_a_deactivated_user_is_out_at_once(rows: Rows, client: FlaskClient, rest: Rest):
    tenant = rows.tenant()
    user = rows.user(tenant)
    theirs = Rest(client).sign_in(user.username)
    assert theirs.ask("GET", "leads/").status_code == 200
    rest.acting_for(tenant.id).edit("users", user.id, active=False)
    assert theirs.ask("GET", "leads/").status_code == 401


def test_a_session_cookie_is_no_key_to_rest(rows: Rows, app: Flask):
    tenant = rows.tenant()
    browser = log_in(app.test_client(), rows.user(tenant).username)
    assert browser.get("/departmentpage/list/").status_code == 200
    assert browser.get("/api/v1/departments/").status_code == 401


def test_a_token_counts_and_not_the_cookie_beside_it(rows: Rows, app: Flask):
    mine, other = rows.tenant(), rows.tenant()
    department = rows.department(mine)
    browser = log_in(app.test_client(), rows.user(other).username)
    rest = Rest(browser).sign_in(rows.user(mine).username)
    assert [row["id"] for row in rest.rows("departments")] == [department.id]


def test_an_api_key_acts_for_its_tenant_with_its_role(rows: Rows, app: Flask, rest: Rest):
    mine, other = rows.tenant(), rows.tenant()
    department = rows.department(mine)
    rows.department(other)
    made = rest.acting_for(mine.id).add("keys", name="Script", role="Tenant Admin")
    assert made["key"].startswith("rk_")
    assert len(made["key"]) == 46
    assert made["result"]["prefix"] == made["key"][:11]
    assert made["result"]["scopes"] == ["read", "write"]
    script = with_key(app.test_client(), made["key"])
    assert [row["id"] for row in script.rows("departments")] == [department.id]
    assert script.acting_for(other.id).ask("GET", "departments/").status_code == 403
    assert script.ask("GET", "tenants/").status_code == 403
    (listed,) = rest.acting_for(mine.id).rows("keys")
    assert made["key"] not in str(listed)
    assert listed["last_used_at"]
    assert "key_hash" not in listed


def test_scopes_expiry_and_revocation_of_a_key_hold(rows: Rows, app: Flask, rest: Rest):
    tenant = rows.tenant()
    rest = rest.acting_for(tenant.id)
    client = app.test_client()

    def made(**values: object) -> tuple[int, Rest]:
        answer = rest.add("keys", name="K", role="Tenant Admin", **values)
        return answer["id"], with_key(client, answer["key"])

    _, reader = made(scopes=["read"])
    assert reader.ask("GET", "departments/").status_code == 200
    assert reader.ask("POST", "departments/", json={"name": "A"}).status_code == 403
    _, writer = made(scopes=["write"])
    assert writer.ask("GET", "departments/").status_code == 403
    pk, old = made(expires_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    with app.app_context(), across_tenants():
        past = datetime.now(UTC) - timedelta(minutes=1)
        db.session.get_one(ApiKey, pk).expires_at = past
        db.session.commit()
    told = rest.add("keys", expect=422, name="K", role="Viewer", expires_at=past.isoformat())
    assert "past" in told["message"]["expires_at"][0]
    assert old.ask("GET", "departments/").status_code == 401
    pk, revoked = made(expires_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert revoked.ask("GET", "departments/").status_code == 200
    rest.delete("keys", pk)
    assert revoked.ask("GET", "departments/").status_code == 401
    assert rest.one("keys", pk)["revoked_at"]
    assert with_key(client, "rk_" + "x" * 43).ask("GET", "departments/").status_code == 401
    assert (
        "scopes"
        in rest.add("keys", expect=422, name="K", role="Viewer", scopes=["admin"])["message"]
    )


def test_a_forged_key_of_the_platform_role_is_refused(rows: Rows, app: Flask, rest: Rest):
    tenant = rows.tenant()
    key = rest.acting_for(tenant.id).add("keys", name="K", role="Viewer")
    with app.app_context(), across_tenants():
        db.session.get(ApiKey, key["id"]).role = "Super Admin"
        db.session.commit()
    assert with_key(app.test_client(), key["key"]).ask("GET", "leads/").status_code == 401


def test_a_super_admin_acts_for_a_tenant_in_the_pages(rows: Rows, app: Flask):
    mine, other = rows.tenant(), rows.tenant()
    here, there = rows.department(mine), rows.department(other)
    browser = log_in(app.test_client(), rows.super_admin().username)
    page = browser.get("/departmentpage/list/").text
    assert here.name in page
    assert there.name in page
    assert mine.name in page
    assert browser.get(f"/act-as/{mine.id}").status_code == 405
    browser.act_as(mine.id)
    page = browser.get("/departmentpage/list/").text
    assert here.name in page
    assert there.name not in page
    browser.post_form("/act-as/stop", page="/act-as/")
    assert there.name in browser.get("/departmentpage/list/").text


def test_a_tenants_user_cannot_act_for_another(rows: Rows, app: Flask):
    mine, other = rows.tenant(), rows.tenant()
    browser = log_in(app.test_client(), rows.user(mine).username)
    assert browser.get("/act-as/").status_code == 403
    with browser.session_transaction() as session:
        session["acting_tenant"] = other.id
    rows.department(other, name="Not yours")
    assert "Not yours" not in browser.get("/departmentpage/list/").text


def test_flask_appbuilders_own_screens_of_users_are_not_there(rows: Rows, app: Flask):
    browser = log_in(app.test_client(), rows.super_admin().username)
    for path in ("/users/list/", "/roles/list/", "/users/add", "/userinfoeditview/form"):
        assert browser.get(path).status_code == 404
    for path in ("users/", "roles/", "permissions/", "api_keys/"):
        assert browser.get(f"/api/v1/security/{path}").status_code == 404


def test_a_person_changes_his_password(rows: Rows, app: Flask):
    user = rows.super_admin()
    tenant = rows.tenant()
    browser = log_in(app.test_client(), user.username)
    browser.act_as(tenant.id)
    path = "/resetmypassword/form"
    answer = browser.post_form(
        path,
        current_password=PASSWORD,
        password="a new long password",
        conf_password="a new long password",
    )
    assert answer.status_code == 302
    answer = app.test_client().post(
        "/api/v1/security/login",
        json={"username": user.username, "password": "a new long password", "provider": "db"},
    )
    assert answer.status_code == 200


def test_a_tenants_admin_makes_keys_shows_them_once_and_revokes_them(rows: Rows, app: Flask):
    """Of the own tenant only, by REST and by page; who may not look at keys is not shown one."""
    mine, other = rows.tenant(), rows.tenant()
    admin, stranger = rows.user(mine), rows.user(other)
    department = rows.department(mine)
    rest = Rest(app.test_client()).sign_in(admin.username)
    made = rest.add("keys", name="Script", role="Agent", scopes=["read"])
    script = with_key(app.test_client(), made["key"])
    assert script.ask("GET", "leads/").status_code == 200
    assert script.ask("GET", f"departments/{department.id}").status_code == 403, "an Agent's"

    browser = log_in(app.test_client(), admin.username)
    form = browser.get("/apikeypage/add").text
    assert 'value="Super Admin"' not in form
    browser.post_form(
        "/apikeypage/add", name="CRM", role="Tenant Admin", scopes=["read", "write"], expires_at=""
    )
    shown = re.search(r"rk_[\w-]{43}", browser.get("/apikeypage/list/").text)
    assert shown
    crm = with_key(app.test_client(), shown[0])
    assert crm.ask("GET", f"departments/{department.id}").status_code == 200
    crm.add("leads", name="Ada")
    assert not re.search(r"rk_[\w-]{43}", browser.get("/apikeypage/list/").text), "only once"
    assert shown[0] not in str(rest.rows("keys"))

    rival = Rest(app.test_client()).sign_in(stranger.username)
    assert rival.rows("keys") == []
    rival.delete("keys", made["id"], expect=404)
    assert script.ask("GET", "leads/").status_code == 200
    rest.delete("keys", made["id"])
    (second,) = (row["id"] for row in rest.rows("keys") if row["name"] == "CRM")
    browser.post_form(f"/apikeypage/delete/{second}", page="/apikeypage/list/")
    for revoked in (script, crm):
        assert revoked.ask("GET", "leads/").status_code == 401
