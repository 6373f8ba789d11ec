"""Everything a tenant owns as one archive: all of it, nothing of anybody else's, and no secret."""

import io
import json
import zipfile
from typing import Any

import pytest
from flask import Flask

from app import archive, models
from app.extensions import db
from app.tenancy import across_tenants
from tests.factories import Rows
from tests.web.speaking import Rest, log_in

SECRETS = ("sealed", "password", "secret", "hash", "token")
NO_SECRETS = {"tokens_in", "tokens_out", "call_tokens"}


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def opened(answer: Any) -> dict[str, list[Any]]:
    """The rows of each file; those of the manifest are one."""
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as found:
        assert found.testzip() is None
        texts = {name: found.read(name).decode() for name in found.namelist()}
    manifest = json.loads(texts.pop("manifest.json"))
    return {"manifest": [manifest]} | {
        name.removesuffix(".jsonl"): [json.loads(line) for line in text.splitlines()]
        for name, text in texts.items()
    }


def owned(app: Flask, tenant: models.Tenant) -> dict[str, int]:
    with app.app_context(), across_tenants():
        counts = {
            table.name: db.session.query(table).filter(table.c.tenant_id == tenant.id).count()
            for table in db.metadata.sorted_tables
            if "tenant_id" in table.columns
        }
        db.session.rollback()
    return counts | {"tenant": 1}


def test_it_holds_every_row_of_ones_own_and_none_of_anothers(app: Flask, rows: Rows, monkeypatch):
    monkeypatch.setattr(archive, "BATCH", 2)
    mine, theirs = rows.tenant(name="Mine"), rows.tenant(name="quokkaby")
    for tenant in (mine, theirs):
        call = rows.every_kind(tenant)[models.CallSession]
        for n in range(5):
            rows.transcript(tenant, call_id=call.id, turn=n, text=f"{tenant.name} said {n}")
        rows.audit(tenant)
    rows.lead(theirs, name="quokkaby")
    user = rows.user(mine)
    rows.user(theirs, email="quokkaby@example.com")
    rest = Rest(app.test_client(use_cookies=False)).sign_in(user.username)
    answer = rest.ask("GET", f"tenants/{mine.id}/export")
    found = opened(answer)
    [manifest] = found.pop("manifest")
    counted = owned(app, mine)
    assert {name: len(lines) for name, lines in found.items()} == counted == manifest["rows"]
    assert min(counted.values()) >= 1
    assert "quokkaby" not in json.dumps(found)
    assert {line["tenant_id"] for name, lines in found.items() if name != "tenant"
            for line in lines} == {mine.id}  # fmt: skip
    assert [line["text"] for line in found["transcript"]][-1] == "Mine said 4"
    assert found["ab_user"][0]["roles"] == ["Tenant Admin"]
    assert manifest["tenant"] == {"id": mine.id, "name": "Mine", "slug": mine.slug}
    assert manifest["schema_version"]
    assert manifest["made_at"].endswith("Z")


def test_no_secret_is_inside_and_it_says_which_were_left_out(app: Flask, rows: Rows):
    tenant = rows.tenant()
    rows.every_kind(tenant)
    user = rows.user(tenant)
    with app.app_context(), across_tenants():
        db.session.get(models.Tenant, tenant.id).auth_token = "its token"
        for hook in db.session.query(models.WebhookEndpoint):
            hook.secret = "whsec_its secret"
        db.session.commit()
    rest = Rest(app.test_client(use_cookies=False)).sign_in(user.username)
    found = opened(rest.ask("GET", f"tenants/{tenant.id}/export"))
    [manifest] = found.pop("manifest")
    shown = {name for lines in found.values() for line in lines for name in line}
    suspicious = {name for name in shown if any(word in name for word in SECRETS)}
    assert suspicious <= NO_SECRETS
    left = manifest["secrets_left_out"]
    assert "sealed_auth_token" in left["tenant"]
    assert left["ab_user"] == ["password"]
    assert left["api_key"] == ["key_hash"]
    assert {"sealed_secret", "sealed_former_secret"} == set(left["webhook_endpoint"])
    assert "media" in manifest["not_inside"]["recordings"]


def test_every_table_is_inside_or_left_out_for_a_reason(app: Flask):
    """A new table fails here until it is one or the other."""
    inside = {table.name for table in archive.tables()}
    of_people = {
        table.name for table in db.metadata.sorted_tables
        if {"user_id", "tenant_id"} & set(table.columns.keys())
    }  # fmt: skip
    assert of_people - inside == set(archive.OMITTED)
    assert all(set(table.columns.keys()) >= {"id"} for table in archive.tables())


def test_it_is_written_while_it_is_sent(app: Flask, rows: Rows, monkeypatch):
    monkeypatch.setattr(archive, "BATCH", 1)
    tenant = rows.tenant()
    rows.every_kind(tenant)
    pieces = archive.pieces(app, tenant.id)
    first = next(pieces)
    rows.lead(tenant)  # no transaction is open meanwhile that would lock anything
    assert len(list(pieces)) > 10
    assert first.startswith(b"PK")


def test_who_takes_it_is_audited_and_only_thrice_an_hour(app: Flask, rows: Rows):
    tenant, other = rows.tenant(), rows.tenant()
    user = rows.user(tenant)
    page = log_in(app.test_client(), user.username)
    assert "Download the archive" in page.get("/export/").text
    rest = Rest(app.test_client(use_cookies=False)).sign_in(user.username)
    for _ in range(2):
        opened(rest.ask("GET", f"tenants/{tenant.id}/export"))
    opened(page.post_form("/export/"))
    late = rest.ask("GET", f"tenants/{tenant.id}/export")
    assert (late.status_code, late.headers["Retry-After"]) == (429, "3600")
    assert page.post_form("/export/").status_code == 302
    assert "three times" in page.get("/export/").text
    with app.app_context(), across_tenants():
        entries = db.session.query(models.AuditLog).filter_by(action="export").all()
        assert {(e.actor, e.tenant_id) for e in entries} == {(f"user:{user.username}", tenant.id)}
        assert len(entries) == 3
        db.session.rollback()
    boss = Rest(app.test_client(use_cookies=False)).sign_in(rows.super_admin().username)
    opened(boss.ask("GET", f"tenants/{other.id}/export"))


def test_it_is_for_a_tenants_admins_and_super_admins(app: Flask, rows: Rows):
    mine, theirs = rows.tenant(), rows.tenant()
    admin = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(mine).username)
    assert admin.ask("GET", f"tenants/{theirs.id}/export").status_code == 404
    agent = rows.user(mine, "Agent").username
    rest = Rest(app.test_client(use_cookies=False)).sign_in(agent)
    assert rest.ask("GET", f"tenants/{mine.id}/export").status_code == 403
    assert log_in(app.test_client(), agent).get("/export/").status_code in (302, 403)
    page = log_in(app.test_client(), rows.user(mine).username)
    assert page.get(f"/export/?tenant={theirs.id}").status_code == 404
    assert page.post_form(f"/export/?tenant={theirs.id}", page="/export/").status_code == 404
    boss = log_in(app.test_client(), rows.super_admin().username)
    assert "/act-as/" in boss.get("/export/").location
    answer = boss.post_form(f"/export/?tenant={theirs.id}")
    assert opened(answer)["tenant"][0]["id"] == theirs.id
