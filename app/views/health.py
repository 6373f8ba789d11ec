"""Is the process alive, and may it get work: /healthz and /readyz."""

import socket
import time
from functools import cache
from pathlib import Path
from typing import Any

import redis
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import breaker, replica
from app.ai import meaning
from app.database import by, is_full
from app.extensions import db
from app.jobs import heartbeat
from app.jobs.heartbeat import Beat
from app.models import sealed
from app.tenancy import switch
from app.views import knowing

health = Blueprint("health", __name__)
PATIENCE = 0.5  # seconds
DATABASE_PATIENCE = 0.3
BEHIND = (heartbeat.WORKER, heartbeat.SCHEDULER)


@health.get("/healthz")
def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 while calls can be answered: `degraded` when the work after them must wait. In detail for
    those alone who may look inside."""
    needed = {"database": database(), "keys": encryption_keys()}
    wanted = {}
    if needed["database"] == "ok":
        wanted = {"redis": redis_server(), "mail": mail()} | behind()
    if any(state != "ok" for state in needed.values()):
        status, code = "unavailable", 503
    elif any(state != "ok" for state in wanted.values()):
        status, code = "degraded", 200
    else:
        status, code = "ok", 200
    wanted["encoder"] = meaning.state()  # without it answers are fewer; nothing has to wait
    if away := breaker.states():
        wanted["left_alone"] = ", ".join(away)
    detail = needed | wanted | _replica() if knowing.may_look_inside() else {}
    return jsonify(status=status, **detail), code


def _replica() -> dict[str, str]:
    """If one is set. Without it the database itself is read."""
    with by(time.monotonic() + PATIENCE):
        state = replica.state()
    return {} if state == "not set" else {"replica": state}


def database() -> str:
    """On a connection of its own: only who is nobody yet may read the version. One that this code
    does not know is a newer code's, which takes over just now. That it is full is known from what
    it refused."""
    with by(time.monotonic() + DATABASE_PATIENCE):
        try:
            with db.engine.begin() as connection:
                switch(connection, None)
                version = connection.scalar(text("select version_num from alembic_version"))
        except SQLAlchemyError:
            return "unreachable"
    if version is None or version in _former():
        return "not migrated"
    return "full" if is_full() else "ok"


@cache
def _former() -> frozenset[str]:
    """The versions of the schema that were before this code's."""
    migrations = ScriptDirectory(str(Path(current_app.root_path).parent / "migrations"))
    known = {script.revision for script in migrations.walk_revisions()}
    return frozenset(known - {migrations.get_current_head()})


def encryption_keys() -> str:
    """Whether stored secrets can be written and read: a tenant's signs its calls."""
    place = "health"
    try:
        fits = sealed.unseal(sealed.seal("a secret", place), place) == "a secret"
    except (ValueError, IndexError):
        fits = False
    return "ok" if fits else "unusable"


def behind() -> dict[str, str]:
    """Of the processes behind the web: `ok` while one of a kind gives signs of life."""
    beats = heartbeat.beats()
    return {kind: _alive([b for b in beats if b.kind == kind]) for kind in BEHIND}


def _alive(beats: list[Beat]) -> str:
    if any(not beat.late for beat in beats):
        return "ok"
    last = max((beat.seen_at for beat in beats), default=None)
    return f"silent since {last:%Y-%m-%dT%H:%M:%SZ}" if last else "none running"


def redis_server() -> str:
    if not _settings().redis_url:
        return "not set"
    try:
        with impatient() as server:
            server.ping()
    except redis.RedisError:
        return "unreachable"
    return "ok"


def impatient() -> redis.Redis:
    """A connection to Redis for a page that somebody waits for."""
    return redis.Redis.from_url(
        _settings().redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )  # fmt: skip


def mail() -> str:
    settings = _settings()
    if not settings.mail_server:
        return "ok"  # mails land in DATA_DIR/mail
    try:
        socket.create_connection((settings.mail_server, settings.mail_port), PATIENCE).close()
    except OSError:
        return "unreachable"
    return "ok"


def _settings() -> Any:
    return current_app.extensions["settings"]
