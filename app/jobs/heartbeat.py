"""Signs of life of web processes, workers and schedulers: written by each, read by /readyz and by
operators, with what each says of itself: its connections to the database, and what it leaves alone.

They are rows, so that they are seen from every machine and while Redis is away.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from logging import getLogger
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from app import breaker
from app.database import Pool
from app.extensions import db
from app.models import Heartbeat
from app.tenancy import across_tenants

WEB, WORKER, SCHEDULER = KINDS = "web", "worker", "scheduler"
EVERY = timedelta(seconds=15)  # a worker's come at least each 45 s
LATE = timedelta(minutes=2)
FORGOTTEN = timedelta(days=1)  # after which one that never came back is no longer shown

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """`name` is one process's; `seen_at` by the database's clock. `told`: `pool_in_use`,
    `pool_most` since the last beat, `pool_size`; the breakers that are `left_alone`."""

    name: str
    kind: str
    host: str
    seen_at: datetime
    late: bool
    told: Mapping[str, Any] = field(default_factory=dict)


def beat(kind: str) -> None:
    """This process lives. Never raises: without a database there is nobody to tell."""
    told = _told()
    row = {
        "name": _name(kind), "kind": kind, "host": _host(), "told": told,
        "seen_at": func.clock_timestamp(),
    }  # fmt: skip
    try:
        with across_tenants():
            fresh = insert(Heartbeat.__table__).values(row)
            db.session.execute(
                fresh.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"seen_at": func.clock_timestamp(), "told": told},
                )
            )
            db.session.commit()
    except SQLAlchemyError as error:
        log.warning("no sign of life could be left", extra={"error": type(error).__name__})
    finally:
        db.session.remove()


def _told() -> dict[str, Any]:
    told: dict[str, Any] = {"left_alone": sorted(breaker.states())}
    pool = db.engine.pool
    if isinstance(pool, Pool):
        told |= {
            "pool_in_use": pool.checkedout(),
            "pool_most": pool.most_in_use,
            "pool_size": pool.size(),
        }
        pool.most_in_use = 0
    return told


def leave(kind: str) -> None:
    """This process ends as it should, and need not be missed. Never raises."""
    try:
        with across_tenants():
            gone = delete(Heartbeat).where(Heartbeat.name == _name(kind))
            db.session.execute(gone, execution_options={"synchronize_session": False})
            db.session.commit()
    except SQLAlchemyError as error:
        log.warning("the sign of life stays", extra={"error": type(error).__name__})
    finally:
        db.session.remove()


def beats() -> list[Beat]:
    """Of every process that did not say goodbye, by kind and name."""
    with across_tenants():
        found = rows()
        db.session.rollback()
    return found


def rows() -> list[Beat]:
    """`beats`, within platform work."""
    found = db.session.execute(
        select(Heartbeat, func.clock_timestamp() - Heartbeat.seen_at).order_by(
            Heartbeat.kind, Heartbeat.name
        )
    )
    return [Beat(h.name, h.kind, h.host, h.seen_at, since > LATE, h.told) for h, since in found]


def forget_old() -> int:
    """Platform work; the caller commits."""
    old = delete(Heartbeat).where(Heartbeat.seen_at < datetime.now(UTC) - FORGOTTEN)
    gone = db.session.execute(old, execution_options={"synchronize_session": False})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _name(kind: str) -> str:
    return f"{kind}:{_host()}:{os.getpid()}"


def _host() -> str:
    return socket.gethostname()[:80]
