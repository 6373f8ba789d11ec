"""One statement that is a transaction by itself: one way to the server and back, where a session
makes three. For what every turn of a call asks; it costs about a third.

Statements that come together run as one transaction, each with a snapshot of its own
(https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT), so role
and tenant are set by the first and gone with the last. Wall one is not there: a statement names its
tenant.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, TextClause

from app.extensions import db
from app.tenancy import Platform, switching


def row(scope: int | Platform, statement: TextClause, given: Mapping[str, Any]) -> Row[Any] | None:
    """The row that it returns, if any; it is committed by then. Past the session, whose rows stay
    as they are."""
    with db.engine.connect() as connection:
        plain: Any = connection.connection.driver_connection
        plain.autocommit = True
        try:
            both = f"{switching(scope)}; {_written(statement)}"
            return connection.exec_driver_sql(both, dict(given)).one_or_none()
        finally:
            if not plain.closed:
                plain.autocommit = False


@lru_cache(maxsize=64)
def _written(statement: TextClause) -> str:
    """As the driver takes it: making this costs more than running it."""
    return str(statement.compile(dialect=db.engine.dialect))
