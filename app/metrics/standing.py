"""How things stand just now, asked of the rows that others keep: a few grouped statements."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import redis
from flask import current_app
from sqlalchemy import Date, case, cast, func, select

from app import rates
from app.extensions import db
from app.figures import queue
from app.jobs import heartbeat, queues
from app.models import (
    BACKUP,
    Alert,
    CallSession,
    Channel,
    Milestone,
    SpendAccount,
    Tenant,
)
from app.tenancy import across_tenants

DEPENDENCIES: Final = ("database", "redis", "mail", "twilio", "model", "encoder", "other")


@dataclass(frozen=True, slots=True)
class Gauge:
    """`samples`: the values of its labels, and how it stands."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    samples: tuple[tuple[tuple[str, ...], float], ...] = ()


NAMES: Final = {
    "recep_database_up": "Whether this node reaches the database.",
    "recep_redis_up": "Whether this node reaches Redis.",
    "recep_calls_active": "Calls that are going on; test calls are not among them.",
    "recep_jobs": "Jobs that wait, wait for another attempt, run, or were given up.",
    "recep_outbox_oldest_age_seconds": "How long the job that waits longest is overdue.",
    "recep_queue_looks": "Requests to look for work that no worker has taken yet.",
    "recep_queue_oldest_age_seconds": "How long the oldest of them has waited.",
    "recep_processes": "Processes that gave a sign of life lately.",
    "recep_process_silence_seconds": "Since the latest sign of life of a process of that kind.",
    "recep_database_connections": "Of the pools of living processes: in use, most in use, size.",
    "recep_breakers_open": "Living processes that leave this dependency alone for the moment.",
    "recep_spent": "By all tenants in their present day and month, with what is reserved.",
    "recep_tenants": "Tenants, by status.",
    "recep_alert_firing": "Whether operators are told that something is wrong.",
    "recep_alert_value": "As last measured, in the unit of the alert; absent if it could not be.",
    "recep_backup_last_success_timestamp_seconds": "When the last backup was made; absent if none.",
}


def gauges() -> list[Gauge]:
    """Of the database; Redis besides. Raises SQLAlchemyError."""
    now = datetime.now(UTC)
    with across_tenants():
        found = [
            _one("recep_database_up", 1),
            _calls(), *_jobs(now), _spent(), _tenants(), *_alerts(), _backup(),
        ]  # fmt: skip
        db.session.rollback()
    return [*found, *_processes(now), *_redis()]


def without_database() -> list[Gauge]:
    return [_one("recep_database_up", 0), *_redis()]


def _one(name: str, value: float) -> Gauge:
    return Gauge(name, NAMES[name], (), (((), value),))


def _several(name: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Gauge:
    """By label, or by several."""
    samples = (
        (tuple(map(str, key)) if isinstance(key, tuple) else (str(key),), float(value))
        for key, value in sorted(values.items())
    )
    return Gauge(name, NAMES[name], labels, tuple(samples))


def _calls() -> Gauge:
    open_ = CallSession.outcome.is_(None), CallSession.channel != Channel.TEST
    return _one(
        "recep_calls_active",
        db.session.scalar(select(func.count()).select_from(CallSession).where(*open_)) or 0,
    )


def _jobs(now: datetime) -> Iterator[Gauge]:
    standing = queue.standing(now)
    states = {
        "waiting": lambda kind: kind.waiting, "again": lambda kind: kind.again,
        "running": lambda kind: kind.running, "given_up": lambda kind: kind.given_up,
    }  # fmt: skip
    yield _several(
        "recep_jobs", ("job", "state"),
        {(kind.kind, state): many(kind) for kind in standing.kinds
         for state, many in states.items()},
    )  # fmt: skip
    late = (now - standing.due).total_seconds() if standing.due else 0
    yield _one("recep_outbox_oldest_age_seconds", max(0.0, late))


def _spent() -> Gauge:
    """In the currency of the prices."""
    local = func.timezone(Tenant.timezone, func.clock_timestamp())
    sums = (
        func.sum(case((began < cast(now, Date), 0), else_=spent))
        for began, now, spent in (
            (SpendAccount.day, local, SpendAccount.day_spent),
            (SpendAccount.month, func.date_trunc("month", local), SpendAccount.month_spent),
        )
    )
    joined: Any = select(*sums).join_from(SpendAccount, Tenant, Tenant.id == SpendAccount.tenant_id)
    day, month = db.session.execute(joined).one()
    currency = rates.current().currency
    whole = 100 * rates.CENT
    values = {("day", currency): (day or 0) / whole, ("month", currency): (month or 0) / whole}
    return _several("recep_spent", ("period", "currency"), values)


def _tenants() -> Gauge:
    rows = db.session.execute(select(Tenant.status, func.count()).group_by(Tenant.status))
    return _several("recep_tenants", ("status",), {status: many for status, many in rows})


def _alerts() -> Iterator[Gauge]:
    rows = list(db.session.execute(select(Alert.name, Alert.firing, Alert.value)))
    firing = {name: float(firing) for name, firing, _value in rows}
    yield _several("recep_alert_firing", ("alert",), firing)
    measured = {name: value for name, _firing, value in rows if value is not None}
    yield _several("recep_alert_value", ("alert",), measured)


def _backup() -> Gauge:
    at = db.session.scalar(select(Milestone.at).where(Milestone.name == BACKUP))
    name = "recep_backup_last_success_timestamp_seconds"
    return Gauge(name, NAMES[name], (), (((), at.timestamp()),) if at else ())


def _processes(now: datetime) -> Iterator[Gauge]:
    beats = heartbeat.beats()
    living = [beat for beat in beats if not beat.late]
    alive = dict.fromkeys(heartbeat.KINDS, 0) | Counter(beat.kind for beat in living)
    yield _several("recep_processes", ("kind",), alive)
    silence: dict[str, float] = {}
    for beat in beats:
        since = max(0.0, (now - beat.seen_at).total_seconds())
        silence[beat.kind] = min(since, silence.get(beat.kind, since))
    yield _several("recep_process_silence_seconds", ("kind",), silence)
    pools: defaultdict[tuple[str, str], float] = defaultdict(float)
    alone: Counter[str] = Counter()
    for beat in living:
        for state in ("in_use", "most", "size"):
            pools[beat.kind, state] += float(beat.told.get(f"pool_{state}", 0))
        alone.update({_dependency(name) for name in beat.told.get("left_alone", ())})
    yield _several("recep_database_connections", ("kind", "state"), pools)
    yield _several(
        "recep_breakers_open", ("dependency",), {name: alone[name] for name in DEPENDENCIES}
    )


def _dependency(breaker: str) -> str:
    """Of few: a model's breaker has its name, which a tenant chose, and Twilio's its account."""
    kind = breaker.partition(" ")[0]
    return kind if kind in DEPENDENCIES else "other"


def _redis() -> list[Gauge]:
    """The queue only says "look", so it is short whatever there is to do."""
    url = current_app.extensions["settings"].redis_url
    if not url:
        return []
    connection = queues.impatient(url)
    try:
        queue_, now = queues.outbox_queue(connection), datetime.now(UTC)
        many, first = queue_.count, queue_.get_jobs(0, 1)
    except redis.RedisError:
        return [_one("recep_redis_up", 0)]
    finally:
        connection.close()
    since = first[0].enqueued_at if first else None
    at = since if since is None or since.tzinfo else since.replace(tzinfo=UTC)
    age = (now - at).total_seconds() if at else 0
    return [
        _one("recep_redis_up", 1), _one("recep_queue_looks", many),
        _one("recep_queue_oldest_age_seconds", max(0.0, age)),
    ]  # fmt: skip
