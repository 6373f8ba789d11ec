"""The audit log: written with the change, readable by its tenant only, never rewritten."""

from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import ProgrammingError

from app import models
from app.extensions import db
from app.tenancy import across_tenants, acting_for
from tests.factories import Rows


@pytest.mark.parametrize(
    "change",
    [
        update(models.AuditLog).values(actor="nobody"),
        delete(models.AuditLog),
        text("truncate audit_log"),
        text("drop table audit_log"),
        text("alter table audit_log disable row level security"),
    ],
    ids=["update", "delete", "truncate", "drop", "open"],
)
def test_nobody_of_the_application_rewrites_it(light_app: Flask, rows: Rows, change: Any) -> None:
    tenant = rows.tenant()
    rows.audit(tenant)
    for scope in (acting_for(tenant.id), across_tenants()):
        refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
        with light_app.app_context(), refused, scope:
            db.session.execute(change)


def test_a_person_leaves_a_trace_without_the_values(light_app: Flask, rows: Rows) -> None:
    tenant = rows.tenant()
    with light_app.app_context(), acting_for(tenant.id):
        g.audit_actor = "key:test"
        lead = models.Lead(name="Ada Byron", phone="+12125550142")
        db.session.add(lead)
        db.session.commit()
        lead.name = "Ada Lovelace"
        db.session.commit()
        db.session.delete(lead)
        db.session.commit()
        found = db.session.scalars(select(models.AuditLog).order_by(models.AuditLog.id)).all()
        assert [(row.action, row.entity, row.actor) for row in found] == [
            ("add", "Lead", "key:test"), ("edit", "Lead", "key:test"),
            ("delete", "Lead", "key:test"),
        ]  # fmt: skip
        assert set(found[1].changes) == {"name"}
        assert "Ada" not in str([row.changes for row in found])
        assert {row.tenant_id for row in found} == {tenant.id}


def test_it_goes_with_the_transaction(light_app: Flask, rows: Rows) -> None:
    tenant = rows.tenant()
    with light_app.app_context(), acting_for(tenant.id):
        g.audit_actor = "key:test"
        db.session.add(models.Department(name="Sales"))
        db.session.flush()
        db.session.rollback()
        assert db.session.scalars(select(models.AuditLog)).all() == []


def test_what_calls_and_jobs_write_is_not_in_it(light_app: Flask, rows: Rows) -> None:
    tenant = rows.tenant()
    rows.every_kind(tenant)
    with light_app.app_context(), acting_for(tenant.id):
        assert db.session.scalars(select(models.AuditLog)).all() == []


def test_a_change_by_the_platform_is_told_to_the_tenant_it_concerns(
    light_app: Flask, rows: Rows
) -> None:
    tenant, other = rows.tenant(), rows.tenant()
    with light_app.app_context():
        g.audit_actor = "user:admin"
        with across_tenants():
            db.session.get(models.Tenant, tenant.id).name = "Renamed"
            db.session.commit()
        with acting_for(tenant.id):
            assert db.session.scalars(select(models.AuditLog.entity)).all() == ["Tenant"]
        with acting_for(other.id):
            assert db.session.scalars(select(models.AuditLog.entity)).all() == []
