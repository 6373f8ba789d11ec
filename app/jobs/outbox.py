"""The outbox: work is a row, added in the transaction that causes it; waking workers is a courtesy.

Redis may be slow, dead or emptied at any time: nothing is lost, the sweeper (jobs/schedule.py)
finds what was not woken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from logging import getLogger
from typing import Any

from flask import current_app
from redis import RedisError
from sqlalchemy import Interval, bindparam, func
from sqlalchemy.dialects.postgresql import JSONB, insert

from app import breaker
from app.extensions import db
from app.jobs import queues
from app.models import Job, JobKind
from app.tenancy import current_tenant_id

STILL_DONE = frozenset({JobKind.STOP_RECORDING, JobKind.DELETE_RECORDING, JobKind.ERASE_PERSON})
"""For a business that is closed: what takes something away. All else ends."""
MOST_REMAINDERS = 5  # jobs that carry on with the recipients whom a mail has not reached yet
FAILURES, REST = 1, 30.0  # a Redis that does not answer costs every caller half a second

# Made once, like whatever calls need often.
_ADD = (
    insert(Job.__table__)
    .values(
        {name: bindparam(name) for name in ("tenant_id", "kind", "key", "call_id", "webhook_id")}
        | {
            "args": bindparam("args", type_=JSONB),
            "run_at": func.clock_timestamp() + bindparam("delay", type_=Interval),
        }
    )
    .on_conflict_do_nothing(constraint="uq_job__key")
)

log = getLogger(__name__)


class JobError(Exception):
    """The job could not be done. `permanent`: trying again would fail the same way. `result` is
    what is worth keeping of the attempt besides the reason."""

    def __init__(
        self, reason: str, permanent: bool = False, result: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.result = dict(result or {})


class Unfinished(JobError):
    """The job got on and is to be called again at once; such a try does not count."""


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed row, as its handler sees it. `token` is the lease that finishing needs. `done` is
    what was done outside and could not be recorded yet: a further run does not do it again."""

    id: int
    tenant_id: int | None
    kind: str
    key: str
    call_id: int | None = None
    webhook_id: int | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 1
    created_at: datetime | None = None
    closed: bool = False  # whether its tenant is
    call_sid: str = ""
    token: str = ""
    done: dict[str, Any] = field(default_factory=dict)


def add(
    kind: JobKind,
    *,
    key: str,
    call_id: int | None = None,
    webhook_id: int | None = None,
    delay: timedelta | None = None,
    **args: Any,
) -> None:
    """Add a row for the tenant in scope (in platform scope: for the platform). Never commits.

    A row with this key that is there already stays as it is. `args` are ids and plain values.
    """
    row = {
        "tenant_id": current_tenant_id(),
        "kind": kind,
        "key": key,
        "call_id": call_id,
        "webhook_id": webhook_id,
        "args": args,
        "delay": delay or timedelta(0),
    }
    db.session.execute(_ADD, row)


def remainder_key(key: str, number: int) -> str:
    """The key of the `number`-th job that carries on with what this one has left over."""
    return f"{key}+{number}"


def wake() -> None:
    """Make a worker look soon. Call it after the commit; never raises, costs at most a second."""
    ring()


def ring() -> bool:
    """`wake` that tells whether Redis took it."""
    if "outbox_bell" not in current_app.extensions:
        current_app.extensions["outbox_bell"] = Bell(current_app.extensions["settings"].redis_url)
    return bool(current_app.extensions["outbox_bell"].ring())


class Bell:
    """One process's way to Redis; after a failure it is not asked for a while."""

    def __init__(self, url: str) -> None:
        self._connection = queues.impatient(url) if url else None

    def ring(self) -> bool:
        guard = breaker.of("redis", FAILURES, REST)
        if self._connection is None or not guard.asks():
            return False
        try:
            queues.ask_to_look(queues.outbox_queue(self._connection))
        except RedisError as error:
            guard.failed()
            log.warning("redis does not answer", extra={"error": type(error).__name__})
            return False
        guard.passed()
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
