"""Two tenants with a row of every kind, and either wall taken away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import models, tenancy
from app.tenancy import TenantOwned
from tests.conftest import Services
from tests.factories import Rows

OWNED = sorted(
    (m.class_ for m in models.Lead.registry.mappers if issubclass(m.class_, TenantOwned)),
    key=lambda model: model.__name__,
)
# Not TenantOwned, but a tenant sees its own only.
ENCLOSED = [*OWNED, models.User, models.AuditLog]


@dataclass(frozen=True)
class Side:
    tenant: models.Tenant
    rows: dict[type, Any]


@pytest.fixture
def mine(rows: Rows) -> Side:
    return _side(rows)


@pytest.fixture
def theirs(rows: Rows) -> Side:
    return _side(rows)


def _side(rows: Rows) -> Side:
    tenant = rows.tenant()
    found = rows.every_kind(tenant)
    found[models.User], found[models.AuditLog] = rows.user(tenant), rows.audit(tenant)
    return Side(tenant, found)


@pytest.fixture
def session_wall_alone(light_app: Flask, services: Services) -> None:
    """PostgreSQL lets every role do everything."""
    services.execute(
        *(
            f"alter table {table} disable row level security"
            for table in ("tenant", *(model.__tablename__ for model in ENCLOSED))
        ),
        "grant all on all tables in schema public to recep_tenant, recep_unbound",
        "grant all on all sequences in schema public to recep_tenant, recep_unbound",
        name=services.fresh,
    )


@pytest.fixture
def database_wall_alone(light_app: Flask) -> Iterator[None]:
    """The session neither filters nor verifies."""
    listeners = (
        ("do_orm_execute", tenancy._filter_statement),
        ("before_flush", tenancy._verify_flush),
    )
    for name, listener in listeners:
        event.remove(Session, name, listener)
    yield
    for name, listener in listeners:
        event.listen(Session, name, listener)


@pytest.fixture(params=["session", "database"])
def one_wall(request: pytest.FixtureRequest) -> str:
    """Each wall alone; its name."""
    request.getfixturevalue(f"{request.param}_wall_alone")
    return str(request.param)


@pytest.fixture
def everything_of(services: Services) -> Callable[[Side], dict[str, list[Any]]]:
    """All a tenant owns, as the superuser sees it: to be compared before and after."""

    def read(side: Side) -> dict[str, list[Any]]:
        connection = psycopg2.connect(services.admin_url())
        try:
            with connection.cursor() as cursor:
                return {model.__tablename__: _rows(cursor, model, side) for model in ENCLOSED}
        finally:
            connection.close()

    return read


def _rows(cursor: Any, model: type[Any], side: Side) -> list[Any]:
    table = model.__tablename__
    cursor.execute(f"select t::text from {table} t where tenant_id = %s", (side.tenant.id,))
    return sorted(cursor.fetchall())
