"""Webhooks as a business's own server sees them."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import models
from app.calls import finish_call
from app.extensions import db
from app.jobs import again, events
from app.models import Channel, JobStatus, WebhookEvent
from app.tenancy import acting_for
from tests.factories import Rows
from tests.fakes.hook_server import HookServer, Received
from tests.jobs.conftest import Outbox

SECRET = "a secret of sixteen"
ALL = [str(event) for event in WebhookEvent]


@pytest.fixture(scope="module")
def _server() -> Iterator[HookServer]:
    with HookServer() as server:
        yield server


@pytest.fixture
def server(_server: HookServer) -> HookServer:
    _server.reset()
    return _server


@pytest.fixture
def worker(make_light: Callable[..., Flask], server: HookServer) -> Flask:
    """May reach the stand-in, which is inside."""
    return make_light(webhook_allow_hosts=(server.host,))


@pytest.fixture
def strict(make_light: Callable[..., Flask]) -> Flask:
    """As it is without WEBHOOK_ALLOW_HOSTS."""
    return make_light()


@pytest.fixture
def outbox(worker: Flask) -> Outbox:
    return Outbox(worker)


@pytest.fixture
def hooked(rows: Rows, server: HookServer) -> models.Tenant:
    """A tenant whose one endpoint wants every event."""
    tenant = rows.tenant()
    rows.webhook(tenant, url=server.url, events=ALL, secret=SECRET)
    return tenant


def end_call(app: Flask, rows: Rows, tenant: models.Tenant, **values: Any) -> models.CallSession:
    call = rows.call(tenant, **values)
    with app.app_context(), acting_for(tenant.id):
        finish_call(db.session.get_one(models.CallSession, call.id), ended_by="caller", duration=7)
        db.session.commit()
    return call


def hooks(outbox: Outbox) -> list[models.Job]:
    return outbox.jobs("webhook_out")


def verifies(received: Received, secret: str, tolerance: int = 300) -> bool:
    """As docs/webhooks.md tells a receiver to, without any code of ours."""
    fields = [
        part.split("=", 1) for part in received.headers["X-Receptionist-Signature"].split(",")
    ]
    (at,) = [value for name, value in fields if name == "t"]
    signed = at.encode() + b"." + received.body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(at)) <= tolerance
    return fresh and any(hmac.compare_digest(v, expected) for n, v in fields if n == "v1")


def test_the_end_of_a_call_is_told_signed(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    call = end_call(worker, rows, hooked)
    outbox.run()
    (got,) = server.received
    assert verifies(got, SECRET)
    assert not verifies(got, SECRET + "x")
    assert not verifies(Received(got.path, got.headers, got.body + b" "), SECRET)
    assert got.headers["X-Receptionist-Event"] == "call.ended"
    assert got.headers["Content-Type"] == "application/json"
    told = json.loads(got.body)
    assert told.keys() == {"event", "id", "occurred_at", "tenant", "test", "data"}
    assert (told["event"], told["tenant"], told["test"]) == ("call.ended", hooked.id, False)
    assert told["occurred_at"].endswith("Z")
    data = told["data"]
    assert (data["id"], data["call_sid"]) == (call.id, call.call_sid)
    assert (data["outcome"], data["duration"]) == ("abandoned", 7)
    (job,) = hooks(outbox)
    assert job.status == JobStatus.DONE
    assert job.result == {"status": 200, "answer": "thanks"}


def test_a_test_call_says_so(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    end_call(worker, rows, hooked, channel=Channel.TEST)
    outbox.run()
    assert json.loads(server.received[0].body)["test"] is True


def test_the_same_event_twice_is_one_delivery(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant
) -> None:
    call = end_call(worker, rows, hooked)
    with worker.app_context(), acting_for(hooked.id):
        events.call_ended(db.session.get_one(models.CallSession, call.id))
        db.session.commit()
    assert len(hooks(outbox)) == 1


def test_a_rolled_back_cause_tells_nobody(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant
) -> None:
    call = rows.call(hooked)
    with worker.app_context(), acting_for(hooked.id):
        finish_call(db.session.get_one(models.CallSession, call.id), ended_by="caller")
        db.session.rollback()
    assert hooks(outbox) == []


def test_only_active_endpoints_that_want_the_event_are_told(
    worker: Flask, rows: Rows, outbox: Outbox, server: HookServer
) -> None:
    tenant = rows.tenant()
    rows.webhook(tenant, url=server.url, events=ALL, secret=SECRET, active=False)
    rows.webhook(tenant, url=server.url, events=["lead.created"], secret=SECRET)
    rows.webhook(tenant, url=server.url, events=[], secret=SECRET)
    end_call(worker, rows, tenant)
    assert hooks(outbox) == []


def test_each_endpoint_is_told_of_the_same_event_under_a_delivery_of_its_own(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    rows.webhook(hooked, url=server.url, events=ALL, secret=SECRET)
    end_call(worker, rows, hooked)
    outbox.run()
    assert len({json.loads(got.body)["id"] for got in server.received}) == 1
    assert len({got.headers["X-Receptionist-Delivery"] for got in server.received}) == 2


def test_a_tenant_is_never_told_of_anothers_events(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    other = rows.tenant()
    end_call(worker, rows, other)
    outbox.run()
    assert (hooks(outbox), server.received) == ([], [])
    call = rows.call(other)
    with worker.app_context(), acting_for(other.id):  # not even by a row that names its endpoint
        theirs = outbox.all(models.WebhookEndpoint)[0]
    with pytest.raises(Exception, match="foreign key"):
        rows.job(
            other, kind="webhook_out", webhook_id=theirs.id, call_id=call.id,
            args={"event": "call.ended"},
        )  # fmt: skip


def test_a_failure_is_tried_again_under_the_same_delivery_with_the_same_body(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    end_call(worker, rows, hooked)
    server.status, server.answer = 503, b"later\x00" + b"x" * 1000
    outbox.run()
    (job,) = hooks(outbox)
    assert (job.status, job.last_error) == (JobStatus.WAITING, "it answered 503")
    assert job.result == {"status": 503, "answer": "later" + "x" * 495}
    assert job.run_at > datetime.now(UTC)
    server.reset()
    outbox.make_due()
    before = len(server.received)
    outbox.run()
    assert before == 0
    assert hooks(outbox)[0].status == JobStatus.DONE


def test_retries_are_the_same_delivery(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    end_call(worker, rows, hooked)
    server.status = 500
    for _ in range(3):
        outbox.make_due()
        outbox.run()
    assert len(server.received) == 3
    assert len({got.body for got in server.received}) == 1
    assert len({got.headers["X-Receptionist-Delivery"] for got in server.received}) == 1
    assert all(verifies(got, SECRET) for got in server.received)
    outbox.execute("update job set attempts = 31 where kind = 'webhook_out'")
    outbox.make_due()
    outbox.run()
    assert hooks(outbox)[0].status == JobStatus.DEAD


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer,
    status: int,
) -> None:  # fmt: skip
    end_call(worker, rows, hooked)
    server.status, server.location = status, server.url
    outbox.run()
    assert len(server.received) == 1
    assert "redirects are not followed" in hooks(outbox)[0].last_error


def test_410_switches_the_endpoint_off(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    end_call(worker, rows, hooked)
    end_call(worker, rows, hooked)
    server.status = 410
    outbox.run()
    assert len(server.received) == 1
    (endpoint,) = outbox.all(models.WebhookEndpoint)
    assert not endpoint.active
    first, second = hooks(outbox)
    assert (first.status, first.result["status"]) == (JobStatus.DEAD, 410)
    assert (second.status, second.result) == (
        JobStatus.DONE, {"skipped": "the webhook is deleted or switched off"},
    )  # fmt: skip
    assert outbox.jobs("alert_mail")
    end_call(worker, rows, hooked)
    assert len(hooks(outbox)) == 2


def test_an_endpoint_that_fails_does_not_hold_up_the_others(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    for _ in range(5):
        end_call(worker, rows, hooked)
    server.status = 500
    outbox.run()
    assert len(server.received) == 1
    assert {job.status for job in outbox.jobs("summarise_call")} == {JobStatus.DONE}
    waiting = [job.run_at for job in hooks(outbox) if not job.attempts]
    assert len(waiting) == 4
    assert min(waiting) > datetime.now(UTC) + timedelta(seconds=30)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://[::ffff:7f00:1]/", "https://2130706433/", "http://localhost/",
        "https://169.254.169.254/latest/meta-data/", "https://10.0.0.1:8443/",
    ],
)  # fmt: skip
def test_an_address_inside_is_never_asked_even_if_it_was_stored(
    strict: Flask, rows: Rows, url: str
) -> None:
    tenant = rows.tenant()
    rows.webhook(tenant, url=url, events=ALL, secret=SECRET)
    end_call(strict, rows, tenant)
    outbox = Outbox(strict)
    outbox.run()
    (job,) = hooks(outbox)
    assert job.status == JobStatus.DEAD
    assert "address" in job.last_error


def test_the_stand_in_is_refused_unless_the_operator_allows_it(
    strict: Flask, rows: Rows, hooked: models.Tenant, server: HookServer
) -> None:
    end_call(strict, rows, hooked)
    Outbox(strict).run()
    assert server.received == []


def test_during_a_rotation_both_secrets_sign(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    with worker.app_context(), acting_for(hooked.id):
        endpoint = db.session.scalars(select(models.WebhookEndpoint)).one()
        fresh = endpoint.rotate_secret()
        db.session.commit()
    end_call(worker, rows, hooked)
    outbox.run()
    (got,) = server.received
    assert got.headers["X-Receptionist-Signature"].count("v1=") == 2
    assert verifies(got, SECRET)
    assert verifies(got, fresh)
    outbox.execute("update webhook_endpoint set former_until = clock_timestamp()")
    end_call(worker, rows, hooked)
    outbox.run()
    after = server.received[-1]
    assert (verifies(after, SECRET), verifies(after, fresh)) == (False, True)


def test_a_deleted_endpoint_keeps_its_log_and_is_told_nothing(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    end_call(worker, rows, hooked)
    outbox.execute("delete from webhook_endpoint")
    outbox.run()
    (job,) = hooks(outbox)
    assert (job.webhook_id, job.status, server.received) == (None, JobStatus.DONE, [])


def test_what_is_told_is_what_was_when_it_happened(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    lead = rows.lead(hooked, name="Ada Byron", department_id=rows.department(hooked).id)
    with worker.app_context(), acting_for(hooked.id):
        events.lead_created(db.session.get_one(models.Lead, lead.id))
        db.session.commit()
    outbox.execute("update lead set name = 'Somebody Else'")
    outbox.run()
    data = json.loads(server.received[0].body)["data"]
    assert (data["name"], data["department"]) == ("Ada Byron", lead.department_id)


def test_replaying_sends_the_same_again_marked(
    worker: Flask, rows: Rows, outbox: Outbox, hooked: models.Tenant, server: HookServer
) -> None:
    end_call(worker, rows, hooked)
    with worker.app_context(), acting_for(hooked.id):
        job = db.session.scalars(select(models.Job).filter_by(kind="webhook_out")).one()
        with pytest.raises(again.NotPossible, match="still being sent"):
            again.replay(job)
        db.session.rollback()
    outbox.run()
    with worker.app_context(), acting_for(hooked.id):
        again.replay(db.session.scalars(select(models.Job).filter_by(kind="webhook_out")).one())
        db.session.commit()
    outbox.run()
    first, second = server.received
    assert first.body == second.body
    same = "X-Receptionist-Delivery"
    assert first.headers[same] == second.headers[same]
    assert "X-Receptionist-Replay" not in first.headers
    assert second.headers["X-Receptionist-Replay"] == "true"
    assert verifies(second, SECRET)
