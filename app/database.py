"""The way to the database: no wait without an end, and none at all while it is away.

psycopg2 waits for an answer for as long as the server likes: a paused server, or one behind a
network that swallows packets, would keep every thread. So this process waits by itself, against a
clock of its own (https://www.psycopg.org/docs/advanced.html#support-for-coroutine-libraries).
PostgreSQL's own limits come besides: they end the work there, too.
"""

import math
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg2
from psycopg2.extensions import (
    POLL_OK,
    POLL_READ,
    POLL_WRITE,
    STATUS_SETUP,
    connection,
    set_wait_callback,
)
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, TimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from app import breaker
from app.metrics import catalogue, counting

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 40.0  # more than the login role's statement_timeout: the server tells first
LEAST_SECONDS = 0.25  # when time is up: to roll back, and to see that nothing is to be had
IDLE_SECONDS = 1.0  # a connection that was used within them is not asked for a sign of life
FAILURES, REST = 3, 2.0  # a server that is restarted is back within seconds

# Milliseconds, while a caller waits. The login role has longer ones, for the panel and for jobs.
STATEMENT_MS, LOCK_MS, IDLE_MS = 1500, 1000, 5000

MISSED = ("away", "pool", "timeout")  # kinds of errors that say: it was not to be had
FULL_SECONDS = 30.0  # after it refused to write for lack of space it is taken to be full

_USED = "last_used"
_was_full: list[float] = []
_until: ContextVar[float | None] = ContextVar("database_until", default=None)
_hurried: ContextVar[bool] = ContextVar("database_hurried", default=False)
_noticed: ContextVar[list[str] | None] = ContextVar("database_noticed", default=None)


class Away(psycopg2.OperationalError):
    """Not asked: it failed several times just now."""


class TooLate(psycopg2.OperationalError):
    """It did not answer in time; the connection is closed."""


@contextmanager
def by(moment: float, hurried: bool = True) -> Iterator[None]:
    """Answers count until then, of the monotonic clock. `hurried`: a caller waits, and PostgreSQL
    ends what takes long."""
    until, in_hurry = _until.set(moment), _hurried.set(hurried)
    try:
        yield
    finally:
        _until.reset(until)
        _hurried.reset(in_hurry)


def hurried() -> bool:
    return _hurried.get()


@contextmanager
def noticing() -> Iterator[list[str]]:
    """Kinds of the errors inside, whatever became of them on their way."""
    noticed: list[str] = []
    token = _noticed.set(noticed)
    try:
        yield noticed
    finally:
        _noticed.reset(token)


def _note(kind: str) -> None:
    counting.count(catalogue.DATABASE_ERRORS, kind=kind)
    if (noticed := _noticed.get()) is not None:
        noticed.append(kind)


def is_away(error: BaseException) -> bool:
    """Whether a request failed because the database was not to be had, rather than by its own
    fault."""
    if isinstance(error, DBAPIError):
        return isinstance(error.orig, psycopg2.OperationalError) or error.connection_invalidated
    return isinstance(error, TimeoutError | psycopg2.OperationalError)


def is_full() -> bool:
    """Whether it refused to write just now, as its disk is full. Reading it goes on."""
    return bool(_was_full) and time.monotonic() - _was_full[-1] < FULL_SECONDS


class Connection(connection):
    """One of ours; migrations, which may take minutes, use plain ones."""


class Pool(QueuePool):
    """Does not hand out, nor try, while the database is left alone. `most_in_use` connections were
    out at once since somebody last set it to 0."""

    most_in_use = 0

    def connect(self) -> PoolProxiedConnection:
        guard = breaker.of("database", FAILURES, REST)
        if not guard.asks():
            _note("away")
            raise Away("the database is left alone for a moment")
        try:
            found = super().connect()
        except psycopg2.OperationalError:
            _note("away")
            guard.failed()
            raise
        except TimeoutError:
            _note("pool")
            raise
        guard.passed()
        self.most_in_use = max(self.most_in_use, self.checkedout())
        return found


@event.listens_for(Pool, "checkin")
def _put_back(_: Any, record: ConnectionPoolEntry) -> None:
    record.info[_USED] = time.monotonic()


@event.listens_for(Pool, "checkout")
def _look(dbapi: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Whether it still leads anywhere. Not SQLAlchemy's pre_ping: that asks the server each time,
    and a turn takes several connections. Of one that was just used it is enough that the server
    did not say good-bye: nothing else comes unasked."""
    try:
        if _is_readable(dbapi.fileno()):
            raise psycopg2.OperationalError("the server closed it")
        if time.monotonic() - record.info.get(_USED, math.inf) > IDLE_SECONDS:
            dbapi.autocommit = True
            with dbapi.cursor() as cursor:
                cursor.execute("select 1")
            dbapi.autocommit = False
    except psycopg2.Error as error:
        raise InvalidatePoolError("this connection leads nowhere any more") from error


def _is_readable(file: int) -> bool:
    looked_at = select.poll()
    looked_at.register(file, select.POLLIN)
    return bool(looked_at.poll(0))


def install() -> None:
    """From now on every wait of this process for a database is ours, and what fails is counted.
    Safe to call for every application."""
    set_wait_callback(_wait)
    if not event.contains(Engine, "handle_error", _count):
        event.listen(Engine, "handle_error", _count)


# By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html); longer ones first.
_KINDS = (
    ("57014", "timeout"), ("25P03", "timeout"), ("55P03", "locked"), ("40P01", "locked"),
    ("42501", "denied"), ("53100", "full"), ("57P", "away"), ("08", "away"), ("23", ""),
)  # fmt: skip


def _count(context: ExceptionContext) -> None:
    """A statement failed. Rules that a row broke (class 23) are no trouble of the database's."""
    error: Any = context.original_exception
    if isinstance(error, TooLate):  # says nothing of the others: to open all anew costs most now
        context.invalidate_pool_on_disconnect = False
    if context.connection is None:  # no connection was to be had: see Pool
        return
    code = getattr(error, "pgcode", None) or ""
    if isinstance(error, TooLate):
        kind = "timeout"
    elif not code:
        kind = "away" if isinstance(error, psycopg2.OperationalError) else "other"
    else:
        kind = next((kind for prefix, kind in _KINDS if code.startswith(prefix)), "other")
    if kind:
        _note(kind)
    if kind == "full":
        _was_full[:] = [time.monotonic()]
    if kind == "denied":
        counting.count(catalogue.SCOPE_VIOLATIONS, wall="database")


def _wait(conn: Any) -> None:
    ends = _ends(conn)
    while (state := conn.poll()) != POLL_OK:
        _ready(conn, state, ends)


def _ends(conn: Any) -> float | None:
    if not isinstance(conn, Connection):
        return None
    now = time.monotonic()
    until = _until.get()
    if until is not None:
        return max(until, now + LEAST_SECONDS)
    return now + (CONNECT_SECONDS if conn.status == STATUS_SETUP else ANSWER_SECONDS)


def _ready(conn: Any, state: int, ends: float | None) -> None:
    """`poll` and not `select`, which fails beyond 1024 open files."""
    left = None if ends is None else max(0.0, ends - time.monotonic()) * 1000
    waiting = select.poll()
    waiting.register(conn.fileno(), {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}[state])
    if not waiting.poll(left):
        raise TooLate("the database did not answer in time")
