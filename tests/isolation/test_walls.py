"""Two walls between tenants, each tried alone: the session's with PostgreSQL's taken away, and
PostgreSQL's with the session's taken away. Raw SQL and inserts in bulk only meet the second."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, exists, func, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError, SAWarning
from sqlalchemy.orm import aliased
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from app import models
from app.extensions import db
from app.tenancy import TenancyError, across_tenants, acting_for
from tests.factories import Rows
from tests.isolation.conftest import ENCLOSED, OWNED, Side

REFUSED = (TenancyError, ProgrammingError, StaleDataError, ObjectDeletedError, SAWarning)
Everything = Callable[[Side], dict[str, list[Any]]]


def test_every_kind_of_owned_row_is_tried(mine: Side) -> None:
    assert set(mine.rows) == set(ENCLOSED)
    assert len(OWNED) > 20


def test_lists_hold_only_own_rows(
    light_app: Flask, mine: Side, theirs: Side, one_wall: str
) -> None:
    with light_app.app_context(), acting_for(mine.tenant.id):
        for model in ENCLOSED:
            owners = set(db.session.scalars(select(model.tenant_id)))
            assert owners == {mine.tenant.id}, model
            other = aliased(model)
            assert set(db.session.scalars(select(other.tenant_id))) == owners, model
            counted = db.session.scalar(select(func.count()).select_from(model))
            assert counted == db.session.query(model).count() < 4, model
        assert db.session.scalars(select(models.Tenant.id)).all() == [mine.tenant.id]


def test_a_strangers_row_cannot_be_read_by_its_id(
    light_app: Flask, mine: Side, theirs: Side, one_wall: str
) -> None:
    with light_app.app_context(), acting_for(mine.tenant.id):
        for model in ENCLOSED:
            assert db.session.get(model, theirs.rows[model].id) is None, model
            assert db.session.get(model, mine.rows[model].id) is not None, model
        assert db.session.get(models.Tenant, theirs.tenant.id) is None


@pytest.mark.parametrize("verb", ["take", "delete"])
def test_a_strangers_rows_are_not_reached_by_statements(
    light_app: Flask, mine: Side, theirs: Side, one_wall: str, everything_of: Everything, verb: str
) -> None:
    before = everything_of(theirs)
    with light_app.app_context(), acting_for(mine.tenant.id):
        for model in ENCLOSED:
            statement = (
                delete(model)
                if verb == "delete"
                else update(model).values(tenant_id=mine.tenant.id)
            )
            with suppress(*REFUSED):
                found = db.session.execute(statement.where(model.id == theirs.rows[model].id))
                assert found.rowcount == 0, model
            db.session.rollback()
    assert everything_of(theirs) == before


@pytest.mark.parametrize("verb", ["edit", "delete"])
def test_a_strangers_row_got_hold_of_cannot_be_changed(
    light_app: Flask, mine: Side, theirs: Side, one_wall: str, everything_of: Everything, verb: str
) -> None:
    before = everything_of(theirs)
    for model in ENCLOSED:
        row = theirs.rows[model]
        with light_app.app_context(), pytest.raises(REFUSED), acting_for(mine.tenant.id):
            _change(row, None if verb == "delete" else mine.tenant.id)
    assert everything_of(theirs) == before


def test_nothing_is_added_to_a_stranger(
    light_app: Flask, mine: Side, theirs: Side, one_wall: str, everything_of: Everything
) -> None:
    before = everything_of(theirs)
    for model in ENCLOSED:
        with light_app.app_context(), pytest.raises(REFUSED), acting_for(mine.tenant.id):
            _add(_copy(mine.rows[model], tenant_id=theirs.tenant.id))
    assert everything_of(theirs) == before


def test_own_rows_are_not_given_away(
    light_app: Flask, mine: Side, theirs: Side, one_wall: str, everything_of: Everything
) -> None:
    before = everything_of(theirs)
    for model in ENCLOSED:
        with light_app.app_context(), pytest.raises(REFUSED), acting_for(mine.tenant.id):
            _change(db.session.get(model, mine.rows[model].id), theirs.tenant.id)
    assert everything_of(theirs) == before


def test_new_rows_are_stamped_with_the_tenant(light_app: Flask, mine: Side, one_wall: str) -> None:
    with light_app.app_context(), acting_for(mine.tenant.id):
        db.session.add_all([models.Block(phone="+12125550177"), _new_user()])
        db.session.commit()
        found = select(models.Block.tenant_id).where(models.Block.phone == "+12125550177")
        assert db.session.scalars(found).all() == [mine.tenant.id]
        known = select(models.User.tenant_id).where(models.User.username == "new")
        assert db.session.scalars(known).all() == [mine.tenant.id]


def test_nobody_proven_reads_nothing(light_app: Flask, one_wall: str) -> None:
    refused = {"session": TenancyError, "database": ProgrammingError}[one_wall]
    for model in (*OWNED, models.Tenant, models.AuditLog):
        with light_app.app_context(), pytest.raises(refused):
            db.session.scalars(select(model)).all()
        with light_app.app_context(), pytest.raises(refused):
            db.session.query(model).count()
        with light_app.app_context(), pytest.raises(refused):
            db.session.scalars(select(models.User).where(exists(select(model.id)))).all()


def test_nobody_proven_writes_nothing(light_app: Flask, mine: Side, one_wall: str) -> None:
    for model in ENCLOSED:
        with light_app.app_context(), pytest.raises(REFUSED):
            _add(_copy(mine.rows[model], tenant_id=mine.tenant.id))


def test_nobody_proven_may_look_for_users_and_count_their_logins(
    light_app: Flask, mine: Side
) -> None:
    with light_app.app_context():
        user = db.session.get(models.User, mine.rows[models.User].id)
        assert [role.name for role in user.roles] == ["Tenant Admin"]
        user.login_count = 3
        db.session.commit()
        user.password = "changed"
        with pytest.raises(ProgrammingError, match="permission denied"):
            db.session.commit()


def test_a_related_id_of_a_stranger_is_refused_even_to_the_platform(
    light_app: Flask, mine: Side, theirs: Side
) -> None:
    tried = 0
    for model in OWNED:
        for key in inspect(model).local_table.foreign_key_constraints:
            columns = {column.name for column in key.columns} - {"tenant_id"}
            if not columns:
                continue
            parent = next(m for m in OWNED if m.__table__ is key.referred_table)
            foreign = {columns.pop(): theirs.rows[parent].id}
            row = mine.rows[model]
            change = (
                insert(model).values(tenant_id=row.tenant_id, quantity=1, key="new", **foreign)
                if model is models.SpendLedger  # which cannot be updated
                else update(model).where(model.id == row.id).values(foreign)
            )
            broken = pytest.raises(IntegrityError, match="foreign key")
            with light_app.app_context(), broken, across_tenants():
                db.session.execute(change)
            tried += 1
    assert tried > 10


def test_every_reference_between_owned_rows_names_the_tenant() -> None:
    owned = {model.__table__ for model in OWNED}
    for table in owned:
        for key in table.foreign_key_constraints:
            if key.referred_table in owned:
                assert "tenant_id" in {column.name for column in key.columns}, (table, key)


def test_a_taken_name_tells_nothing_of_strangers(
    light_app: Flask, rows: Rows, mine: Side, theirs: Side
) -> None:
    """What may repeat between tenants does not collide."""
    rows.department(theirs.tenant, name="Sales")
    rows.block(theirs.tenant, phone="+12125550142")
    rows.job(theirs.tenant, key="summarise:1")
    with light_app.app_context(), acting_for(mine.tenant.id):
        db.session.add(models.Department(name="Sales"))
        db.session.add(models.Block(phone="+12125550142"))
        db.session.add(models.Job(kind=models.JobKind.CLEANUP, key="summarise:1"))
        db.session.commit()


GLOBAL = {"call_sid", "number", "key_hash", "username", "email"}


def test_unique_values_begin_with_the_tenant_but_for_the_named_few() -> None:
    for model in ENCLOSED:
        for key in inspect(model).local_table.constraints:
            if type(key).__name__ == "UniqueConstraint":
                columns = [column.name for column in key.columns]
                assert columns[0] == "tenant_id" or set(columns) <= GLOBAL, (model, columns)


def test_platform_jobs_and_people_are_not_seen_by_tenants(
    light_app: Flask, rows: Rows, mine: Side, one_wall: str
) -> None:
    job, admin, entry = rows.job(), rows.super_admin(), rows.audit()
    with light_app.app_context(), acting_for(mine.tenant.id):
        assert db.session.get(models.Job, job.id) is None
        assert db.session.get(models.User, admin.id) is None
        assert db.session.get(models.AuditLog, entry.id) is None


def test_a_tenant_cannot_make_a_super_admin(light_app: Flask, rows: Rows, mine: Side) -> None:
    rows.super_admin()
    with light_app.app_context(), acting_for(mine.tenant.id):
        user = db.session.get(models.User, mine.rows[models.User].id)
        role = select(models.Role).where(models.Role.name == "Super Admin")
        user.roles.append(db.session.scalars(role).one())
        with pytest.raises(ProgrammingError, match="row-level security"):
            db.session.flush()
        db.session.rollback()


def test_a_tenant_cannot_change_itself(light_app: Flask, mine: Side) -> None:
    with light_app.app_context(), acting_for(mine.tenant.id):
        db.session.get(models.Tenant, mine.tenant.id).status = "closed"
        with pytest.raises(ProgrammingError, match="permission denied"):
            db.session.flush()
        db.session.rollback()


def test_raw_sql_and_bulk_inserts_meet_the_wall_in_the_database(
    light_app: Flask, mine: Side, theirs: Side, everything_of: Everything
) -> None:
    before = everything_of(theirs)
    with light_app.app_context(), acting_for(mine.tenant.id):
        owners = db.session.execute(text("select distinct tenant_id from lead")).scalars()
        assert owners.all() == [mine.tenant.id]
        db.session.execute(text("delete from lead"))
        for made in (
            insert(models.Block).values(tenant_id=theirs.tenant.id, phone="+1"),
            models.Block.__table__.insert().values(tenant_id=theirs.tenant.id, phone="+1"),
        ):
            with pytest.raises(ProgrammingError, match="row-level security"):
                db.session.execute(made)
            db.session.rollback()
    assert everything_of(theirs) == before


def test_a_deleted_tenant_takes_everything_along_but_the_audit_log(
    light_app: Flask, mine: Side, theirs: Side, everything_of: Everything
) -> None:
    before, kept = everything_of(theirs), everything_of(mine)["audit_log"]
    with light_app.app_context(), across_tenants():
        db.session.execute(delete(models.Tenant).where(models.Tenant.id == mine.tenant.id))
        db.session.commit()
    left = {table: rows for table, rows in everything_of(mine).items() if rows}
    assert left == {"audit_log": kept}
    assert everything_of(theirs) == before


def _add(row: Any) -> None:
    db.session.add(row)
    db.session.flush()


def _change(row: Any, tenant_id: int | None) -> None:
    """Give it to a tenant, or delete it."""
    db.session.add(row)
    if tenant_id is None:
        db.session.delete(row)
    else:
        row.tenant_id = tenant_id
    db.session.flush()


def _copy(row: Any, **changes: Any) -> Any:
    """A new row like this one."""
    values = {a.key: getattr(row, a.key) for a in inspect(type(row)).column_attrs}
    return type(row)(**{key: v for key, v in values.items() if key != "id"} | changes)


def _new_user() -> models.User:
    return models.User(username="new", email="new@example.com", first_name="N", last_name="U")
