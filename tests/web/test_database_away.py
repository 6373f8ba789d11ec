"""A database that is paused, locked or gone: callers are answered, threads come back."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any
from xml.etree import ElementTree

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from app import breaker, database
from app.deadline import within
from app.extensions import db
from app.tenancy import acting_for
from tests.conftest import Services
from tests.pausing import BlackHole, paused
from tests.web.conftest import Caller

PATIENCE = 60  # seconds for what ends within two on a machine that has nothing else to do


def verbs(document: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(document)]


def in_time(work: Callable[[], Any]) -> Any:
    """Its result; the test fails, rather than hangs, when no result ever comes."""
    return within(PATIENCE, work)


def test_a_paused_database_holds_callers_and_not_threads(
    services: Services, caller: Caller, app: Flask
) -> None:
    caller.dial()
    with paused(services.postgres):
        held = in_time(lambda: caller.say(1, "I want to leave a message"))
        assert verbs(held.text) == ["Say", "Pause", "Redirect"]
        ready = in_time(lambda: app.test_client().get("/readyz"))
        assert (ready.status_code, ready.get_json()["database"]) == (503, "unreachable")
    while breaker.states().get("database") == breaker.OPEN:
        time.sleep(0.05)
    answer = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    while verbs(answer.text) == ["Say", "Redirect"]:  # a filler: the machine is busy
        answer = caller.post(ElementTree.fromstring(answer.text).findtext("Redirect") or "")
    assert verbs(answer.text) == ["Gather", "Redirect"]


def test_a_database_that_failed_is_not_tried_again_at_once() -> None:
    database.install()
    with BlackHole() as hole:
        engine = create_engine(
            f"postgresql+psycopg2://nobody@127.0.0.1:{hole.port}/none", poolclass=database.Pool,
            connect_args={"connection_factory": database.Connection, "sslmode": "disable"},
        )  # fmt: skip
        breaker.forget()
        for _ in range(database.FAILURES + 3):
            in_time(lambda: refused(engine))
        engine.dispose()
        breaker.forget()
    assert hole.asked == database.FAILURES


def refused(engine: Engine) -> None:
    with pytest.raises(OperationalError), database.by(time.monotonic()):
        engine.connect()


def limits() -> tuple[str, ...]:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    return tuple(str(db.session.scalar(text(f"show {name}"))) for name in names)


def test_callers_have_shorter_limits_than_the_panel_and_leave_none_behind(caller: Caller) -> None:
    tenant = caller.business.tenant.id
    with caller.app.app_context(), database.by(time.monotonic() + 30), acting_for(tenant):
        assert limits() == ("1500ms", "1s", "5s")
    with caller.app.app_context(), acting_for(tenant):
        assert limits() == ("30s", "10s", "1min")


@pytest.fixture
def patient_login(services: Services) -> Any:
    """The server's own limits, taken away: what ends is then ended by ours."""
    services.execute("alter role recep_login set lock_timeout = 0",
                     "alter role recep_login set statement_timeout = 0")  # fmt: skip
    yield
    services.execute("alter role recep_login set lock_timeout = '10s'",
                     "alter role recep_login set statement_timeout = '30s'")  # fmt: skip


def test_a_locked_call_costs_a_filler_and_no_backend_waits_on(
    services: Services, patient_login: None, caller: Caller, app: Flask
) -> None:
    caller.dial()
    with app.app_context():
        db.engine.dispose()  # the next connections are opened under the login's new settings
    connection = psycopg2.connect(services.admin_url())
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1 from call_session for update")
            held = caller.say(1, "Do you offer parking?")
            assert verbs(held.text)[-1] == "Redirect"
            waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            until = time.monotonic() + PATIENCE
            while services_count(services, waiting) and time.monotonic() < until:
                time.sleep(0.05)
            assert services_count(services, waiting) == 0
    finally:
        connection.close()


def services_count(services: Services, statement: str) -> int:
    connection = psycopg2.connect(services.admin_url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
            return int(row[0]) if row else 0
    finally:
        connection.close()


def test_an_answer_that_comes_too_late_costs_its_own_connection_and_no_other(app: Flask) -> None:
    with app.app_context():
        engine = create_engine(
            db.engine.url, poolclass=database.Pool,
            connect_args={"connection_factory": database.Connection},
        )  # fmt: skip
    own = text("select pg_backend_pid()")
    with engine.connect() as late, engine.connect() as other:
        process = other.scalar(own)
        with pytest.raises(OperationalError), database.by(time.monotonic()):
            late.execute(text("select pg_sleep(60)"))
    with engine.connect() as one, engine.connect() as two:
        assert process in {one.scalar(own), two.scalar(own)}
    engine.dispose()


@pytest.fixture
def full_disk(services: Services) -> Callable[..., None]:
    """Asked with whether PostgreSQL has no room for another row of the inbox."""
    refuses = (
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'no space left' using errcode = '53100'; end $$;"
        "create trigger full_disk before insert on inbound_request"
        " for each row execute function refuse()"
    )

    def change(full: bool) -> None:
        connection = psycopg2.connect(services.admin_url())
        with closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(refuses if full else "drop function refuse cascade")

    return change


def test_a_full_disk_is_told_of_for_a_while_and_callers_are_held(
    full_disk: Callable[..., None],
    caller: Caller,
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caller.dial()
    full_disk(True)
    held = caller.say(1, "I want to leave a message")
    assert verbs(held.text) == ["Say", "Pause", "Redirect"]
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.get_json()["database"]) == (503, "full")
    full_disk(False)
    monkeypatch.setattr(database, "FULL_SECONDS", 0.0)
    assert app.test_client().get("/readyz").get_json()["database"] == "ok"
    answer = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    assert verbs(answer.text)[-1] == "Redirect"
