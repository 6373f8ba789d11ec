"""/metrics and /readyz: what Prometheus is told, by several processes and after they end; and who
may look inside."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from app.embedded.ports import free_port
from app.extensions import db
from app.jobs import heartbeat, outbox
from app.metrics import catalogue, counting, keeping
from app.models import BACKUP, Job, JobKind, Lead, Milestone
from app.tenancy import TenancyError, across_tenants, acting_for, bind
from config import Settings
from tests.conftest import Services
from tests.factories import Rows
from tests.jobs.conftest import until
from tests.jobs.test_outbox import environment, process
from tests.web.conftest import BASE_URL, Business, Caller

TOKEN = "a-token-of-prometheus-0123456789"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    """As Prometheus reads it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """0, where a label has not said so yet."""
    assert any(sample.startswith(name) for sample, _labels in found), name
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def asked(app: Flask) -> Callable[[], Samples]:
    counting.taken()  # of tests before
    return lambda: read(app.test_client().get("/metrics").text)


def test_a_call_is_told_in_figures(
    app: Flask, caller: Caller, asked: Callable[[], Samples], rows: Rows
) -> None:
    caller.dial()
    assert value(asked(), "recep_calls_active") == 1
    caller.say(1, "Do you offer parking?")
    caller.say(2, "Please take a message, my name is Ada Byron and I need a quote")
    caller.post("/twilio/gather?turn=3&ask=", token="wrong", SpeechResult="hello")
    caller.hang_up(80)
    found = asked()
    assert value(found, "recep_calls_active") == 0
    assert value(found, "recep_calls_begun_total") == 1
    call = caller.row()
    assert call is not None
    assert value(found, "recep_calls_total", outcome=str(call.outcome)) == 1
    assert value(found, "recep_leads_total", confirmed="no") == len(caller.all(Lead))
    assert value(found, "recep_call_duration_seconds_sum") == 80
    assert [
        value(found, "recep_call_duration_seconds_bucket", le=le) for le in ("60.0", "120.0")
    ] == [0, 1]
    turns = [value(found, "recep_turn_duration_seconds_count", tier=t) for t in catalogue.TIERS]
    assert turns == [0, 2, 1]
    assert value(found, "recep_turns_total", result="decided") == 3
    assert value(found, "recep_webhook_refusals_total", reason="signature") == 1
    assert value(found, "recep_used_total", kind="call_seconds") == 80
    assert value(found, "recep_jobs", job="summarise_call", state="waiting") == 1
    assert value(found, "recep_tenants", status="active") == 1
    assert value(found, "recep_spent", period="day", currency="USD") > 0
    assert value(found, "recep_redis_up") == 1
    text = app.test_client().get("/metrics").text
    assert call.call_sid not in text
    assert caller.caller not in text


def test_what_is_rolled_back_is_not_counted_and_labels_are_few(
    app: Flask, caller: Caller, asked: Callable[[], Samples]
) -> None:
    tenant_id = caller.business.tenant.id
    with app.app_context(), acting_for(tenant_id):
        from app.jobs import ledger
        from app.models import SpendKind

        ledger.book(SpendKind.MAILS, 3, key="one")
        db.session.rollback()
        ledger.book(SpendKind.MAILS, 2, key="two")
        ledger.book(SpendKind.MAILS, 2, key="two")
        db.session.commit()
    with app.app_context():
        with acting_for(tenant_id), pytest.raises(TenancyError):
            bind(tenant_id + 1)
        db.session.rollback()
    for number in range(200):
        counting.count(catalogue.JOBS, job=f"kind_{number}", result="done")
    counting.count(catalogue.CALLS, outcome='x"} 1\nforged 1')
    found = asked()
    assert value(found, "recep_used_total", kind="mails") == 2
    assert value(found, "recep_tenant_scope_violations_total", wall="session") == 1
    assert value(found, "recep_calls_total", outcome="other") == 1
    jobs = [n for (name, labels), n in found.items() if name == "recep_jobs_total"]
    assert sum(jobs) == 200
    assert len(jobs) < 80
    assert not any("forged" in name for name, _labels in found)


def _tells(path: str, known: str, app: Flask, **asked: Any) -> bool:
    return known in app.test_client().get(path, **asked).text


def test_who_may_look_inside(make_app: Callable[..., Flask], settings: Settings) -> None:
    """Without a token this very machine, asked directly; with one whoever has it, and nobody
    else."""
    open_, closed = make_app(), make_app(metrics_token=TOKEN)
    outside = {"REMOTE_ADDR": "203.0.113.9"}
    for path, known in (("/metrics", "recep_"), ("/readyz", "database")):
        inside = partial(_tells, path, known)
        assert inside(open_)
        assert not inside(open_, environ_base=outside)
        for passed_on in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert not inside(open_, headers={passed_on: "127.0.0.1"})
        assert not inside(closed)
        for wrong in ("", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ü"):
            assert not inside(closed, headers={"Authorization": wrong.encode().decode("latin-1")})
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert inside(closed, headers=right, environ_base=outside)
    refused = closed.test_client().get("/metrics")
    assert (refused.status_code, refused.mimetype) == (403, "text/plain")
    assert TOKEN not in refused.text
    assert closed.test_client().get("/readyz").get_json() == {"status": "degraded"}
    assert closed.test_client().get("/healthz").get_json() == {"status": "ok"}


def test_a_key_that_cannot_be_used_and_a_schema_that_is_behind_make_a_node_unready(
    app: Flask, services: Services
) -> None:
    client, keys = app.test_client(), app.config["ENCRYPTION_KEYS"]
    app.config["ENCRYPTION_KEYS"] = ("not a key",)
    try:
        answer = client.get("/readyz")
    finally:
        app.config["ENCRYPTION_KEYS"] = keys
    assert (answer.status_code, answer.get_json()["keys"]) == (503, "unusable")
    for version, state in (("0028", "not migrated"), ("9999", "ok")):  # of a newer code
        services.execute(
            f"update alembic_version set version_num = '{version}'", name=services.fresh
        )
        assert client.get("/readyz").get_json()["database"] == state
    assert client.get("/readyz").status_code == 200


def served(settings: Settings, port: int) -> "subprocess.Popen[bytes]":
    """`run.py web`, with several processes."""
    env = environment(
        settings, PORT=str(port), WEB_WORKERS="3", WEB_THREADS="4", ENCODER="false",
        PUBLIC_BASE_URL=BASE_URL,
    )  # fmt: skip
    program = "from config import Settings; from app.cli import web; web.main([], Settings.load())"
    return subprocess.Popen([sys.executable, "-c", program], env=env, stderr=subprocess.DEVNULL)


def all_done(app: Flask) -> bool:
    with app.app_context(), across_tenants():
        waiting = select(Job.id).where(Job.kind == JobKind.ALERT_MAIL, Job.status != "done")
        return db.session.scalar(waiting) is None


@contextmanager
def web(settings: Settings, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    started = served(settings, port)
    try:
        until(lambda: _answers(port), patience=120)  # it builds the whole panel first
        yield started
    finally:
        started.terminate()
        started.wait()


def children(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_figures_are_right_with_several_processes_and_after_each_of_them_has_ended(
    app: Flask, business: Business, settings: Settings, services: Services, rows: Rows
) -> None:
    """Three web processes, a worker whose children end without a word, a scheduler; then web
    processes and worker anew. Nothing is lost, and nothing counted twice."""
    port = free_port(0)
    with app.app_context(), across_tenants():
        db.session.add(Milestone(name=BACKUP))
        db.session.commit()
    url = f"http://127.0.0.1:{port}/metrics"

    def figures() -> Samples:
        return read(requests.get(url, timeout=10, headers={"Connection": "close"}).text)

    def refuse(many: int) -> None:
        for _ in range(many):
            answer = requests.post(
                f"http://127.0.0.1:{port}/twilio/voice", timeout=10,
                data={"AccountSid": business.account_sid, "CallSid": "CA" + "0" * 32,
                      "To": business.number.number},
                headers={"Connection": "close"},
            )  # fmt: skip
            assert answer.status_code == 403

    def add_jobs(name: str) -> None:
        with app.app_context(), acting_for(business.tenant.id):
            for number in range(3):
                outbox.add(
                    JobKind.ALERT_MAIL, key=f"{name}:{number}", job_kind="cleanup", reason="-"
                )
            db.session.commit()
            outbox.wake()

    def counted(name: str, **labels: str) -> float:
        return value(figures(), name, **labels)

    def alive() -> list[float]:
        return [counted("recep_processes", kind=kind) for kind in heartbeat.KINDS]

    def work(name: str) -> None:
        refuse(30)
        add_jobs(name)
        until(lambda: alive() == [3, 1, 1])
        until(lambda: all_done(app))

    with (
        process("scheduler", environment(settings)) as scheduler,
        web(settings, port) as server,
    ):
        for name in ("once", "again"):
            with process("worker", environment(settings)) as worker:
                work(name)
                worker.terminate()
                worker.wait()
            former = children(server.pid)
            for pid in former:
                os.kill(pid, signal.SIGTERM)
            until(lambda former=former: not former & children(server.pid))
        scheduler.terminate()
        scheduler.wait()
    with app.app_context():
        assert heartbeat.beats() == []  # each said goodbye
    with app.app_context():
        found = read(app.test_client().get("/metrics").text)
    assert value(found, "recep_webhook_refusals_total", reason="signature") == 60
    assert value(found, "recep_jobs_total", job="alert_mail", result="done") == 6
    assert value(found, "recep_mails_total", result="filed") == 0  # there was nobody to write to
    made = value(found, "recep_backup_last_success_timestamp_seconds")
    assert 0 <= time.time() - made < 600


def test_while_the_database_is_away_a_node_still_answers_and_loses_nothing(
    make_app: Callable[..., Flask], settings: Settings
) -> None:
    away = make_app(database_url=f"postgresql://nobody@127.0.0.1:{free_port(0)}/nothing")
    counting.taken()
    counting.count(catalogue.FILLERS, 5)
    answer = away.test_client().get("/metrics")
    found = read(answer.text)
    assert answer.status_code == 200
    assert value(found, "recep_database_up") == 0
    assert value(found, "recep_redis_up") == 1
    assert ("recep_fillers_total", ()) not in found  # rather than wrong
    assert value(read(make_app().test_client().get("/metrics").text), "recep_fillers_total") == 5


def test_counting_costs_a_turn_next_to_nothing_and_a_fork_begins_anew() -> None:
    counting.taken()
    counting.observe(catalogue.TURN_DURATION, 0.3, tier="model")
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        counting.count(catalogue.FILLERS)
        os.write(writer, repr(sorted(counting.taken())).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert re.findall(r"recep_\w+", os.read(reader, 1000).decode()) == ["recep_fillers_total"]
    kept = counting.taken()
    assert kept["recep_turn_duration_seconds_bucket", ("model", "0.5")] == 1
    assert keeping.EVERY <= 15
