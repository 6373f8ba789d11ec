"""Secrets of tenants at rest are bound to their place, and survive a change of keys."""

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import create_app, models, rotation
from app.cli import rotate_keys
from app.extensions import db
from app.models.sealed import SealBroken, seal, unseal
from app.tenancy import across_tenants
from config import Settings
from tests.factories import Rows

FLASK_APPBUILDERS = {"ab_api_key", "ab_register_user"}  # not used
KEYS = ("A" * 43 + "=", "B" * 43 + "=")


def test_a_secret_is_read_back_and_not_stored_as_it_is(light_app: Flask, rows: Rows) -> None:
    tenant = rows.tenant(auth_token="s3cret-token")
    endpoint = rows.webhook(tenant, secret="hook-secret")
    assert "s3cret" not in tenant.sealed_auth_token
    assert "hook" not in endpoint.sealed_secret
    with light_app.app_context():
        assert (tenant.auth_token, endpoint.secret) == ("s3cret-token", "hook-secret")


def test_a_secret_swapped_between_tenants_is_refused(light_app: Flask, rows: Rows) -> None:
    one, other = rows.tenant(auth_token="mine"), rows.tenant(auth_token="theirs")
    with light_app.app_context(), across_tenants():
        db.session.execute(
            text("update tenant set sealed_auth_token = :sealed where id = :id"),
            {"sealed": other.sealed_auth_token, "id": one.id},
        )
        swapped = db.session.scalars(select(models.Tenant).filter_by(id=one.id)).one()
        with pytest.raises(SealBroken, match="another place"):
            _ = swapped.auth_token
        db.session.rollback()


def test_a_secret_moved_to_another_column_is_refused(light_app: Flask, rows: Rows) -> None:
    tenant = rows.tenant(auth_token="mine")
    endpoint = rows.webhook(tenant, sealed_secret=tenant.sealed_auth_token)
    with light_app.app_context(), pytest.raises(SealBroken, match="another place"):
        _ = endpoint.secret


def test_older_keys_still_open_and_unknown_ones_do_not(settings: Settings) -> None:
    old, both, new = (
        create_app(replace(settings, encryption_keys=keys), admin=False)
        for keys in (KEYS[1:], KEYS, KEYS[:1])
    )
    with old.app_context():
        sealed = seal("kept", "place")
    with both.app_context():
        assert unseal(sealed, "place") == "kept"
        renewed = seal("kept", "place")
    with new.app_context():
        assert unseal(renewed, "place") == "kept"
        with pytest.raises(SealBroken, match="no key"):
            unseal(sealed, "place")


def test_rubbish_is_refused(light_app: Flask) -> None:
    with light_app.app_context(), pytest.raises(SealBroken):
        unseal("not a sealed secret", "place")


@pytest.fixture
def rotated(rows: Rows, settings: Settings) -> dict[str, Any]:
    """Secrets of every kind under an old key, and settings with a newer one before it."""
    old = create_app(replace(settings, encryption_keys=KEYS[1:]), admin=False)
    with old.app_context(), across_tenants():
        for n in range(3):
            tenant = models.Tenant(name="T", slug=f"t{n}")
            tenant.auth_token = f"token {n}"
            db.session.add(tenant)
            db.session.flush()
            hook = models.WebhookEndpoint(tenant_id=tenant.id, url="https://example.com")
            hook.secret = f"hook {n}"
            hook.rotate_secret()
            asked = models.DataRequest(
                tenant_id=tenant.id, phone_hash="x", ends_in="42", requested_by="x"
            )
            asked.phone = "+12125550142"
            db.session.add_all([hook, asked])
        db.session.commit()
        user = rows.user(rows.tenant())
        factor = models.SecondFactor(user_id=user.id, last_step=0, sealed_secret=seal("totp", "f"))
        db.session.add(factor)
        db.session.commit()
        user_id = user.id
    return {"user": user_id, "settings": replace(settings, encryption_keys=KEYS)}


def epoch(user_id: int) -> int:
    with across_tenants():
        found = db.session.get(models.User, user_id).session_epoch
        db.session.rollback()
        return found


def test_keys_are_changed_while_everything_stays_readable(
    rotated: dict[str, Any], settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    """Stopped midway and begun again; then the old key is taken away."""
    monkeypatch.setattr(rotation, "BATCH", 2)
    both = create_app(rotated["settings"], admin=False)
    with both.app_context():
        before = epoch(rotated["user"])
        stopped = rotation.rotate()
        assert (next(stopped).older, next(stopped).older) == (2, 3)
        stopped.close()
    assert rotate_keys.main(["--check"], rotated["settings"]) == 1
    told = capsys.readouterr().out
    assert "tenant.sealed_auth_token: 0 under an older key, 3 under the newest" in told
    assert "webhook_endpoint.sealed_secret: 3 under an older key" in told
    assert rotate_keys.main([], rotated["settings"]) == 0
    told = capsys.readouterr().out
    assert "second_factor.sealed_secret: 1 encrypted anew" in told
    assert "data_request.sealed_phone: 3 encrypted anew" in told
    new = create_app(replace(settings, encryption_keys=KEYS[:1]), admin=False)
    with new.app_context(), across_tenants():
        hooks = db.session.scalars(select(models.WebhookEndpoint)).all()
        assert len({hook.signing_secrets(hook.created_at)[-1] for hook in hooks}) == 3
        tenants = db.session.scalars(select(models.Tenant).where(models.Tenant.name == "T"))
        tokens = {tenant.slug: tenant.auth_token for tenant in tenants}
        assert tokens == {"t0": "token 0", "t1": "token 1", "t2": "token 2"}
        assert {row.phone for row in db.session.scalars(select(models.DataRequest))} == {
            "+12125550142"
        }
        [factor] = db.session.scalars(select(models.SecondFactor))
        assert unseal(factor.sealed_secret, "f") == "totp"
        audit = select(models.AuditLog.action).where(models.AuditLog.entity == "ENCRYPTION_KEYS")
        assert db.session.scalars(audit).all() == ["rotate"]
        db.session.rollback()
        assert epoch(rotated["user"]) == before
    assert rotate_keys.main(["--check"], rotated["settings"]) == 0


def test_what_no_key_opens_is_named_and_left(
    rotated: dict[str, Any], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rotate_keys.main([], replace(settings, encryption_keys=KEYS[:1])) == 1
    told = capsys.readouterr().out
    assert (
        "tenant.sealed_auth_token: 0 encrypted anew, 0 under the newest key already, 3 not read"
        in told
    )
    assert "put the key that did back" in told
    assert rotate_keys.main([], rotated["settings"]) == 0


def test_every_column_that_holds_a_secret_is_sealed_or_hashed(light_app: Flask) -> None:
    """By name: a new column named so fails here until it is one or the other."""
    telling = re.compile(r"secret|token|password|api_key|credential|totp")
    known = {
        "tokens_in", "tokens_out", "call_tokens", "lease_token", "second_factor", "session_token",
    }  # fmt: skip
    columns = {
        (table.name, column.name)
        for table in db.metadata.sorted_tables if table.name not in FLASK_APPBUILDERS
        for column in table.columns
        if telling.search(column.name) and column.name not in known
    }  # fmt: skip
    assert columns
    assert {
        column for column in columns
        if not column[1].startswith("sealed_") and not column[1].endswith("_hash")
    } == {("ab_user", "password")}  # a hash of its own  # fmt: skip
