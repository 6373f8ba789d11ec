"""What a tenant limits goes when its days are over, at Twilio first; all else stays."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app import models
from app.jobs import retention
from app.models import JobKind, JobStatus, Outcome, RecordingStatus
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.jobs.conftest import Outbox

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = sid("AC")
AGES = (1, 5, 40)  # days


@pytest.fixture
def app(make_light: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[ACCOUNT] = TOKEN
    return make_light(
        twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_api_url=twilio.url
    )


def ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def past(rows: Rows, twilio: TwilioRest, **days: int) -> models.Tenant:
    """A business with a call of each age and all that hangs on it."""
    tenant = rows.tenant()
    rows.receptionist(tenant, **days)
    for age in AGES:
        at = {"created_at": ago(age)}
        call = rows.call(
            tenant, started_at=ago(age), outcome=Outcome.LEAD, memory={"last_words": "a quote"}
        )
        rows.transcript(tenant, call_id=call.id, text=f"said {age} days ago", **at)
        rows.summary(tenant, call_id=call.id, **at)
        rows.lead(tenant, call_id=call.id, name=f"{age}", **at)
        rows.gap(tenant, call_id=call.id, last_asked_at=ago(age))
        recording = rows.recording(tenant, call_id=call.id, status="completed", **at)
        twilio.has_call(ACCOUNT, call.call_sid, "completed")
        twilio.has_recording(ACCOUNT, call.call_sid, recording.recording_sid, status="completed")
        for status in (JobStatus.DONE, JobStatus.DEAD):
            rows.job(tenant, status=status, finished_at=ago(age), result={"text": "a mail"})
    return tenant


def clean(rows: Rows, outbox_of: Outbox, app: Flask) -> models.Job:
    """Two rounds of the schedule: what Twilio must do first is done by then."""
    for n in range(2):
        job = rows.job(None, kind=JobKind.CLEANUP, key=f"cleanup:{n}:{sid('')}")
        outbox_of.run(app)
        outbox_of.run(app)
    return next(j for j in outbox_of.jobs("cleanup") if j.id == job.id)


def left(outbox_of: Outbox, tenant: models.Tenant, model: Any) -> list[Any]:
    return [row for row in outbox_of.all(model) if row.tenant_id == tenant.id]


def test_without_limits_everything_is_kept(app, rows, twilio, outbox_of):
    tenant = past(rows, twilio)
    clean(rows, outbox_of, app)
    for model in (models.CallSession, models.Transcript, models.Lead, models.KnowledgeGap):
        assert len(left(outbox_of, tenant, model)) == len(AGES)
    assert len(twilio.recordings) == len(AGES)


def test_each_kind_goes_after_its_own_days_and_only_of_that_tenant(app, rows, twilio, outbox_of):
    tenant = past(rows, twilio, transcript_days=3, recording_days=10, call_days=30, lead_days=6)
    other = past(rows, twilio)
    clean(rows, outbox_of, app)
    assert len(left(outbox_of, tenant, models.Transcript)) == 1
    assert len(left(outbox_of, tenant, models.CallSummary)) == 1
    assert len(left(outbox_of, tenant, models.KnowledgeGap)) == 1
    assert [lead.name for lead in left(outbox_of, tenant, models.Lead)] == ["1", "5"]
    calls = left(outbox_of, tenant, models.CallSession)
    assert [bool(call.memory) for call in calls] == [True, False]
    assert [r.status for r in left(outbox_of, tenant, models.Recording)] == ["completed"] * 2
    mine = {r.recording_sid for r in left(outbox_of, tenant, models.Recording)}
    assert set(twilio.recordings) == mine | {
        r.recording_sid for r in left(outbox_of, other, models.Recording)
    }
    ended = [j for j in left(outbox_of, tenant, models.Job) if j.result.get("text")]
    assert len(ended) == 2  # one done, one given up, both a day old
    for model in (models.CallSession, models.Transcript, models.Lead, models.KnowledgeGap):
        assert len(left(outbox_of, other, model)) == len(AGES)


def test_a_call_stays_until_twilio_has_deleted_its_recording(app, rows, twilio, outbox_of):
    tenant = past(rows, twilio, call_days=3)
    twilio.fault = 503
    clean(rows, outbox_of, app)
    assert len(left(outbox_of, tenant, models.CallSession)) == len(AGES)
    statuses = [r.status for r in left(outbox_of, tenant, models.Recording)]
    assert statuses == ["completed", RecordingStatus.DELETING, RecordingStatus.DELETING]
    twilio.fault = None
    outbox_of.make_due()
    clean(rows, outbox_of, app)
    assert len(left(outbox_of, tenant, models.CallSession)) == 1
    assert len(twilio.recordings) == 1


def test_much_goes_in_batches_and_the_job_goes_on(app, rows, twilio, outbox_of, monkeypatch):
    tenant = past(rows, twilio, transcript_days=2)
    call = left(outbox_of, tenant, models.CallSession)[0]
    for _ in range(5):
        rows.transcript(tenant, call_id=call.id, created_at=ago(9))
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr("app.jobs.upkeep.MOST_SECONDS", -1.0)
    rows.job(None, kind=JobKind.CLEANUP, key="cleanup:x")
    with app.app_context():
        from app.jobs import running

        running.run(running.claim())
    job = outbox_of.job("cleanup")
    assert (job.status, job.attempts) == (JobStatus.WAITING, 0)
    monkeypatch.setattr("app.jobs.upkeep.MOST_SECONDS", 60.0)
    outbox_of.run(app)
    assert len(left(outbox_of, tenant, models.Transcript)) == 1


def test_mails_kept_as_files_go_with_the_jobs_that_wrote_them(app, rows, twilio, outbox_of):
    strict, free = past(rows, twilio, lead_days=3), past(rows, twilio)
    folder = app.extensions["settings"].data_dir / "mail"
    folder.mkdir(exist_ok=True)
    for tenant in (strict.id, free.id, "platform"):
        for age in AGES:
            path = folder / f"job-{tenant}-{age}.eml"
            path.write_text("a caller's words")
            os.utime(path, (ago(age).timestamp(),) * 2)
    clean(rows, outbox_of, app)
    names = {path.name for path in folder.iterdir() if path.name.count("-") == 2}
    assert names >= {f"job-{strict.id}-1.eml", f"job-{free.id}-1.eml", f"job-{free.id}-5.eml"}
    assert f"job-{strict.id}-5.eml" not in names
    assert not [name for name in names if name.endswith("-40.eml")]
