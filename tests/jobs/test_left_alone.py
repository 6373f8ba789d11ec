"""Mail server, Twilio, Redis and model: each under a clock, and left alone while it fails."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis
from flask import Flask

from app import breaker, carrier
from app.ai.interpreter import InterpreterError
from app.carrier import Account, CarrierError
from app.carrier import client as twilio_client
from app.deadline import within
from app.jobs import outbox, queues, smtp, summaries
from app.models import JobStatus
from tests.conftest import Services
from tests.factories import Rows, sid
from tests.fakes.mail_sink import MailSink
from tests.fakes.twilio_rest import TwilioRest
from tests.jobs.conftest import Outbox
from tests.jobs.test_outbox import add_alert
from tests.pausing import BlackHole, paused

TOKEN = "0123456789abcdef0123456789abcdef"
PATIENCE = 60  # seconds for what ends within one on a machine that has nothing else to do


def mailing(make_light: Callable[..., Flask], port: int) -> Flask:
    return make_light(mail_server="127.0.0.1", mail_port=port, mail_use_tls=False)


def reasons(outbox_of: Outbox) -> list[str]:
    return [job.last_error for job in outbox_of.jobs("alert_mail")]


def test_a_queue_of_mails_does_not_wait_for_a_dead_server_one_by_one(
    make_light, light_app, rows: Rows, outbox_of, sink: MailSink, monkeypatch
):
    monkeypatch.setattr(smtp, "TIMEOUT", 0.2)
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["owner@example.com"])
    for n in range(5):
        add_alert(light_app, tenant.id, f"alert:{n}")
    with BlackHole() as hole:
        within(PATIENCE, lambda: outbox_of.run(mailing(make_light, hole.port)))
        assert hole.asked == smtp.FAILURES
    assert [reason.startswith("mail server: it failed") for reason in reasons(outbox_of)].count(
        True
    ) == 3
    breaker.forget()  # the rest is over
    outbox_of.make_due()
    outbox_of.run(mailing(make_light, sink.port))
    assert len(sink.mails) == 5


def test_a_server_that_dribbles_ends_by_the_clock(
    make_light, light_app, rows: Rows, outbox_of, monkeypatch
):
    """Each byte is in time, and no line ever ends."""
    monkeypatch.setattr(smtp, "SECONDS", 0.3)
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["owner@example.com"])
    add_alert(light_app, tenant.id)
    with BlackHole(drip=b"2") as hole:
        within(PATIENCE, lambda: outbox_of.run(mailing(make_light, hole.port)))
    job = outbox_of.job("alert_mail")
    assert (job.status, job.attempts) == (JobStatus.WAITING, 1)
    assert "Late" in job.last_error


def test_what_a_mail_server_refuses_does_not_count_as_its_failure(
    mail_app, light_app, rows: Rows, outbox_of, sink: MailSink
):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["owner@example.com"])
    for n in range(smtp.FAILURES + 1):
        add_alert(light_app, tenant.id, f"alert:{n}")
    sink.data_replies = ["451 later"] * smtp.FAILURES
    outbox_of.run(mail_app)
    assert len(sink.mails) == 1


@pytest.fixture
def account(twilio: TwilioRest) -> Account:
    breaker.forget()
    account = Account(sid("AC"), TOKEN, twilio.url)
    twilio.accounts[account.account_sid] = TOKEN
    return account


def refused(account: Account) -> CarrierError:
    with pytest.raises(CarrierError) as caught:
        within(PATIENCE, lambda: carrier.call_status(account, sid("CA")))
    return caught.value


def test_twilio_is_left_alone_while_it_fails_and_asked_again_after_a_rest(account, twilio):
    twilio.fault = 503
    errors = [refused(account) for _ in range(twilio_client.FAILURES + 2)]
    assert len(twilio.asked) == twilio_client.FAILURES
    assert [error.unsure for error in errors] == [True] * twilio_client.FAILURES + [False] * 2
    assert not any(error.permanent for error in errors)
    twilio.fault = None
    assert refused(account).status == 0
    breaker.forget()
    assert carrier.call_status(account, sid("CA")) is None


def test_a_refusal_of_twilios_is_an_answer(account, twilio):
    wrong = Account(account.account_sid, "wrong", twilio.url)
    assert [refused(wrong).permanent for _ in range(twilio_client.FAILURES + 1)] == [True] * 4
    assert carrier.call_status(account, sid("CA")) is None


def test_an_answer_of_twilios_that_dribbles_ends_by_the_clock(account, twilio, monkeypatch):
    monkeypatch.setattr(twilio_client, "SECONDS", 0.3)
    call_sid = sid("CA")
    twilio.has_call(account.account_sid, call_sid, "completed",
                    ended_at=datetime.now(UTC) - timedelta(minutes=1))  # fmt: skip
    twilio.drip = 0.1
    with pytest.raises(CarrierError) as caught:
        within(PATIENCE, lambda: carrier.call_status(account, call_sid))
    twilio.drip = 0.0
    assert caught.value.unsure


def test_a_paused_redis_costs_one_try_and_no_work(
    services: Services, light_app: Flask, rows: Rows, outbox_of: Outbox
):
    light_app.extensions.pop("outbox_bell", None)
    with paused(services.valkey), light_app.app_context():
        assert [within(PATIENCE, lambda: rings(light_app)) for _ in range(3)] == [False] * 3
    with light_app.app_context():
        assert not outbox.ring()  # it is there again, and still left alone
        with redis.Redis.from_url(services.settings.redis_url) as valkey:
            assert queues.outbox_queue(valkey).count <= 1  # of what was sent before it paused
        breaker.forget()
        assert outbox.ring()


def rings(app: Flask) -> bool:
    with app.app_context():
        return outbox.ring()


def test_summaries_do_not_wait_for_a_dead_model_one_by_one():
    class Away:
        asked = 0

        def complete(self, model: str, body: dict[str, object]) -> object:
            Away.asked += 1
            raise InterpreterError("timeout", away=True)

    guarded = summaries.Guarded(Away())
    for _ in range(summaries.FAILURES + 2):
        with pytest.raises(InterpreterError):
            guarded.complete("fake", {})
    assert Away.asked == summaries.FAILURES
