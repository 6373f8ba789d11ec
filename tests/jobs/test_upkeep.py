"""Upkeep: calls whose end was never told are ended, rows that have served their time go."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app import carrier, models
from app.carrier import Account, CarrierError
from app.embedded.ports import free_port
from app.models import (
    CallSession,
    CallState,
    Channel,
    JobKind,
    JobStatus,
    Outcome,
    TransferAttempt,
    TransferStatus,
)
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.jobs.conftest import Outbox

TOKEN = "0123456789abcdef0123456789abcdef"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account(twilio: TwilioRest) -> Account:
    account = Account(sid("AC"), TOKEN, twilio.url)
    twilio.accounts[account.account_sid] = TOKEN
    return account


@pytest.fixture
def app(make_light: Callable[..., Flask], account: Account, twilio: TwilioRest) -> Flask:
    return make_light(
        twilio_account_sid=account.account_sid,
        twilio_auth_token=TOKEN,
        twilio_api_url=twilio.url,
    )


def quiet_call(rows: Rows, minutes: float = 4, age: float = 10, **values: Any) -> CallSession:
    now = datetime.now(UTC)
    usual = {"started_at": now - MINUTE * max(age, minutes), "last_turn_at": now - MINUTE * minutes}
    return rows.call(values.pop("tenant", None) or rows.tenant(), **usual | values)


def close(outbox_of: Outbox, app: Flask | None = None) -> CallSession:
    """Run close_orphans only; the call as it is then."""
    outbox_of.execute("insert into job (kind, key) values ('close_orphans', 'close_orphans:1')")
    outbox_of.execute("update job set run_at = 'infinity' where kind <> 'close_orphans'")
    outbox_of.run(app)
    job = outbox_of.job("close_orphans")
    assert (job.status, job.last_error) == (JobStatus.DONE, "")
    (call,) = outbox_of.all(CallSession)
    return call


def test_a_call_that_twilio_says_has_ended_is_ended(app, rows, account, twilio, outbox_of):
    call = quiet_call(rows)
    ended = datetime.now(UTC).replace(microsecond=0) - 2 * MINUTE
    twilio.has_call(account.account_sid, call.call_sid, "completed", duration=95, ended_at=ended)
    after = close(outbox_of, app)
    assert (after.state, after.outcome) == (CallState.ENDED, Outcome.ABANDONED)
    assert (after.duration, after.ended_at) == (95, ended)
    assert outbox_of.job("summarise_call").call_id == call.id


def test_a_call_that_is_still_going_on_is_left_alone(app, rows, account, twilio, outbox_of):
    call = quiet_call(rows, minutes=60, age=70, state=CallState.TRANSFER_ATTEMPT)
    twilio.has_call(account.account_sid, call.call_sid, "in-progress")
    assert close(outbox_of, app).outcome is None
    assert [method for method, _ in twilio.asked] == ["GET"]


@pytest.mark.parametrize(
    ("accepted_by", "status", "outcome"),
    [
        ("+12125550199", TransferStatus.ANSWERED, Outcome.TRANSFERRED),
        (None, TransferStatus.NO_ANSWER, Outcome.ABANDONED),
    ],
)
def test_of_a_transfer_nobody_told_of_whoever_pressed_1_talked(
    app, rows, account, twilio, outbox_of, accepted_by, status, outcome
):
    tenant = rows.tenant()
    call = quiet_call(rows, state=CallState.TRANSFER_ATTEMPT, tenant=tenant)
    rows.transfer(tenant, call_id=call.id, accepted_by=accepted_by)
    twilio.has_call(account.account_sid, call.call_sid, "completed", duration=95)
    assert close(outbox_of, app).outcome == outcome
    (attempt,) = outbox_of.all(TransferAttempt)
    assert attempt.status == status


@pytest.mark.parametrize(
    ("state", "minutes", "age", "hung_up"),
    [
        (CallState.INTENT, 4, 9, False),
        (CallState.INTENT, 4, 14, True),
        (CallState.TRANSFER_ATTEMPT, 19, 60, False),
        (CallState.TRANSFER_ATTEMPT, 31, 32, True),
    ],
)
def test_a_live_call_past_its_tenants_limit_is_hung_up(
    app, rows, account, twilio, outbox_of, state, minutes, age, hung_up
):
    """Ten minutes of a call, twenty of a transfer."""
    tenant = rows.tenant()
    rows.limits(tenant, call_seconds=600, talk_seconds=1200)
    call = quiet_call(rows, minutes=minutes, age=age, state=state, tenant=tenant)
    twilio.has_call(account.account_sid, call.call_sid, "in-progress")
    assert (close(outbox_of, app).outcome == Outcome.ABANDONED) == hung_up
    assert (twilio.calls[call.call_sid]["status"] == "completed") == hung_up


def test_a_call_of_a_moment_ago_is_not_even_looked_at(app, rows, twilio, outbox_of):
    quiet_call(rows, minutes=1)
    assert close(outbox_of, app).outcome is None
    assert twilio.asked == []


@pytest.mark.parametrize(("minutes", "open_still"), [(5, True), (11, False)])
def test_while_twilio_is_down_a_call_is_open_for_ten_minutes(
    app, rows, twilio, outbox_of, minutes, open_still
):
    twilio.fault = 503
    quiet_call(rows, minutes=minutes)
    assert (close(outbox_of, app).outcome is None) == open_still


@pytest.mark.parametrize(("minutes", "open_still"), [(5, True), (11, False)])
def test_a_call_twilio_does_not_know_is_open_for_ten_minutes(
    app, rows, outbox_of, minutes, open_still
):
    quiet_call(rows, minutes=minutes)
    assert (close(outbox_of, app).outcome is None) == open_still


def test_without_an_account_a_connected_caller_is_not_cut_off(light_app, rows, outbox_of):
    quiet_call(rows, minutes=65, age=70, state=CallState.TRANSFER_ATTEMPT)
    assert close(outbox_of).outcome is None


@pytest.mark.parametrize("state", [CallState.GREETING, CallState.TRANSFER_ATTEMPT])
def test_a_test_call_left_alone_is_closed_without_asking_twilio(
    app, rows, twilio, outbox_of, state
):
    quiet_call(rows, minutes=11, channel=Channel.TEST, state=state)
    assert close(outbox_of, app).outcome == Outcome.ABANDONED
    assert twilio.asked == []


def test_nobody_asks_twilio_about_a_demo_account(app, rows, account, twilio, outbox_of):
    path = app.extensions["settings"].data_dir / "demo.json"
    path.write_text(f'{{"tenants": [{{"account_sid": "{account.account_sid}"}}]}}')
    try:
        quiet_call(rows, minutes=11)
        assert close(outbox_of, app).outcome == Outcome.ABANDONED
    finally:
        path.unlink()
    assert twilio.asked == []


def test_a_begun_message_is_kept_when_its_call_is_closed(light_app, rows, outbox_of):
    fields = [{"key": "reason", "value": "A broken tooth", "known": "heard"}]
    memory = {"taking": True, "draft": {"fields": fields}}
    quiet_call(rows, minutes=11, state=CallState.LEAD_CAPTURE, memory=memory)
    assert close(outbox_of).outcome == Outcome.LEAD
    (lead,) = outbox_of.all(models.Lead)
    assert (lead.reason, lead.confirmed) == ("A broken tooth", False)
    assert outbox_of.job("lead_notification").args == {"lead_id": lead.id}


def test_one_call_that_cannot_be_closed_does_not_keep_the_others_open(light_app, rows, outbox_of):
    quiet_call(rows, minutes=12, memory={"draft": "nonsense"}, state=CallState.LEAD_CAPTURE)
    quiet_call(rows, minutes=11)
    rows.job(None, kind=JobKind.CLOSE_ORPHANS)
    outbox_of.run()
    assert [c.outcome is None for c in outbox_of.all(CallSession)][1] is False
    assert outbox_of.job("close_orphans").status == JobStatus.DONE


def test_hanging_up_a_call_that_has_ended_is_no_error(account, twilio):
    call_sid = sid("CA")
    twilio.has_call(account.account_sid, call_sid, "completed")
    carrier.hang_up(account, call_sid)
    carrier.hang_up(account, sid("CA"))


def test_a_refused_login_is_permanent_and_an_outage_is_not(account, twilio):
    wrong = Account(account.account_sid, "wrong", twilio.url)
    away = Account(account.account_sid, TOKEN, f"http://127.0.0.1:{free_port(0)}")
    for asked, permanent in ((wrong, True), (away, False)):
        with pytest.raises(CarrierError) as caught:
            carrier.call_status(asked, sid("CA"))
        assert caught.value.permanent is permanent
    twilio.fault = 429
    with pytest.raises(CarrierError) as caught:
        carrier.hang_up(account, sid("CA"))
    assert not caught.value.permanent


def test_rows_that_have_served_their_time_are_deleted_and_others_kept(rows, outbox_of):
    tenant, now = rows.tenant(), datetime.now(UTC)
    day = timedelta(days=1)
    for age in (1, 3):
        rows.inbound(tenant, created_at=now - age * day)
    for days in (29, 31):
        finished = {"status": JobStatus.DONE, "finished_at": now - days * day}
        rows.job(tenant, key=f"done:{days}", **finished)
        rows.job(tenant, key=f"dead:{days}", **finished | {"status": JobStatus.DEAD})
    for days in (0, 2):
        rows.job(None, key=f"round:{days}", status=JobStatus.DONE, finished_at=now - days * day)
    for minutes in (-61, -2, 1):  # one that was given back tells for a while when its call began
        rows.lease(tenant, until=now + timedelta(minutes=minutes))
    for expires in (None, now - 40 * day, now + day):
        rows.api_key(tenant, expires_at=expires)
    rows.job(None, kind=JobKind.CLEANUP, key="cleanup:1")
    outbox_of.run()
    left = {job.key for job in outbox_of.jobs()}
    assert left == {"done:29", "dead:29", "dead:31", "round:0", "cleanup:1"}
    counts = [len(outbox_of.all(m)) for m in (models.InboundRequest, models.Lease, models.ApiKey)]
    assert counts == [1, 2, 2]
    result = next(j for j in outbox_of.jobs() if j.key == "cleanup:1").result
    assert result == {
        "inbound_requests": 1, "jobs": 2, "leases": 1, "login_attempts": 0, "user_tokens": 0,
        "api_keys": 1, "heartbeats": 0, "retention": {"mails": 0},
    }  # fmt: skip
