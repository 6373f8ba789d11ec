"""What was given up is taken up again or set aside by a person, one by one or a kind at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import models
from app.extensions import db
from app.figures import waiting
from app.figures.behind import Figure
from app.figures.period import Period
from app.jobs import again
from app.jobs.again import NotPossible, Taken
from app.models import Job, JobKind, JobStatus, TenantStatus
from app.tenancy import across_tenants, acting_for
from tests.factories import Rows
from tests.fakes.mail_sink import MailSink
from tests.jobs.conftest import Outbox


def dead(rows: Rows, tenant: models.Tenant | None, **values: Any) -> Job:
    usual = {"status": "dead", "attempts": 12, "last_error": "refused", "finished_at": at()}
    return rows.job(tenant, **usual | values)


def at() -> datetime:
    return datetime.now(UTC)


def wants_a_person(app: Flask) -> int:
    today = at().date()
    with app.app_context(), across_tenants():
        found = waiting.counts(Period(today, today, UTC, at()), [Figure.WORK, Figure.MAILS])
        db.session.rollback()
    return sum(found.values())


def test_a_mail_that_was_given_up_is_sent_after_all_under_its_own_id(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
) -> None:
    tenant = rows.tenant()
    rows.receptionist(tenant, lead_recipients=["desk@example.com"])
    rows.job(tenant, kind=JobKind.LEAD_NOTIFICATION, args={"lead_id": rows.lead(tenant).id})
    sink.data_replies = ["554 not today"]
    outbox_of.run(mail_app)
    job = outbox_of.job("lead_notification")
    assert (job.status, job.result["answers"]) == ("dead", {"desk@example.com": "554 not today"})
    assert "New message from Ada Byron" in job.result["html"]
    with mail_app.app_context(), acting_for(tenant.id):
        again.replay(db.session.get_one(Job, job.id))
        db.session.commit()
        with pytest.raises(NotPossible, match="under way"):
            again.replay(db.session.get_one(Job, job.id))
        db.session.rollback()
    outbox_of.run(mail_app)
    after = outbox_of.job("lead_notification")
    assert (after.id, after.status, after.attempts) == (job.id, "done", 1)
    assert after.result["answers"] == {"desk@example.com": "250 OK"}
    assert sink.mails[0]["Message-ID"] == job.result["message_id"]


def test_all_of_a_kind_are_taken_up_but_those_that_would_only_be_given_up_again(
    light_app: Flask, rows: Rows, outbox_of: Outbox
) -> None:
    one, two, closed = rows.tenant(), rows.tenant(), rows.tenant(status=TenantStatus.CLOSED)
    hook = rows.webhook(one)
    off = rows.webhook(two, active=False)
    listens = dead(rows, one, kind=JobKind.WEBHOOK_OUT, webhook_id=hook.id, args={"event": "x"})
    deaf = dead(rows, two, kind=JobKind.WEBHOOK_OUT, webhook_id=off.id)
    other_kind = dead(rows, one, kind=JobKind.ALERT_MAIL)
    aside = dead(rows, one, kind=JobKind.WEBHOOK_OUT, webhook_id=hook.id, status="set_aside")
    gone, deletion = dead(rows, closed), dead(rows, closed, kind=JobKind.DELETE_RECORDING)
    with light_app.app_context(), across_tenants():
        assert again.replay_kind(JobKind.WEBHOOK_OUT) == Taken(rows=1, left=1)
        assert again.replay_kind(JobKind.START_RECORDING) == Taken(rows=0, left=1)
        assert again.replay_kind(JobKind.DELETE_RECORDING) == Taken(rows=1, left=0)
        with pytest.raises(NotPossible, match="business is closed"):
            again.replay(db.session.get_one(Job, gone.id))
        with pytest.raises(NotPossible, match="switched off"):
            again.replay(db.session.get_one(Job, deaf.id))
        db.session.commit()
    states = {job.id: job.status for job in outbox_of.jobs()}
    taken = {listens.id, deletion.id}
    assert {pk for pk, status in states.items() if status == "waiting"} == taken
    assert (states[other_kind.id], states[aside.id]) == ("dead", "set_aside")
    (first, *_) = outbox_of.jobs("webhook_out")
    assert (first.args, first.attempts, first.finished_at) == (
        {"event": "x", "replay": True},
        0,
        None,
    )


def test_what_is_set_aside_wants_nobody_and_goes_after_its_time(
    light_app: Flask, rows: Rows, outbox_of: Outbox
) -> None:
    tenant = rows.tenant()
    job = dead(rows, tenant)
    old = {"finished_at": at() - timedelta(days=31), "kind": JobKind.ALERT_MAIL}
    kept = dead(rows, tenant, **old)
    dead(rows, tenant, status="set_aside", **old)
    assert wants_a_person(light_app) == 2
    with light_app.app_context(), acting_for(tenant.id):
        again.set_aside(db.session.get_one(Job, job.id))
        db.session.commit()
        with pytest.raises(NotPossible, match="nothing to set aside"):
            again.set_aside(db.session.scalars(select(Job).where(Job.id == job.id)).one())
        db.session.rollback()
    assert wants_a_person(light_app) == 1
    outbox_of.execute("insert into job (kind, key) values ('cleanup', 'cleanup:1')")
    outbox_of.run(light_app)
    assert {one.id for one in outbox_of.jobs() if one.tenant_id} == {job.id, kept.id}
    with light_app.app_context(), acting_for(tenant.id):
        again.replay(db.session.get_one(Job, job.id))  # it can still be tried
        db.session.commit()
    assert next(one for one in outbox_of.jobs() if one.id == job.id).status == JobStatus.WAITING
