"""Messages that were spoken while nobody here could be told are found at Twilio, once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app import models
from app.carrier import Account
from app.models import JobStatus, Outcome
from tests.factories import Rows, sid
from tests.fakes.mail_sink import MailSink
from tests.fakes.twilio_rest import TwilioRest
from tests.jobs.conftest import Outbox

TOKEN = "0123456789abcdef0123456789abcdef"
CALLER, CALLED = "+12125550142", "+12125550100"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account(twilio: TwilioRest) -> Account:
    account = Account(sid("AC"), TOKEN, twilio.url)
    twilio.accounts[account.account_sid] = TOKEN
    return account


@pytest.fixture
def app(
    make_light: Callable[..., Flask], account: Account, twilio: TwilioRest, sink: MailSink
) -> Flask:
    return make_light(
        twilio_account_sid=account.account_sid, twilio_auth_token=TOKEN,
        twilio_api_url=twilio.url, mail_server="127.0.0.1", mail_port=sink.port,
        mail_use_tls=False,
    )  # fmt: skip


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    """Whose number rings since yesterday."""
    made = rows.tenant()
    rows.number(made, number=CALLED, created_at=datetime.now(UTC) - timedelta(days=1))
    rows.receptionist(made, lead_recipients=["owner@example.com"])
    return made


@pytest.fixture
def spoken(account: Account, twilio: TwilioRest) -> Callable[..., str]:
    """A call and the message of its caller, as Twilio has them; the id of the call."""

    def make(minutes: float = 10, called: str = CALLED, **told: Any) -> str:
        call_sid, at = sid("CA"), datetime.now(UTC).replace(microsecond=0) - minutes * MINUTE
        twilio.has_call(
            account.account_sid, call_sid, "completed", duration=40, ended_at=at,
            caller=CALLER, called=called, began_at=at - MINUTE,
        )  # fmt: skip
        twilio.has_message(account.account_sid, call_sid, at, **told)
        return call_sid

    return make


def collect(outbox_of: Outbox, app: Flask) -> dict[str, Any]:
    outbox_of.execute("delete from job where kind = 'collect_messages'")
    outbox_of.execute("insert into job (kind, key) values ('collect_messages', 'collect:1')")
    outbox_of.run(app)
    job = outbox_of.job("collect_messages")
    assert (job.status, job.last_error) == (JobStatus.DONE, "")
    return dict(job.result)


def test_a_message_nobody_was_told_of_becomes_a_lead_with_its_mails_once(
    app, tenant, twilio, spoken, outbox_of, sink
):
    call_sid = spoken()
    for kept in (1, 0, 0):
        assert collect(outbox_of, app) == {"accounts": 1, "kept": kept, "not_reached": 0}
    [call] = outbox_of.all(models.CallSession)
    assert (call.call_sid, call.tenant_id, call.caller) == (call_sid, tenant.id, CALLER)
    assert (call.outcome, call.state, call.duration) == (Outcome.LEAD, "ended", 40)
    assert timedelta(minutes=10) < datetime.now(UTC) - call.started_at < timedelta(minutes=12)
    [lead] = outbox_of.all(models.Lead)
    assert (lead.phone, lead.confirmed, lead.test) == (CALLER, False, False)
    [recording] = outbox_of.all(models.Recording)
    assert (recording.source, recording.status, recording.duration) == (
        "RecordVerb",
        "completed",
        9,
    )
    assert [c.kind for c in outbox_of.all(models.Consent)] == ["message"]
    [summary] = outbox_of.all(models.CallSummary)
    assert "spoke a message after the tone" in summary.text
    kinds = ("lead_notification", "summarise_call", "call_summary_mail")
    assert [len(outbox_of.jobs(kind)) for kind in kinds] == [1, 1, 1]
    assert [to for to in sink.envelopes if "owner@example.com" in to] == [["owner@example.com"]]


def test_what_is_known_fresh_silent_strange_or_older_than_the_number_is_left(
    app, rows, tenant, account, twilio, spoken, outbox_of
):
    known = spoken()
    call = rows.call(tenant, call_sid=known, outcome=Outcome.LEAD, state="ended")
    recording = next(r for r in twilio.recordings.values() if r["call_sid"] == known)
    rows.recording(tenant, call_id=call.id, recording_sid=recording["sid"], status="deleted")
    spoken(minutes=1)  # its callback is on its way
    spoken(seconds=0)
    spoken(called="+12125550999")  # a number of the account that no tenant has
    spoken(source="StartCallRecordingAPI")
    spoken(status="processing")
    twilio.has_message(account.account_sid, sid("CA"), datetime.now(UTC) - 9 * MINUTE)  # no call
    outbox_of.execute("update twilio_number set created_at = now() where number = :n", n=CALLED)
    spoken(minutes=5)  # the number was somebody else's then
    assert collect(outbox_of, app)["kept"] == 0
    assert len(outbox_of.all(models.CallSession)) == 1
    assert outbox_of.all(models.Lead) == []


def test_a_message_in_the_midst_of_a_call_is_kept_with_it(app, rows, tenant, spoken, outbox_of):
    fields = [{"key": "reason", "value": "A broken tooth", "known": "heard"}]
    memory = {"taking": True, "draft": {"fields": fields}}
    begun = rows.call(
        tenant, call_sid=spoken(), state="lead_capture", memory=memory, turn=3,
        last_turn_at=datetime.now(UTC),
    )  # fmt: skip
    over = rows.call(tenant, call_sid=spoken(), outcome=Outcome.ABANDONED, state="ended")
    assert collect(outbox_of, app)["kept"] == 2
    outcomes = {call.id: call.outcome for call in outbox_of.all(models.CallSession)}
    assert outcomes == {begun.id: Outcome.LEAD, over.id: Outcome.LEAD}
    reasons = {lead.call_id: lead.reason for lead in outbox_of.all(models.Lead)}
    assert reasons == {begun.id: "A broken tooth", over.id: ""}


def test_a_blocked_callers_message_is_no_lead(app, rows, tenant, spoken, outbox_of):
    rows.block(tenant, phone=CALLER)
    spoken()
    assert collect(outbox_of, app)["kept"] == 1
    [call] = outbox_of.all(models.CallSession)
    assert call.outcome == Outcome.BLOCKED
    assert outbox_of.all(models.Lead) == []


def test_an_account_speaks_only_for_its_own_tenants(
    app, rows, tenant, account, twilio, spoken, outbox_of
):
    """A tenant with an account of its own could make calls to any number there."""
    with app.app_context():
        own = models.Tenant()
        own.auth_token = TOKEN
    theirs = Account(sid("AC"), TOKEN, twilio.url)
    twilio.accounts[theirs.account_sid] = TOKEN
    rows.tenant(account_sid=theirs.account_sid, public_id=own.public_id,
                sealed_auth_token=own.sealed_auth_token)  # fmt: skip
    call_sid, at = sid("CA"), datetime.now(UTC) - 10 * MINUTE
    twilio.has_call(theirs.account_sid, call_sid, "completed", caller=CALLER, called=CALLED,
                    began_at=at)  # fmt: skip
    twilio.has_message(theirs.account_sid, call_sid, at)
    assert collect(outbox_of, app) == {"accounts": 2, "kept": 0, "not_reached": 0}
    assert outbox_of.all(models.CallSession) == []


def test_after_an_outage_of_twilio_nothing_is_skipped(app, tenant, twilio, spoken, outbox_of):
    assert collect(outbox_of, app)["kept"] == 0
    outbox_of.execute("update collected set until = until - interval '3 hours'")
    spoken(minutes=200)
    twilio.fault = 503
    assert collect(outbox_of, app)["not_reached"] == 1
    twilio.fault = None
    assert collect(outbox_of, app)["kept"] == 1
    spoken(minutes=100)  # from before the last time, and its overlap
    assert collect(outbox_of, app)["kept"] == 0
