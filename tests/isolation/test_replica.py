"""Reads through a real streaming replica: behind both walls, never older than what was asked, and
from the database itself as soon as anything is wrong with it."""

import io
import os
import re
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, text
from sqlalchemy.exc import InternalError, ProgrammingError
from sqlalchemy.orm import aliased

from app import breaker, models, replica
from app.cli import needs
from app.cli.migrate import DATABASE
from app.embedded import EmbeddedServiceError
from app.extensions import db
from app.figures import calls
from app.tenancy import TenancyError, across_tenants, acting_for, bind
from config import BadSetting, Settings
from tests.conftest import Services
from tests.factories import Rows
from tests.isolation.conftest import ENCLOSED, OWNED, Side
from tests.standby import Standby
from tests.web.speaking import Rest, log_in
from tests.web.test_dashboard import week

WHERE = text("select pg_is_in_recovery()")
PROCESS = text("select pg_backend_pid()")
LOGGED = ("audit_log", "manifest", "login_attempt")


@pytest.fixture(scope="module")
def standby(services: Services, data_dir: Path) -> Iterator[Standby]:
    """Commits here are what they are in production: written before they are answered."""
    services.execute("alter role all set synchronous_commit = on")
    with Standby(data_dir / "replica", services.postgres) as made:
        yield made
    services.execute("alter role all reset synchronous_commit")


@pytest.fixture
def app(make_app: Callable[..., Flask], settings: Settings, standby: Standby) -> Iterator[Flask]:
    """Which asks the replica, and is behind both walls."""
    standby.catch_up()
    made = make_app(database_replica_url=standby.here(settings.database_url))
    there = made.extensions["replica"]
    yield made
    there.dispose()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the replica may need its time."""
    monkeypatch.setattr(replica, "CATCH_UP", 60.0)


@pytest.fixture
def light_app(app: Flask) -> Flask:
    """The walls are taken away from this one."""
    return app


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@contextmanager
def from_the_replica() -> Iterator[None]:
    with replica.reading() as is_there:
        assert is_there, replica.state()
        assert db.session.scalar(WHERE) is True
        yield


@contextmanager
def stopped_replaying(standby: Standby) -> Iterator[None]:
    standby.ask("select pg_wal_replay_pause()")
    while standby.ask("select pg_get_wal_replay_pause_state()") != "paused":
        time.sleep(0.01)
    try:
        yield
    finally:
        standby.ask("select pg_wal_replay_resume()")


def test_a_tenant_reads_only_its_own_rows_there(
    app: Flask, mine: Side, theirs: Side, one_wall: str
) -> None:
    with app.app_context(), acting_for(mine.tenant.id), from_the_replica():
        for model in ENCLOSED:
            other = aliased(model)
            for asked in (model, other):
                assert set(db.session.scalars(select(asked.tenant_id))) == {mine.tenant.id}, model
            assert db.session.get(model, theirs.rows[model].id) is None, model
            assert db.session.get(model, mine.rows[model].id) is not None, model
        assert db.session.scalars(select(models.Tenant.id)).all() == [mine.tenant.id]
    with app.app_context(), across_tenants(), from_the_replica():
        both = {mine.tenant.id, theirs.tenant.id}
        assert both <= set(db.session.scalars(select(models.Lead.tenant_id)))


def test_nobody_proven_reads_nothing_there(app: Flask, mine: Side, one_wall: str) -> None:
    refused = {"session": TenancyError, "database": ProgrammingError}[one_wall]
    for model in (*OWNED, models.Tenant, models.AuditLog):
        with app.app_context(), pytest.raises(refused), from_the_replica():
            db.session.scalars(select(model)).all()


def test_the_scope_is_that_of_the_database_itself_and_stays(
    app: Flask, mine: Side, theirs: Side
) -> None:
    own, others = mine.tenant.id, theirs.tenant.id
    role = text("select current_setting('role'), current_setting('app.tenant_id')")
    with app.app_context():
        with acting_for(own):
            assert db.session.execute(role).one() == ("recep_tenant", str(own))
            before = db.session()
            with from_the_replica():
                assert db.session.execute(role).one() == ("recep_tenant", str(own))
                with acting_for(others):
                    assert db.session.execute(role).one() == ("recep_tenant", str(others))
                assert db.session.execute(role).one() == ("recep_tenant", str(own))
            assert db.session() is before
            assert db.session.execute(role).one() == ("recep_tenant", str(own))
        with pytest.raises(TenancyError, match="scope changed"), from_the_replica():
            bind(own)
        db.session.remove()
    with app.app_context(), acting_for(own), from_the_replica():
        db.session.add(models.Block(phone="+12125550177"))
        with pytest.raises(InternalError, match="read-only"):
            db.session.flush()
        db.session.rollback()


@pytest.mark.parametrize("synchronous", ["on", "off"])
def test_what_was_just_saved_is_there(
    app: Flask, rows: Rows, services: Services, synchronous: str
) -> None:
    services.execute(
        f"alter role recep_login set synchronous_commit = {synchronous}",
        "alter system set wal_writer_delay = '10ms'",
        "select pg_reload_conf()",
    )
    try:
        with app.app_context():
            db.engine.dispose()  # connections from before
        shop = rows.tenant()
        for count in range(1, 6):
            rows.call(shop, started_at=week().span.begins, outcome="answered")
            with app.app_context(), acting_for(shop.id), from_the_replica():
                assert calls.counted(week()).now.taken == count
    finally:
        services.execute(
            "alter role recep_login reset synchronous_commit",
            "alter system reset wal_writer_delay",
            "select pg_reload_conf()",
        )


def test_pages_and_exports_say_the_same_from_it_as_without(
    app: Flask, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = rows.tenant(name="Corner Shop")
    for _ in range(3):
        rows.lead(shop, call_id=rows.call(shop, caller="+12125550142").id)
    boss = log_in(app.test_client(), rows.super_admin().username)
    rest = Rest(app.test_client()).sign_in(rows.super_admin().username)

    def told() -> tuple[Any, ...]:
        page, sheet = boss.get("/"), boss.get("/leadpage/csv")
        usage = rest.ask("GET", "usage/months")
        assert (page.status_code, sheet.status_code, usage.status_code) == (200, 200, 200)
        return _figures(page.text), sheet.text, usage.get_json(), _rows_of(rest, shop)

    with statements_there(app) as asked:
        from_there = told()
    for table in ("call_session", "lead", "spend_ledger", "transfer_attempt", "job"):
        assert any(f"FROM {table}" in statement for statement in asked), table
    monkeypatch.delitem(app.extensions, "replica")
    assert told() == from_there
    assert from_there[0]["Calls taken"] == from_there[0]["Leads"] == "3"
    assert from_there[1].count("+12125550") == 3


def _figures(page: str) -> dict[str, str]:
    return dict(
        re.findall(r'class="kpi-label">(.+?)</span>\s*<b class="kpi-value">(.+?)</b>', page)
    )


def _rows_of(rest: Rest, tenant: models.Tenant) -> dict[str, bytes]:
    """But for the audit log, which notes that they were asked for."""
    answer = rest.ask("GET", f"tenants/{tenant.id}/export")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as found:
        kept = {name: found.read(name) for name in found.namelist()}
    return {name: text for name, text in kept.items() if name.split(".")[0] not in LOGGED}


@contextmanager
def statements_there(app: Flask) -> Iterator[list[str]]:
    """What the replica is asked meanwhile."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    with app.app_context():
        there = replica.engine()
    event.listen(there, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(there, "before_cursor_execute", note)


def test_one_that_is_behind_is_left_alone_until_it_has_caught_up(
    app: Flask, rows: Rows, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "CATCH_UP", 0.05)
    shop = rows.tenant()
    boss = log_in(app.test_client(), rows.super_admin().username)

    @contextmanager
    def asking() -> Iterator[None]:
        with app.app_context(), acting_for(shop.id):
            yield

    with stopped_replaying(standby):
        rows.call(shop, started_at=week().span.begins, outcome="answered")
        with asking(), statements_there(app) as asked:
            assert [calls.counted(week()).now.taken for _ in range(2)] == [1, 1]
        assert not any("call_session" in statement for statement in asked)
        told = app.test_client().get("/readyz").get_json()
        assert told["replica"].startswith("behind")
        assert "Not used" in boss.get("/operations/").text
    breaker.forget()  # the moment is over
    monkeypatch.setattr(replica, "CATCH_UP", 60.0)
    with asking(), from_the_replica():
        assert calls.counted(week()).now.taken == 1
    assert app.test_client().get("/readyz").get_json()["replica"] == "ok"


def test_a_read_that_fails_there_half_way_is_done_again_here(app: Flask, standby: Standby) -> None:
    tried = []

    @replica.read
    def told() -> str:
        tried.append(db.session.scalar(WHERE))
        if tried[-1]:
            standby.ask(f"select pg_terminate_backend({db.session.scalar(PROCESS)}, 5000)")
        db.session.scalar(PROCESS)
        return "told"

    @replica.read
    def nonsense() -> None:
        tried.append(db.session.scalar(WHERE))
        db.session.execute(text("select nonsense()"))  # which would be no better here

    with app.app_context():
        assert told() == "told"
        assert tried == [True, False]
        breaker.forget()
        with pytest.raises(ProgrammingError, match="nonsense"):
            nonsense()
        assert tried == [True, False, True]


@contextmanager
def led_to(app: Flask, url: str) -> Iterator[None]:
    """The application asks this one in place of the replica."""
    bare = Flask("bare")
    settings = app.extensions["settings"]
    there = replace(settings, database_replica_url=url).sqlalchemy_replica_url
    replica.install(bare, there, {})
    usual, app.extensions["replica"] = app.extensions["replica"], bare.extensions["replica"]
    breaker.forget()
    try:
        yield
    finally:
        app.extensions["replica"].dispose()
        app.extensions["replica"] = usual
        breaker.forget()


def test_whatever_is_not_a_replica_of_this_database_is_not_asked(
    app: Flask, settings: Settings, services: Services, standby: Standby
) -> None:
    here = settings.database_url
    services.execute(
        "drop role if exists overreach",
        "create role overreach login bypassrls password 'x'"
        " in role recep_unbound, recep_tenant, recep_platform",
        f"grant connect on database {services.fresh} to overreach",
    )
    wrong = {
        here: "not a replica",
        standby.here(here).replace(f"/{services.fresh}", f"/{DATABASE}"): "another database",
        standby.here(re.sub("//[^@]*@", "//overreach:x@", here)): "BYPASSRLS",
        standby.here(services.admin_url()): "superuser",
    }
    try:
        for url, why in wrong.items():
            with pytest.raises(BadSetting, match=f"DATABASE_REPLICA_URL: .*{why}"):
                needs.replica(replace(settings, database_replica_url=url))
            with led_to(app, url), app.app_context():
                assert why in replica.state()
                with replica.reading() as is_there:
                    assert not is_there, why
    finally:
        services.execute("drop owned by overreach", "drop role overreach", name=services.fresh)


def test_one_that_is_away_stops_nothing(
    app: Flask, settings: Settings, standby: Standby, rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = rows.tenant()
    rows.call(shop, started_at=week().span.begins, outcome="answered")
    with app.app_context(), acting_for(shop.id), from_the_replica():
        pass  # a connection that will turn out to be dead is in the pool
    assert standby.process_id
    os.kill(standby.process_id, signal.SIGKILL)
    os.waitid(os.P_PID, standby.process_id, os.WEXITED | os.WNOWAIT)
    try:
        with app.app_context(), acting_for(shop.id):
            assert calls.counted(week()).now.taken == 1
            assert replica.state() == "unreachable"
        url = standby.here(settings.database_url)
        needs.replica(replace(settings, database_replica_url=url))
        assert "DATABASE_URL answers all" in capsys.readouterr().err
    finally:
        with pytest.raises(EmbeddedServiceError):
            standby.check()
        standby.revive()
    breaker.forget()
    with app.app_context(), acting_for(shop.id), from_the_replica():
        assert calls.counted(week()).now.taken == 1
    needs.replica(replace(settings, database_replica_url=url))
