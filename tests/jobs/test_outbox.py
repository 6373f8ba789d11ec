"""The outbox: nothing is lost, nothing is done by two at once, nothing blocks the rest."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import psutil
import psycopg2
import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app import breaker, masking
from app.embedded.ports import free_port
from app.extensions import db
from app.jobs import handlers, heartbeat, holding, outbox, queues, running, schedule, worker
from app.models import JobKind, JobStatus
from app.tenancy import across_tenants, acting_for
from config import Settings
from tests.conftest import FRESH, Services
from tests.factories import Rows
from tests.fakes.mail_sink import MailSink
from tests.jobs.conftest import Outbox, until

MUCH_LATER = datetime(2099, 1, 1, tzinfo=UTC)
ALERT = {"job_kind": "cleanup", "reason": "a test"}


def add_alert(app: Flask, tenant_id: int, key: str = "alert:1") -> None:
    with app.app_context(), acting_for(tenant_id):
        outbox.add(JobKind.ALERT_MAIL, key=key, **ALERT)
        db.session.commit()


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    given = {
        f.name.upper(): str(getattr(settings, f.name))
        for f in fields(Settings)
        if f.metadata and isinstance(getattr(settings, f.name), str)
    }
    keys = ",".join(settings.encryption_keys)
    return {
        "PATH": os.environ["PATH"], "DATA_DIR": str(settings.data_dir), "DB_POOL_SIZE": "2",
        "ENCRYPTION_KEYS": keys, **given, **changes,
    }  # fmt: skip


@contextmanager
def process(
    command: str, env: dict[str, str], stderr: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker or scheduler as `run.py` runs it."""
    program = (
        f"import sys; from config import Settings; from app.cli import {command}; "
        f"sys.exit({command}.main([], Settings.load()))"
    )
    started = subprocess.Popen([sys.executable, "-c", program], env=env, stderr=stderr)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()


def sink_settings(sink: MailSink) -> dict[str, str]:
    return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(sink.port), "MAIL_USE_TLS": "false"}


def test_a_rolled_back_cause_leaves_no_work(light_app: Flask, rows: Rows, outbox_of: Outbox):
    tenant = rows.tenant()
    with light_app.app_context(), acting_for(tenant.id):
        outbox.add(JobKind.ALERT_MAIL, key="alert:1", **ALERT)
        db.session.rollback()
    assert outbox_of.jobs() == []


def test_the_same_cause_twice_adds_one_row(light_app: Flask, rows: Rows, outbox_of: Outbox):
    one, other = rows.tenant(), rows.tenant()
    for tenant in (one, one, other):
        add_alert(light_app, tenant.id)
    assert [job.tenant_id for job in outbox_of.jobs()] == [one.id, other.id]


def test_the_same_platform_work_twice_adds_one_row(light_app: Flask, outbox_of: Outbox):
    for _ in range(2):
        with light_app.app_context(), across_tenants():
            outbox.add(JobKind.CLEANUP, key="cleanup:1")
            db.session.commit()
    assert outbox_of.job("cleanup").tenant_id is None


def test_work_with_a_delay_is_not_due_yet(light_app: Flask, rows: Rows, outbox_of: Outbox):
    rows.job(rows.tenant(), kind=JobKind.ALERT_MAIL, args=ALERT)
    outbox_of.execute("update job set run_at = clock_timestamp() + interval '1 hour'")
    assert outbox_of.run() == 0
    outbox_of.make_due()
    assert outbox_of.run() == 1


def test_a_claimed_row_is_not_claimed_again(light_app: Flask, rows: Rows):
    rows.job(rows.tenant(), kind=JobKind.ALERT_MAIL, args=ALERT)
    with light_app.app_context():
        assert running.claim()
        assert running.claim() is None


def test_the_row_of_a_killed_worker_is_taken_again_after_its_lease(
    light_app: Flask, rows: Rows, outbox_of: Outbox
):
    rows.job(rows.tenant(), kind=JobKind.ALERT_MAIL, args=ALERT)
    with light_app.app_context():
        lost = running.claim()
    outbox_of.execute("update job set lease_until = clock_timestamp() - interval '1 second'")
    assert lost
    assert outbox_of.run() == 1
    job = outbox_of.job("alert_mail")
    assert (job.status, job.attempts) == (JobStatus.DONE, 2)


def test_finishing_needs_the_lease(light_app: Flask, rows: Rows, outbox_of: Outbox):
    """A worker that was slow, not dead, must not overwrite what its successor records."""
    rows.job(rows.tenant(), kind=JobKind.ALERT_MAIL, args=ALERT)
    with light_app.app_context():
        slow = running.claim()
        outbox_of.execute("update job set lease_token = 'successor'")
        assert slow
        running.run(slow)
    job = outbox_of.job("alert_mail")
    assert (job.status, job.lease_token) == (JobStatus.RUNNING, "successor")


def test_a_row_that_kills_its_workers_is_given_up(light_app: Flask, rows: Rows, outbox_of: Outbox):
    most = handlers.HANDLERS[JobKind.CALL_SUMMARY_MAIL].attempts
    rows.job(rows.tenant(), kind=JobKind.CALL_SUMMARY_MAIL, attempts=most)
    outbox_of.run()
    dead = outbox_of.job("call_summary_mail")
    assert dead.status == JobStatus.DEAD
    assert "died" in dead.last_error
    assert outbox_of.job("alert_mail").args["job_kind"] == "call_summary_mail"


def test_what_only_the_platform_may_ask_for_is_refused_a_tenant(
    light_app: Flask, rows: Rows, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.job(tenant, kind=JobKind.CLEANUP)
    outbox_of.run()
    job = outbox_of.job("cleanup")
    assert (job.status, job.last_error) == (JobStatus.DEAD, "of the platform only")


def test_a_poisonous_row_dies_with_its_reason_while_others_flow(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    rows.job(tenant, kind=JobKind.LEAD_NOTIFICATION, args={"lead_id": "no id: +12125550142"})
    for n in range(3):
        add_alert(mail_app, tenant.id, f"alert:{n}")
    for _ in range(handlers.HANDLERS[JobKind.LEAD_NOTIFICATION].attempts):
        outbox_of.run(mail_app)
        outbox_of.make_due()
    outbox_of.run(mail_app)
    poison = outbox_of.job("lead_notification")
    assert poison.status == JobStatus.DEAD
    assert "DataError" in poison.last_error
    assert "555" not in poison.last_error
    assert not [mail for mail in sink.mails if "5550142" in mail.as_string()]
    assert poison.finished_at
    assert all(job.status == JobStatus.DONE for job in outbox_of.jobs("alert_mail"))
    assert len(sink.mails) == 4
    assert any("messages" in mail["Subject"] for mail in sink.mails)


def test_a_failed_row_waits_longer_each_time(mail_app: Flask, rows: Rows, sink, outbox_of: Outbox):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    add_alert(mail_app, tenant.id)
    waits = []
    for _ in range(3):
        sink.data_replies = ["451 try later"]
        outbox_of.run(mail_app)
        job = outbox_of.job("alert_mail")
        waits.append((job.run_at - job.updated_at).total_seconds())
        assert (job.status, "451" in job.last_error) == (JobStatus.WAITING, True)
        outbox_of.make_due()
    assert waits[0] < waits[1] < waits[2]


def test_kinds_of_a_newer_version_are_not_run_and_not_lost(
    light_app: Flask, rows: Rows, outbox_of: Outbox
):
    rows.job(rows.tenant(), kind="os.system")
    outbox_of.run()
    job = outbox_of.job("os.system")
    assert (job.status, "knows no jobs" in job.last_error) == (JobStatus.WAITING, True)


def test_a_job_sees_only_its_tenant(light_app: Flask, rows: Rows, outbox_of: Outbox):
    mine, rival = rows.tenant(), rows.tenant()
    call = rows.call(rival)
    rows.job(mine, kind=JobKind.LEAD_NOTIFICATION, args={"lead_id": rows.lead(rival).id})
    rows.job(mine, kind=JobKind.ALERT_MAIL, args=ALERT)
    outbox_of.run()
    assert call
    assert outbox_of.job("lead_notification").result == {"skipped": "the message is gone"}


def test_a_dead_redis_costs_the_caller_nothing_but_a_warning(
    make_light: Callable[..., Flask], rows: Rows, caplog: pytest.LogCaptureFixture
):
    dead = make_light(redis_url=f"redis://127.0.0.1:{free_port(0)}")
    with dead.app_context(), caplog.at_level(logging.WARNING, "app.jobs.outbox"):
        dead.extensions.pop("outbox_bell", None)
        outbox.wake()
        outbox.wake()
    told = [record.message for record in caplog.records if record.name == "app.jobs.outbox"]
    assert told == ["redis does not answer"]


def test_a_redis_that_accepts_and_never_answers_is_asked_once(make_light: Callable[..., Flask]):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        hole.settimeout(0.2)
        app = make_light(redis_url=f"redis://127.0.0.1:{hole.getsockname()[1]}")
        with app.app_context():
            assert not outbox.ring()
            assert not outbox.ring()
        accepted = [hole.accept()[0]]
        with pytest.raises(TimeoutError):
            accepted.append(hole.accept()[0])
        for connection in accepted:
            connection.close()


def test_a_web_request_waits_half_a_second_for_redis_and_tries_once():
    """redis-py's own patience would outlast a caller's."""
    asked = queues.impatient("redis://127.0.0.1:1").connection_pool.connection_kwargs
    assert (asked["socket_connect_timeout"], asked["socket_timeout"]) == (0.5, 0.5)
    assert asked["retry"].get_retries() == 0


def test_what_was_not_woken_is_delivered_by_the_sweeper(
    make_light: Callable[..., Flask], light_app: Flask, rows: Rows, outbox_of: Outbox
):
    dead = make_light(redis_url=f"redis://127.0.0.1:{free_port(0)}")
    add_alert(dead, rows.tenant().id)
    with dead.app_context():
        outbox.wake()
    breaker.forget()  # the sweeper is another process
    with light_app.app_context():
        schedule.sweep()
        assert len(queues.outbox_queue(_valkey(light_app))) == 1


def test_while_redis_is_away_the_sweeper_runs_the_work_itself(
    make_light: Callable[..., Flask], rows: Rows, outbox_of: Outbox
):
    dead = make_light(redis_url=f"redis://127.0.0.1:{free_port(0)}")
    add_alert(dead, rows.tenant().id)
    with dead.app_context():
        schedule.sweep()
    assert outbox_of.job("alert_mail").status == JobStatus.DONE


def test_a_database_that_goes_away_under_the_sweepers_child_is_no_crash(
    make_light: Callable[..., Flask],
    rows: Rows,
    services: Services,
    capfd: pytest.CaptureFixture[str],
):
    dead = make_light(redis_url=f"redis://127.0.0.1:{free_port(0)}")
    add_alert(dead, rows.tenant().id)
    services.execute(f"alter database {FRESH} allow_connections false")
    try:
        with dead.app_context():
            schedule._run_due_in_a_child()
    finally:
        services.execute(f"alter database {FRESH} allow_connections true")
    assert "Traceback" not in capfd.readouterr().err


def test_two_schedulers_plan_one_row(light_app: Flask, outbox_of: Outbox):
    every = next(r.every for r in schedule.SCHEDULE if r.every.total_seconds() == 3600)
    with light_app.app_context():
        for _ in range(2):
            schedule.plan(JobKind.CLEANUP, every)
    outbox_of.run()
    with light_app.app_context():
        schedule.plan(JobKind.CLEANUP, every)
    assert len(outbox_of.jobs("cleanup")) in (1, 2)  # two, if the hour has just turned


def test_a_worker_process_delivers_and_ends_when_asked(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    settings = mail_app.extensions["settings"]
    with process("worker", environment(settings, **sink_settings(sink))) as worker:
        for n in range(5):
            add_alert(mail_app, tenant.id, f"alert:{n}")
            with mail_app.app_context():
                outbox.wake()
        until(lambda: len(sink.mails) == 5)
        until(lambda: {job.status for job in outbox_of.jobs()} == {JobStatus.DONE})
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0


def test_a_worker_asked_to_stop_finishes_its_row_and_leaves_the_others(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    for n in range(2):
        add_alert(mail_app, tenant.id, f"alert:{n}")
    env = environment(mail_app.extensions["settings"], **sink_settings(sink))
    sink.hold_next = "boss@example.com"
    with process("worker", env) as worker:
        with mail_app.app_context():
            outbox.wake()
        until(lambda: sink.holding)
        worker.send_signal(signal.SIGTERM)
        valkey = _valkey(mail_app)
        until(lambda: any(valkey.hget(k, "shutdown_requested_date") for k in _workers(valkey)))
        sink.holding = False
        assert worker.wait(20) == 0
    assert [j.status for j in outbox_of.jobs()] == [JobStatus.DONE, JobStatus.WAITING]


def test_the_mail_of_a_killed_worker_is_sent_by_another_under_the_same_id(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    add_alert(mail_app, tenant.id)
    env = environment(mail_app.extensions["settings"], **sink_settings(sink))
    sink.hold_next = "boss@example.com"
    with process("worker", env) as doomed:
        with mail_app.app_context():
            outbox.wake()
        until(lambda: sink.holding)
        horses = psutil.Process(doomed.pid).children(recursive=True)
        for one in (doomed, *horses):
            one.kill()
        doomed.wait()
    outbox_of.execute("update job set lease_until = clock_timestamp() - interval '1 second'")
    with process("worker", env):
        with mail_app.app_context():
            outbox.wake()
        until(lambda: outbox_of.job("alert_mail").attempts == 2)
        sink.holding = False
        until(lambda: outbox_of.job("alert_mail").status == JobStatus.DONE)
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1


def test_a_mail_that_left_while_the_database_went_away_is_recorded_and_not_sent_twice(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox, services: Services
):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    add_alert(mail_app, tenant.id)
    sink.hold_next = "boss@example.com"
    working = threading.Thread(target=outbox_of.run, args=(mail_app,))
    working.start()
    until(lambda: sink.holding)
    services.execute(f"alter database {services.fresh} allow_connections false",
                     "select pg_terminate_backend(pid) from pg_stat_activity"
                     f" where datname = '{services.fresh}'")  # fmt: skip
    sink.holding = False
    until(lambda: sink.mails)
    working.join(0.5)
    assert working.is_alive()  # it has something to record
    services.execute(f"alter database {services.fresh} allow_connections true")
    working.join()
    job = until(lambda: outbox_of.job("alert_mail"))
    assert (job.status, job.attempts, len(sink.mails)) == (JobStatus.DONE, 1, 1)


def test_the_lease_of_a_row_lasts_as_long_as_its_worker_works(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(holding, "EVERY", 0.05)
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    add_alert(mail_app, tenant.id)
    sink.hold_next = "boss@example.com"
    working = threading.Thread(target=outbox_of.run, args=(mail_app,))
    working.start()
    until(lambda: sink.holding)
    began = outbox_of.job("alert_mail").lease_until
    until(lambda: outbox_of.job("alert_mail").lease_until > began)
    outbox_of.execute(
        "update job set lease_token = 'successor', lease_until = :then", then=MUCH_LATER
    )
    sink.holding = False
    working.join()
    job = outbox_of.job("alert_mail")
    assert (job.lease_token, job.lease_until) == ("successor", MUCH_LATER)


def test_a_row_that_hangs_ends_its_process_before_another_takes_it_up(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(holding, "LONGEST", timedelta(seconds=1))
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    add_alert(mail_app, tenant.id)
    sink.hold_next = "boss@example.com"
    with mail_app.app_context():
        schedule._run_due_in_a_child()
    assert sink.holding
    sink.holding = False
    assert outbox_of.job("alert_mail").status == JobStatus.RUNNING  # its lease has not run out


def test_scheduler_and_worker_find_what_nobody_woke_them_for(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    add_alert(mail_app, tenant.id)
    env = environment(mail_app.extensions["settings"], **sink_settings(sink))
    with process("worker", env) as worker, process("scheduler", env) as scheduler:
        until(lambda: sink.mails)
        until(lambda: [job.status for job in outbox_of.jobs("cleanup")] == [JobStatus.DONE])
        for one in (scheduler, worker):
            one.send_signal(signal.SIGTERM)
        assert [one.wait(20) for one in (scheduler, worker)] == [0, 0]


def test_a_foreign_job_in_redis_is_not_run(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox, tmp_path
):
    """Whoever can write to Redis must not get code run: neither as a function nor as a callback."""
    tenant = rows.tenant()
    rows.receptionist(tenant, alert_recipients=["boss@example.com"])
    planted = tmp_path / "planted"
    with mail_app.app_context():
        foreign = Queue(queues.NAME, connection=_valkey(mail_app), serializer=JSONSerializer)
        foreign.enqueue("os.system", f"touch {planted}")
        foreign.enqueue("os.mkdir", str(planted))
        key = foreign.enqueue(queues.ENTRY).key
        _valkey(mail_app).hset(key, "success_callback_name", "tests.jobs.conftest.until")
    add_alert(mail_app, tenant.id)
    env = environment(mail_app.extensions["settings"], **sink_settings(sink))
    with process("worker", env):
        until(lambda: sink.mails)
        until(lambda: not foreign.count)
    assert not planted.exists()
    assert foreign.failed_job_registry.count == 2


def _workers(valkey: Redis) -> list[bytes]:
    return [key for key in valkey.keys("rq:worker:*") if valkey.type(key) == b"hash"]


def _valkey(app: Flask) -> Redis:
    return queues.patient(app.extensions["settings"].redis_url)


def test_every_kind_has_a_handler():
    assert set(handlers.HANDLERS) == set(JobKind)


def test_a_tenant_with_much_to_send_does_not_keep_others_waiting(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    """Their turn comes after one row of the other's, though all of those are due longer."""
    hog, small = rows.tenant(), rows.tenant()
    rows.receptionist(hog, alert_recipients=["hog@example.com"])
    rows.receptionist(small, alert_recipients=["small@example.com"])
    for n in range(8):
        add_alert(mail_app, hog.id, f"alert:{n}")
    add_alert(mail_app, small.id)
    outbox_of.run(mail_app)
    assert [to for (to,) in sink.envelopes].index("small@example.com") <= 1
    assert len(sink.envelopes) == 9


def test_a_free_worker_goes_to_those_who_have_none(light_app: Flask, rows: Rows, outbox_of: Outbox):
    hog, small = rows.tenant(), rows.tenant()
    for n in range(3):
        add_alert(light_app, hog.id, f"alert:{n}")
    with light_app.app_context():
        assert running.claim().tenant_id == hog.id
        add_alert(light_app, small.id)
        assert running.claim().tenant_id == small.id
        assert running.claim().tenant_id == hog.id  # and then they may share


def test_workers_and_schedulers_give_signs_of_life(
    mail_app: Flask, light_app: Flask, outbox_of: Outbox
):
    env = environment(mail_app.extensions["settings"])

    def seen() -> dict[str, bool]:
        with light_app.app_context():
            return {beat.kind: beat.late for beat in heartbeat.beats()}

    with process("worker", env) as worker, process("scheduler", env) as scheduler:
        until(lambda: seen() == {"worker": False, "scheduler": False})
        with light_app.app_context():
            [beat] = [b for b in heartbeat.beats() if b.kind == "worker"]
        assert (beat.host, beat.name.endswith(f":{worker.pid}")) == (socket.gethostname(), True)
        scheduler.send_signal(signal.SIGTERM)  # which says goodbye
        assert scheduler.wait(20) == 0
        worker.kill()  # which cannot
        worker.wait()
    outbox_of.execute("update heartbeat set seen_at = seen_at - interval '3 minutes'")
    assert seen() == {"worker": True}


@pytest.fixture
def slow_commits(services: Services) -> Iterator[None]:
    """Of signs of life: each waits for the advisory lock 4711."""
    services.execute(
        "create function slow() returns trigger language plpgsql as "
        "$$ begin perform pg_advisory_xact_lock(4711); return null; end $$",
        "create constraint trigger slow after insert or update on heartbeat "
        "deferrable initially deferred for each row execute function slow()",
        name=services.fresh,
    )
    yield
    services.execute("drop function slow cascade", name=services.fresh)


def test_a_worker_that_is_asked_to_stop_while_it_gives_a_sign_of_life_ends(
    mail_app: Flask, services: Services, slow_commits: None, tmp_path: Path
):
    """And does so after the answer: an exception in the midst of it breaks the connection, and
    what SQLAlchemy says of that may take the place of the exception that was to end the worker."""
    told = tmp_path / "told"

    def waits() -> bool:
        with psycopg2.connect(services.admin_url()) as other, other.cursor() as found:
            found.execute("select from pg_locks where locktype = 'advisory' and not granted")
            return found.rowcount > 0

    env = environment(mail_app.extensions["settings"])
    with told.open("wb") as errors, process("worker", env, errors) as asked:
        with psycopg2.connect(services.admin_url()) as held, held.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(4711)")
            until(waits)
            asked.send_signal(signal.SIGTERM)
        assert asked.wait(20) == 0
    assert "connection already closed" not in told.read_text()


def test_a_killed_workers_look_is_found_within_half_a_minute(light_app: Flask):
    """RQ's own default is ten."""
    made = worker.made(_valkey(light_app))
    assert made.maintenance_interval <= 30
    assert made.job_class is queues.Look


def test_an_errors_text_holds_no_values(light_app: Flask, rows: Rows):
    """Neither those of the statement nor those of the row that PostgreSQL quotes."""
    rows.tenant()
    with light_app.app_context(), pytest.raises(IntegrityError) as caught, across_tenants():
        db.session.execute(text("insert into lead (name) values (:name)"), {"name": "Xanthippe"})
    assert "Xanthippe" not in masking.mask(str(caught.value))
    assert "tenant_id" in masking.mask(str(caught.value))
