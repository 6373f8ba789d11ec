"""Who is bound to whom: for how long, and that it does not leak to the next or the neighbour."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import models
from app.extensions import db
from app.tenancy import (
    PLATFORM,
    TenancyError,
    across_tenants,
    acting_for,
    bind,
    current_scope,
    current_tenant_id,
)
from tests.factories import Rows

ASKED = text("select current_user, current_setting('app.tenant_id', true)")


class Mistake(Exception):
    pass


@pytest.fixture
def two(rows: Rows) -> tuple[int, int]:
    """Tenants with one and two leads."""
    one, other = rows.tenant(), rows.tenant()
    rows.lead(one)
    rows.lead(other)
    rows.lead(other)
    return one.id, other.id


def leads() -> int:
    return db.session.query(models.Lead).count()


def test_binding_lasts_and_rebinding_is_refused(light_app: Flask, two: tuple[int, int]) -> None:
    with light_app.app_context():
        bind(two[0])
        bind(two[0])
        for somebody_else in (two[1], PLATFORM, None):
            with pytest.raises(TenancyError, match="already bound"):
                bind(somebody_else)
        assert leads() == 1


def test_the_next_context_is_unbound(light_app: Flask, two: tuple[int, int]) -> None:
    with light_app.app_context():
        bind(two[0])
        assert leads() == 1
    with light_app.app_context():
        assert current_scope() is None
        with pytest.raises(TenancyError):
            leads()


def test_a_scope_survives_commits_and_rollbacks_inside(
    light_app: Flask, two: tuple[int, int]
) -> None:
    with light_app.app_context(), acting_for(two[1]):
        for end in (db.session.commit, db.session.rollback, db.session.commit):
            assert db.session.execute(ASKED).one() == ("recep_tenant", str(two[1]))
            assert leads() == 2
            end()


def test_a_change_of_scope_reaches_an_open_transaction(
    light_app: Flask, two: tuple[int, int]
) -> None:
    with light_app.app_context():
        assert db.session.execute(ASKED).one() == ("recep_unbound", "")
        with across_tenants():
            assert db.session.execute(ASKED).one() == ("recep_platform", "")
            with acting_for(two[0]):
                assert db.session.execute(ASKED).one() == ("recep_tenant", str(two[0]))
            assert db.session.execute(ASKED).one() == ("recep_platform", "")
        assert db.session.execute(ASKED).one() == ("recep_unbound", "")


def test_the_role_ends_with_the_transaction(light_app: Flask, two: tuple[int, int]) -> None:
    """What PgBouncer, or the pool, hands to the next one carries nothing."""
    with light_app.app_context():
        with acting_for(two[0]):
            leads()
            db.session.commit()
        with db.engine.connect() as connection:
            assert connection.execute(ASKED).one() == ("recep_login", "")


def test_rows_of_the_platform_are_forgotten_on_entering_a_tenant(
    light_app: Flask, two: tuple[int, int]
) -> None:
    with light_app.app_context(), across_tenants():
        lead = db.session.scalars(select(models.Lead).filter_by(tenant_id=two[1])).first()
        assert lead is not None
        with acting_for(two[0]):
            assert db.session.get(models.Lead, lead.id) is None


def test_a_failure_inside_a_scope_rolls_back_and_restores(
    light_app: Flask, two: tuple[int, int]
) -> None:
    with light_app.app_context():
        bind(two[0])
        with pytest.raises(Mistake), acting_for(two[0]):
            _add_a_lead_and_fail()
        assert current_tenant_id() == two[0]
        assert leads() == 1


def test_leaving_with_unsaved_changes_is_refused(light_app: Flask, two: tuple[int, int]) -> None:
    refused = pytest.raises(TenancyError, match="unsaved")
    with light_app.app_context(), refused, acting_for(two[0]):
        db.session.add(models.Lead(name="Late"))


def test_one_connection_serves_alternating_scopes_with_failures(
    light_app: Flask, two: tuple[int, int]
) -> None:
    for turn in range(60):
        with light_app.app_context():
            mine = turn % 2
            with acting_for(two[mine]):
                assert leads() == mine + 1
            if turn % 3 == 0:
                with pytest.raises(Mistake), acting_for(two[1 - mine]):
                    _add_a_lead_and_fail()
            if turn % 5 == 0:
                with across_tenants():
                    assert leads() == 3
            assert db.engine.pool.checkedout() <= 1


def test_threads_do_not_see_each_others_scope(light_app: Flask, two: tuple[int, int]) -> None:
    together = threading.Barrier(4)

    def work(number: int) -> list[int]:
        mine, found = number % 2, []
        with light_app.app_context():
            for _ in range(10):
                together.wait(timeout=30)
                with acting_for(two[mine]):
                    found.append(leads())
                    db.session.commit()
        return found

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(work, range(4)))
    assert results == [[1] * 10, [2] * 10, [1] * 10, [2] * 10]


def _add_a_lead_and_fail() -> None:
    db.session.add(models.Lead(name="Never"))
    db.session.flush()
    raise Mistake
