"""Mails to owners: a limit is near, other telephones are rung than before."""

from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask, g

from app import models
from app.extensions import db
from app.jobs import owners
from app.models import JobKind
from app.tenancy import acting_for
from tests.factories import Rows
from tests.fakes.mail_sink import MailSink
from tests.jobs.conftest import Outbox
from tests.jobs.test_mails import text_of


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    made = rows.tenant(name="Acme Dental")
    rows.receptionist(made, alert_recipients=["boss@example.com"])
    rows.limits(made, day_cents=2500, calls_at_once=7)
    return made


def sent(app: Flask, outbox_of: Outbox, sink: MailSink) -> tuple[EmailMessage, set[str]]:
    outbox_of.run(app)
    assert all(job.status == "done" for job in outbox_of.all(models.Job)), outbox_of.jobs()
    return sink.mails[-1], set(sink.envelopes[-1])


def limit_job(rows: Rows, tenant: models.Tenant, **args: Any) -> None:
    rows.job(tenant, kind=JobKind.LIMIT_MAIL, args=args)


def test_owners_are_told_of_a_limit_with_what_happens_then(
    mail_app: Flask, rows: Rows, tenant: models.Tenant, outbox_of: Outbox, sink: MailSink
):
    rows.user(tenant)
    limit_job(rows, tenant, limit="day_cents", percent=80)
    mail, to = sent(mail_app, outbox_of, sink)
    assert to == {"boss@example.com"}
    assert mail["Subject"] == "Close to a limit: what calls may cost in a day"
    assert "80 percent" in text_of(mail)
    assert "$25.00" in text_of(mail)
    assert f"https://reception.example.com{owners.LIMITS_PAGE}" in text_of(mail)
    assert "never" not in text_of(mail)
    limit_job(rows, tenant, limit="calls_at_once", percent=100)
    mail, _to = sent(mail_app, outbox_of, sink)
    assert mail["Subject"] == "A limit is reached: calls at once"
    assert "7" in text_of(mail)
    assert "they hear a busy tone" in text_of(mail)


def test_where_nobody_is_told_of_alerts_a_tenants_admins_are(
    mail_app: Flask, rows: Rows, outbox_of: Outbox, sink: MailSink
):
    tenant, other = rows.tenant(), rows.tenant()
    admin = rows.user(tenant)
    rows.user(tenant, "Agent")
    rows.user(tenant, active=False)
    rows.user(other)
    limit_job(rows, tenant, limit="month_cents", percent=100)
    assert sent(mail_app, outbox_of, sink)[1] == {admin.email}


def change(app: Flask, tenant: models.Tenant, by: str, act: Any) -> None:
    with app.app_context(), acting_for(tenant.id):
        g.audit_actor = by
        act()
        db.session.commit()


def test_changed_telephones_are_told_to_all_owners_with_both_lists(
    mail_app: Flask, rows: Rows, tenant: models.Tenant, outbox_of: Outbox, sink: MailSink
):
    sales, admin = rows.department(tenant, name="Sales"), rows.user(tenant)

    def numbers() -> None:
        db.session.get_one(models.Department, sales.id).numbers = ["+12125550101", "+12125550102"]

    change(mail_app, tenant, "key:rk_abc", numbers)
    mail, to = sent(mail_app, outbox_of, sink)
    assert to == {"boss@example.com", admin.email}
    assert mail["Subject"] == "Other telephones are rung: telephones of Sales"
    for told in ("+12125550199", "+12125550101, +12125550102", "rk_abc"):
        assert told in text_of(mail)

    def forward() -> None:
        config = db.session.query(models.ReceptionistConfig).one()
        config.suspension_number, config.on_call_id = "+12125550103", sales.id
        db.session.add(models.Department(name="Service", numbers=["+12125550104"]))
        db.session.add(models.Department(name="Nobody", numbers=[]))

    change(mail_app, tenant, "user:nora", forward)
    before = len(sink.mails)
    sent(mail_app, outbox_of, sink)
    found = {mail["Subject"].strip(): text_of(mail) for mail in sink.mails[before:]}
    assert set(found) == {
        "Other telephones are rung: where callers are forwarded while suspended",
        "Other telephones are rung: who is on call for urgent words",
        "Other telephones are rung: telephones of Service",
    }
    on_call = found["Other telephones are rung: who is on call for urgent words"]
    assert "Sales (+12125550101, +12125550102)" in on_call
    assert "none" in on_call
    assert "nora" in on_call


def test_nothing_is_told_of_what_did_not_change_or_is_undone(
    mail_app: Flask, rows: Rows, tenant: models.Tenant, outbox_of: Outbox
):
    sales = rows.department(tenant, name="Sales")

    def same() -> None:
        row = db.session.get_one(models.Department, sales.id)
        row.numbers, row.description = list(row.numbers), "Orders"

    def undone() -> None:
        db.session.get_one(models.Department, sales.id).numbers = ["+12125550101"]
        db.session.flush()
        db.session.rollback()

    for act in (same, undone):
        change(mail_app, tenant, "user:nora", act)
    change(mail_app, tenant, "system", lambda: db.session.add(
        models.Department(name="Demo", numbers=["+12125550104"])
    ))  # fmt: skip
    assert outbox_of.jobs("numbers_mail") == []
