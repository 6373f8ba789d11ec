"""A business that leaves: given back and deleted at Twilio first, then here; whatever happens."""

from collections.abc import Callable

import pytest
from flask import Flask

from app import models
from app.extensions import db
from app.jobs import leaving, running
from app.models import JobStatus
from app.tenancy import across_tenants
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.jobs.conftest import Outbox

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = sid("AC")
NUMBER = "+12125550161"


@pytest.fixture
def app(make_light: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[ACCOUNT] = TOKEN
    return make_light(
        twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_api_url=twilio.url
    )


@pytest.fixture
def tenant(rows: Rows, twilio: TwilioRest) -> models.Tenant:
    """Closed, with a row of every kind, a number and a recording at Twilio, and a job that waits
    for it to be deleted."""
    tenant = rows.tenant(status="closed")
    made = rows.every_kind(tenant)
    rows.user(tenant)
    rows.number(tenant, number=NUMBER)
    call = made[models.CallSession]
    twilio.has_call(ACCOUNT, call.call_sid, "in-progress")
    twilio.has_recording(ACCOUNT, call.call_sid, made[models.Recording].recording_sid)
    kept = rows.recording(tenant, call_id=call.id, status="in-progress")
    twilio.has_recording(ACCOUNT, call.call_sid, kept.recording_sid)
    twilio.recordings[made[models.Recording].recording_sid]["status"] = "completed"
    twilio.has_number(ACCOUNT, NUMBER)
    rows.job(kind="delete_tenant", key="leave", args={"of": tenant.id, "actor": "user:ada"})
    return tenant


def owned(app: Flask, tenant: models.Tenant) -> dict[str, int]:
    """Rows of the tenant's, by table; without those it has none in."""
    with app.app_context(), across_tenants():
        counts = {
            table.name: db.session.query(table).filter(table.c.tenant_id == tenant.id).count()
            for table in db.metadata.sorted_tables
            if "tenant_id" in table.columns
        }
        counts["tenant"] = db.session.query(models.Tenant).filter_by(id=tenant.id).count()
        db.session.rollback()
    return {name: count for name, count in counts.items() if count}


def again(outbox_of: Outbox, app: Flask) -> models.Job:
    outbox_of.execute("update job set run_at = clock_timestamp() where kind = 'delete_tenant'")
    outbox_of.run(app)
    return outbox_of.job("delete_tenant")


def test_everything_goes_and_the_audit_log_tells(app, rows, tenant, twilio, outbox_of):
    other = rows.tenant()
    rows.every_kind(other)
    before = owned(app, other)
    elsewhere = twilio.has_number(ACCOUNT, "+12125550162")
    outbox_of.run(app)
    job = outbox_of.job("delete_tenant")
    assert (job.status, job.last_error) == (JobStatus.DONE, "")
    assert owned(app, tenant) == {"audit_log": 1}
    [entry] = outbox_of.all(models.AuditLog)
    assert (entry.action, entry.entity, entry.entity_id) == ("delete", "Tenant", tenant.id)
    assert (entry.actor, entry.tenant_id) == ("user:ada", tenant.id)
    assert twilio.recordings == {}
    assert list(twilio.numbers) == [elsewhere]
    assert [call["status"] for call in twilio.calls.values()] == ["completed"]
    assert owned(app, other) == before
    assert again(outbox_of, app).status == JobStatus.DONE


@pytest.mark.parametrize("fault", [500, 429])
def test_without_twilio_it_stays_closed_and_says_why(app, tenant, twilio, outbox_of, fault):
    twilio.fault = fault
    outbox_of.run(app)
    job = outbox_of.job("delete_tenant")
    assert (job.status, job.attempts) == (JobStatus.WAITING, 1)
    assert f"Twilio answered {fault}" in job.last_error
    assert TOKEN not in job.last_error
    assert {"tenant", "call_session", "twilio_number", "recording"} <= owned(app, tenant).keys()
    assert all(key.revoked_at for key in outbox_of.all(models.ApiKey))
    assert not any(user.active for user in outbox_of.all(models.User))
    twilio.fault = None
    assert again(outbox_of, app).status == JobStatus.DONE
    assert "tenant" not in owned(app, tenant)


def test_a_wrong_token_ends_it_with_the_reason(app, tenant, twilio, outbox_of):
    twilio.accounts[ACCOUNT] = "another"
    outbox_of.run(app)
    job = outbox_of.job("delete_tenant")
    assert job.status == JobStatus.DEAD
    assert "auth token is wrong" in job.last_error
    assert "tenant" in owned(app, tenant)
    assert [j.args["reason"] for j in outbox_of.jobs("alert_mail")] == [job.last_error]


STEPS = (
    "_place", "_hang_up", "_delete_recordings", "_give_numbers_back", "_delete_rows", "_delete",
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_before_any_step_leaves_work_that_can_go_on(
    app, tenant, twilio, outbox_of, monkeypatch, step
):
    """The claim's lease runs out, as it does when a process is killed."""

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(leaving, step, die)
        with pytest.raises(SystemExit):
            outbox_of.run(app)
    outbox_of.execute("update job set lease_until = clock_timestamp() - interval '1 second'")
    assert again(outbox_of, app).status == JobStatus.DONE
    assert owned(app, tenant) == {"audit_log": 1}
    assert twilio.recordings == twilio.numbers == {}


def test_much_work_is_done_in_several_goes_that_do_not_count_as_failures(
    app, tenant, twilio, outbox_of, monkeypatch
):
    monkeypatch.setattr(leaving, "MOST_SECONDS", 0.0)
    with app.app_context():
        running.run(running.claim())
        while outbox_of.job("delete_tenant").status == JobStatus.WAITING:
            assert outbox_of.job("delete_tenant").attempts == 0
            running.run(running.claim())
    assert outbox_of.job("delete_tenant").status == JobStatus.DONE
    assert owned(app, tenant) == {"audit_log": 1}


def test_a_tenant_that_was_opened_again_is_kept(app, tenant, twilio, outbox_of):
    outbox_of.execute("update tenant set status = 'active' where id = :id", id=tenant.id)
    outbox_of.run(app)
    job = outbox_of.job("delete_tenant")
    assert job.status == JobStatus.DEAD
    assert "opened again" in job.last_error
    assert "call_session" in owned(app, tenant)
    assert len(twilio.numbers) == 1


def own_account(app: Flask, tenant: models.Tenant, account: str, token: str) -> None:
    with app.app_context(), across_tenants():
        row = db.session.get(models.Tenant, tenant.id)
        row.account_sid, row.auth_token = account, token
        db.session.commit()


def test_its_subaccount_is_closed_and_asked_with_the_token_that_twilio_tells(
    app, rows, twilio, outbox_of
):
    tenant = rows.tenant(status="closed")
    account = sid("AC")
    twilio.accounts[account], twilio.parents[account] = "its own", ACCOUNT
    twilio.names[account], twilio.statuses[account] = "Shop", "active"
    twilio.has_number(account, NUMBER)
    rows.number(tenant, number=NUMBER)
    own_account(app, tenant, account, "an older one")
    rows.job(kind="delete_tenant", key="leave", args={"of": tenant.id})
    outbox_of.run(app)
    assert outbox_of.job("delete_tenant").status == JobStatus.DONE
    assert twilio.statuses[account] == "closed"
    assert twilio.numbers == {}
    assert "tenant" not in owned(app, tenant)


def test_numbers_in_an_account_of_the_business_itself_are_its_own(app, rows, twilio, outbox_of):
    tenant = rows.tenant(status="closed")
    account = sid("AC")
    twilio.accounts[account] = "its own"
    twilio.has_number(account, NUMBER)
    rows.number(tenant, number=NUMBER)
    call = rows.call(tenant, outcome="answered")
    twilio.has_recording(account, call.call_sid, status="completed")
    rows.recording(tenant, call_id=call.id, recording_sid=next(iter(twilio.recordings)))
    own_account(app, tenant, account, "its own")
    rows.job(kind="delete_tenant", key="leave", args={"of": tenant.id})
    outbox_of.run(app)
    job = outbox_of.job("delete_tenant")
    assert job.result == {"deleted": True, "numbers_left": [NUMBER]}
    assert len(twilio.numbers) == 1
    assert twilio.recordings == {}
    assert account not in twilio.statuses


def test_without_any_account_only_rows_go(light_app, rows, outbox_of):
    tenant = rows.tenant(status="closed")
    rows.every_kind(tenant)
    rows.job(kind="delete_tenant", key="leave", args={"of": tenant.id})
    outbox_of.run(light_app)
    assert outbox_of.job("delete_tenant").status == JobStatus.DONE
    assert owned(light_app, tenant) == {"audit_log": 1}


def test_work_of_a_closed_business_ends_but_for_what_takes_away(app, rows, twilio, outbox_of):
    tenant = rows.tenant(status="closed")
    call = rows.call(tenant)
    kept = rows.recording(tenant, call_id=call.id, status="completed")
    twilio.has_call(ACCOUNT, call.call_sid, "completed")
    twilio.has_recording(ACCOUNT, call.call_sid, kept.recording_sid, status="completed")
    rows.job(tenant, kind="summarise_call", call_id=call.id)
    rows.job(
        tenant, kind="delete_recording", call_id=call.id,
        args={"recording_sid": kept.recording_sid},
    )  # fmt: skip
    outbox_of.run(app)
    summary = outbox_of.job("summarise_call")
    assert (summary.status, summary.last_error) == (JobStatus.DEAD, "The business is closed.")
    assert outbox_of.job("delete_recording").status == JobStatus.DONE
    assert outbox_of.jobs("alert_mail") == outbox_of.all(models.CallSummary) == []
    assert twilio.recordings == {}
