"""The HTML pages of every entity, as super admin and as a tenant's user."""

import gzip
import re
from datetime import time

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.jobs import heartbeat
from app.tenancy import acting_for
from app.views import ENTITIES
from tests.factories import Rows
from tests.web.speaking import Browser, log_in

PAGES = {entity.resource: f"/{entity.name.lower()}page" for entity in ENTITIES}
OWNED = [entity for entity in ENTITIES if entity.is_owned]


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def browser(rows: Rows, client: FlaskClient) -> Browser:
    return log_in(client, rows.super_admin().username)


def everything(rows: Rows, tenant: models.Tenant) -> dict[type, object]:
    return rows.every_kind(tenant) | {
        models.AuditLog: rows.audit(tenant),
        models.User: rows.user(tenant),
        models.Tenant: tenant,
        models.Price: rows.price(),
    }


def test_every_page_opens_for_a_super_admin_across_tenants(rows: Rows, browser: Browser):
    found = everything(rows, rows.tenant())
    assert browser.get("/").status_code == 200
    for entity in ENTITIES:
        base = PAGES[entity.resource]
        assert browser.get(f"{base}/list/").status_code == 200, entity.name
        assert browser.get(f"{base}/show/{found[entity.model].id}").status_code == 200, entity.name
        if "add" in entity.may and entity.is_owned:
            assert "/act-as/" in browser.get(f"{base}/add").location, entity.name


def test_every_page_opens_acting_for_a_tenant(rows: Rows, browser: Browser):
    tenant = rows.tenant()
    found = everything(rows, tenant)
    browser.act_as(tenant.id)
    for entity in ENTITIES:
        base, pk = PAGES[entity.resource], found[entity.model].id
        for verb in entity.may:
            path = {"list": "list/", "show": f"show/{pk}", "add": "add", "edit": f"edit/{pk}"}
            if verb in path:
                answer = browser.get(f"{base}/{path[verb]}")
                alone = verb == "list" and entity.resource in ("receptionists", "limits")
                assert answer.status_code == (302 if alone else 200), (entity.name, verb)
        for verb in {"add", f"edit/{pk}"} - {"add"} if "edit" not in entity.may else ():
            assert browser.get(f"{base}/{verb}").status_code == 403, (entity.name, verb)


def test_rows_of_another_tenant_are_not_found(rows: Rows, browser: Browser):
    stranger = everything(rows, rows.tenant())
    browser.act_as(rows.tenant().id)
    for entity in ENTITIES:
        if entity.model is models.Price:  # nobody's: the platform sets them
            continue
        base, pk = PAGES[entity.resource], stranger[entity.model].id
        assert browser.get(f"{base}/show/{pk}").status_code == 404, entity.name
        if "edit" in entity.may:
            assert browser.get(f"{base}/edit/{pk}").status_code == 404, entity.name


def test_forms_write_lists_choices_times_and_relations(rows: Rows, app: Flask, browser: Browser):
    tenant = rows.tenant()
    browser.act_as(tenant.id)
    answer = browser.post_form(
        "/departmentpage/add", name="Sales", description="", position="1", ring_seconds="20",
        numbers="+12125550111\r\n\r\n+1 212 555 0112\r\n", summary_recipients="a@example.com",
    )  # fmt: skip
    assert answer.status_code == 302
    with app.app_context(), acting_for(tenant.id):
        sales = db.session.query(models.Department).one()
        assert sales.numbers == ["+12125550111", "+12125550112"]
        assert sales.summary_recipients == ["a@example.com"]
        sales_id = sales.id
    browser.post_form(
        "/openinghourspage/add", weekday="0", opens="09:00", closes="17:30",
        department=str(sales_id),
    )  # fmt: skip
    browser.post_form(
        "/knowledgeentrypage/add", question="Q?", answer="A.", alternates="one\ntwo",
        status="draft", category="", language="",
    )  # fmt: skip
    with app.app_context(), acting_for(tenant.id):
        hours = db.session.query(models.OpeningHours).one()
        assert (hours.weekday, hours.opens, hours.department_id) == (0, time(9), sales_id)
        entry = db.session.query(models.KnowledgeEntry).one()
        assert (entry.alternates, entry.status) == (["one", "two"], "draft")
    shown = browser.get(f"/departmentpage/edit/{sales_id}").text
    assert "+12125550111\n+12125550112" in shown.replace("\r", "")


def test_a_tenant_is_added_with_its_receptionist(rows: Rows, app: Flask, browser: Browser):
    answer = browser.post_form(
        "/tenantpage/add", name="Corner Shop", timezone="Europe/Paris", status="active",
        auth_token="token",
    )  # fmt: skip
    assert answer.status_code == 302
    page = browser.get("/tenantpage/list/").text
    assert "corner-shop" in page
    assert browser.get("/receptionistconfigpage/list/").text.count("Corner Shop") == 1


def test_a_refused_form_says_why_without_sql(rows: Rows, browser: Browser):
    tenant = rows.tenant()
    rows.department(tenant, name="Sales")
    stranger = rows.number(rows.tenant())
    browser.act_as(tenant.id)
    good = {"name": "A", "description": "", "position": "1", "ring_seconds": "20"}
    for values, text in (
        ({"numbers": "call me"}, "Not a telephone number"),
        ({"position": "x"}, "Enter a whole number"),
        ({"name": ""}, "Fill in “Name”."),
    ):
        assert text in browser.post_form("/departmentpage/add", **good | values).text
    page = browser.post_form("/departmentpage/add", **good | {"name": "Sales"}).text
    assert "already exists" in page
    assert 'value="Sales"' in page  # nothing that was typed is lost
    page = browser.post_form("/twilionumberpage/add", number=stranger.number, label="").text
    assert "cannot be used" in page
    assert not re.search("psycopg|INSERT|constraint", page)


def test_a_stranger_cannot_be_linked_by_form_or_address(rows: Rows, app: Flask, browser: Browser):
    theirs = rows.department(rows.tenant())
    mine = rows.tenant()
    browser.act_as(mine.id)
    values = {"weekday": "0", "opens": "09:00", "closes": "10:00"}
    browser.post_form("/openinghourspage/add", **values, department=str(theirs.id))
    query = f"/openinghourspage/add?_flt_0_department={theirs.id}"
    browser.post_form(query, **values, department="__None")
    with app.app_context(), acting_for(mine.id):
        linked = [row.department_id for row in db.session.query(models.OpeningHours)]
        assert linked in ([], [None])


def test_a_key_is_shown_once_and_revoked(rows: Rows, browser: Browser):
    browser.act_as(rows.tenant().id)
    browser.post_form("/apikeypage/add", name="Script", role="Viewer", scopes="read")
    page = browser.get("/apikeypage/list/").text
    assert re.search(r"rk_[\w-]{43}", page)
    page = browser.get("/apikeypage/list/").text
    assert not re.search(r"rk_[\w-]{43}", page)
    pk = re.search(r"/apikeypage/show/(\d+)", page).group(1)
    browser.post_form(f"/apikeypage/delete/{pk}", page="/act-as/")
    assert "revoked" in browser.get("/apikeypage/list/").text


def test_deleting_needs_a_form_with_its_token(rows: Rows, browser: Browser):
    tenant = rows.tenant()
    department = rows.department(tenant)
    browser.act_as(tenant.id)
    path = f"/departmentpage/delete/{department.id}"
    browser.get(path)
    assert browser.post(path).status_code == 400
    assert department.name in browser.get("/departmentpage/list/").text
    browser.post_form(path, page="/act-as/")
    assert department.name not in browser.get("/departmentpage/list/").text


@pytest.mark.parametrize(
    "query",
    [
        "psize_DepartmentPage=abc", "psize_DepartmentPage=100000000", "psize_DepartmentPage=-5",
        "page_DepartmentPage=abc", "page_DepartmentPage=-7",
        "page_DepartmentPage=99999999999999999999",
        "_flt_9_name=x", "_flt_0_nothing=x", "_flt_0_position=abc",
        "_flt_0_position=99999999999999",
        "_oc_DepartmentPage=tenant.slug&_od_DepartmentPage=asc",
        "_oc_DepartmentPage=nothing&_od_DepartmentPage=asc",
    ],
)  # fmt: skip
def test_a_bad_address_is_never_an_error(rows: Rows, browser: Browser, query: str):
    answer = browser.get(f"/departmentpage/list/?{query}")
    assert answer.status_code in (200, 302, 400), answer.status_code


def test_unknown_actions_and_downloads_are_not_found(rows: Rows, browser: Browser):
    department = rows.department(rows.tenant())
    browser.act_as(department.tenant_id)
    assert browser.get("/departmentpage/download/x").status_code in (403, 404)
    for path in (f"action/nothing/{department.id}", "action_post"):
        answer = browser.post_form(
            f"/departmentpage/{path}", page="/act-as/", action="nothing", rowid="1"
        )
        assert answer.status_code == 404


def test_every_answer_carries_the_headers(browser: Browser):
    for path in ("/", "/healthz", "/api/v1/tenants/", "/nothing"):
        headers = browser.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "private, no-store"
    page = browser.get("/tenantpage/list/")
    nonce = re.search(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"]).group(1)
    scripts = re.findall(r"<script[^>]*>", page.text)
    assert scripts
    assert all(f'nonce="{nonce}"' in script for script in scripts)


def test_health_says_whether_the_process_lives_and_may_get_work(client: FlaskClient):
    assert client.get("/healthz").get_json() == {"status": "ok"}
    lonely = client.get("/readyz")
    assert (lonely.status_code, lonely.get_json()["status"]) == (200, "degraded")
    assert lonely.get_json()["worker"] == "none running"
    with client.application.app_context():
        heartbeat.beat(heartbeat.WORKER)
        heartbeat.beat(heartbeat.SCHEDULER)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    parts = {name: "ok" for name in ("database", "keys", "redis", "mail")}
    behind = {"worker": "ok", "scheduler": "ok", "encoder": "not running"}
    assert ready.get_json() == {"status": "ok"} | behind | parts
    outside = client.get("/readyz", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert outside.get_json() == {"status": "ok"}


def test_what_screens_are_made_of_is_packed_and_kept_but_pages_are_not(client: FlaskClient):
    page = client.get("/login/", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in page.headers
    paths = re.findall(r'(?:href|src)="(/[^"]+[?]v=[^"#]+)', page.text)
    assert len(paths) >= 2
    for path in paths:
        plain = client.get(path, buffered=True)
        packed = client.get(path, headers={"Accept-Encoding": "gzip"}, buffered=True)
        assert "immutable" in packed.headers["Cache-Control"]
        assert packed.vary == plain.vary
        if packed.mimetype.startswith("text/"):
            assert gzip.decompress(packed.data) == plain.data
            assert len(packed.data) < len(plain.data)
