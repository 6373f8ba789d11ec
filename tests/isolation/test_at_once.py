"""One statement that is a transaction by itself: PostgreSQL's wall stands, and nothing is left."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app import at_once
from app.extensions import db
from app.models import CallSession
from app.tenancy import PLATFORM, acting_for
from tests.isolation.conftest import Side

_CALLS = text("select array_agg(tenant_id) as owners from call_session")
_WHO = "select current_user = session_user, coalesce(current_setting('app.tenant_id', true), '')"


def test_a_statement_that_names_no_tenant_sees_own_rows_only(
    light_app: Flask, mine: Side, theirs: Side
) -> None:
    with light_app.app_context():
        own = at_once.row(mine.tenant.id, _CALLS, {})
        everyones = at_once.row(PLATFORM, _CALLS, {})
    assert own is not None
    assert everyones is not None
    assert set(own.owners) == {mine.tenant.id}
    assert set(everyones.owners) >= {mine.tenant.id, theirs.tenant.id}


def test_a_strangers_row_is_not_written(light_app: Flask, mine: Side, theirs: Side) -> None:
    take = text("update call_session set caller = 'x' where id = :id returning id")
    give = text("insert into block (tenant_id, phone) values (:tenant, '+1') returning id")
    with light_app.app_context():
        assert at_once.row(mine.tenant.id, take, {"id": theirs.rows[CallSession].id}) is None
        with pytest.raises(ProgrammingError):
            at_once.row(mine.tenant.id, give, {"tenant": theirs.tenant.id})


def test_it_is_committed_and_leaves_no_role_behind(light_app: Flask, mine: Side) -> None:
    rename = text("update call_session set caller = '+15' where id = :id returning '100 %' as told")
    call_id = mine.rows[CallSession].id
    with light_app.app_context():
        told = at_once.row(mine.tenant.id, rename, {"id": call_id})
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql(_WHO).one() == (True, "")
        with acting_for(mine.tenant.id):
            assert db.session.get_one(CallSession, call_id).caller == "+15"
    assert told is not None
    assert told[0] == "100 %"


def test_what_fails_writes_nothing_and_the_next_one_works(light_app: Flask, mine: Side) -> None:
    twice = text("""
        with once as (update call_session set caller = '+16' where id = :id)
        insert into call_session (tenant_id, call_sid) select tenant_id, call_sid
        from call_session where id = :id
    """)
    call_id = mine.rows[CallSession].id
    with light_app.app_context():
        with pytest.raises(IntegrityError) as failure:
            at_once.row(mine.tenant.id, twice, {"id": call_id})
        with acting_for(mine.tenant.id):
            call = db.session.get_one(CallSession, call_id)
            assert call.caller != "+16"
            assert call.call_sid not in str(failure.value)  # errors quote nobody
