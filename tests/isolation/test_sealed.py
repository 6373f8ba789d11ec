"""Secrets of tenants at rest are bound to their place, and survive a change of keys."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import create_app, models
from app.extensions import db
from app.models.sealed import SealBroken, seal, unseal
from app.tenancy import across_tenants
from config import Settings
from tests.factories import Rows

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
