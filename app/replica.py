"""Reads that a replica of the database may answer: figures and exports, never calls.

A read goes there only if the replica has by then everything that was committed before the read was
asked for: so nobody misses what they have just saved, and figures agree with the lists behind them.
If it is away, is not that far within CATCH_UP, is no replica any more, or could see more than it
should, the database itself answers.

Both walls stand there as here: a session of the same kind, with the same listeners, whose every
transaction switches to the same role and tenant. https://www.postgresql.org/docs/18/hot-standby.html
"""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import getLogger
from typing import Any, Final, ParamSpec, TypeVar

import psycopg2
from flask import Flask, current_app, g
from psycopg2.errors import QueryCanceled
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app import breaker, database, overreach
from app.extensions import db
from app.tenancy import TenancyError, current_scope

CATCH_UP = 0.25  # seconds that a read waits for what was committed before it
LOOK = 0.01
FAILURES, REST = 1, 5.0  # one that is behind stays behind for a moment

P = ParamSpec("P")
R = TypeVar("R")

# What the replica must have: all that is committed. Without synchronous_commit that may not have
# left the server's memory.
POSITION: Final = """
    select (case when current_setting('synchronous_commit') = 'off'
            then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end)::text,
        system_identifier, current_database()
    from pg_control_system()
"""
STANDING: Final = f"""
    select {overreach.ASKED}, pg_is_in_recovery(),
        system_identifier = %s and current_database() = %s,
        coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false),
        extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float
    from pg_control_system()
"""
NO_REPLICA: Final = "it is not a replica: it accepts changes of its own"
ANOTHERS: Final = "it is a replica of another database than that of DATABASE_URL"

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """How far the database itself is, and which one it is."""

    lsn: str
    cluster: int
    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a replica is. `fault`: why it must never be asked, whatever it has. `newest`: seconds
    since the newest change that it has was made; while nothing is changed that grows without
    anything being wrong."""

    fault: str
    has_all: bool
    newest: float | None


class Unfit(Exception):
    """The replica cannot answer this; the message says why."""


def install(app: Flask, url: str, options: dict[str, Any]) -> None:
    """`options` are those of the database's own engine."""
    app.extensions["replica"] = create_engine(url, **(options | {"poolclass": QueuePool}))


def engine() -> Engine | None:
    found: Engine | None = current_app.extensions.get("replica")
    return found


def read(function: Callable[P, R]) -> Callable[P, R]:
    """For a function that only reads, and returns what no longer needs a session. If the replica
    fails half-way it is called once more, to read from the database itself."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **named: P.kwargs) -> R:
        is_there = False
        try:
            with reading() as is_there:
                return function(*args, **named)
        except (DBAPIError, TimeoutError, psycopg2.OperationalError) as error:
            if not (is_there and _is_its_own(error)):
                raise
            _leave_alone(error)
        return function(*args, **named)

    return wrapped


@contextmanager
def reading() -> Iterator[bool]:
    """`db.session` reads from the replica until the end of the block, if that can answer; whether
    it does. For reads that cannot be begun anew: one that fails half-way has failed."""
    theirs = None if g.get("reads_from_replica") else _session()
    if theirs is None:
        yield False
        return
    ours, scope = db.session(), current_scope()
    g.reads_from_replica = True
    db.session.registry.set(theirs)  # type: ignore[arg-type]
    try:
        yield True
        if current_scope() != scope:
            raise TenancyError("the scope changed within a read from the replica")
    finally:
        g.reads_from_replica = False
        db.session.registry.set(ours)
        theirs.close()


def position(cursor: Any) -> Position:
    """By a cursor of psycopg2, as below: so that it can also be asked before there is an
    application."""
    cursor.execute(POSITION)
    return Position(*cursor.fetchone())


def standing(cursor: Any, wanted: Position) -> Standing:
    """Against what the database itself had at `wanted`."""
    cursor.execute(STANDING, (wanted.cluster, wanted.name, wanted.lsn))
    *login, is_replica, is_same, has_all, newest = cursor.fetchone()
    found = [
        overreach.fault(tuple(login)),
        "" if is_replica else NO_REPLICA,
        "" if is_same else ANOTHERS,
    ]
    return Standing(next(filter(None, found), ""), has_all, newest)


def state() -> str:
    """For operators: `not set`, `ok`, `unreachable`, or why it is not asked now."""
    there = engine()
    if there is None:
        return "not set"
    try:
        wanted = _position()
        with Session(there) as session:
            _await(session, wanted)
    except Unfit as problem:
        return str(problem)
    except (SQLAlchemyError, psycopg2.Error) as error:
        return "unreachable" if database.is_away(error) else f"unusable: {_kind(error)}"
    return "ok"


def _session() -> Session | None:
    """A session whose transaction sees all that was committed before; None: nobody to ask."""
    there = engine()
    if there is None or not _guard().asks():
        return None
    session = Session(there)
    try:
        _await(session, _position())
    except (SQLAlchemyError, psycopg2.Error, Unfit) as error:
        session.close()
        _leave_alone(error)
        return None
    _guard().passed()
    return session


def _position() -> Position:
    """On a connection of its own: a server that does not know the functions must not spoil the
    transaction of the request."""
    with db.engine.connect() as connection:
        return position(connection.connection.cursor())


def _await(session: Session, wanted: Position) -> None:
    """Raises Unfit, SQLAlchemyError, psycopg2.Error."""
    until = time.monotonic() + CATCH_UP
    connection = session.connection()
    connection.exec_driver_sql("select 1")  # if it leads nowhere, SQLAlchemy is to know
    while True:
        found = standing(connection.connection.cursor(), wanted)
        if found.fault:
            raise Unfit(found.fault)
        if found.has_all:
            return
        if time.monotonic() > until:
            raise Unfit(f"behind: its newest change is {found.newest or 0:.0f} s old")
        time.sleep(LOOK)


def _is_its_own(error: Exception) -> bool:
    """Whether the replica failed, rather than the question: what it has to replay ends queries
    that stand in the way. What took too long there would do so here."""
    is_slow = isinstance(getattr(error, "orig", error), QueryCanceled)
    return database.is_away(error) and not is_slow


def _guard() -> breaker.Breaker:
    return breaker.of("replica", FAILURES, REST)


def _kind(error: Exception) -> str:
    """In one word, and without quoting anything."""
    return type(getattr(error, "orig", error)).__name__


def _leave_alone(error: Exception) -> None:
    _guard().failed()
    why = str(error) if isinstance(error, Unfit) else _kind(error)
    log.warning("the database itself is read in place of its replica", extra={"reason": why})
