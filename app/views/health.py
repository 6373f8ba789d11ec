"""Is the process alive, and may it get work: /healthz and /readyz."""

import socket
from functools import cache
from pathlib import Path

import redis
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify, request
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.ai import meaning
from app.extensions import db
from app.jobs import heartbeat
from app.jobs.heartbeat import Beat

health = Blueprint("health", __name__)
PATIENCE = 0.5  # seconds
BEHIND = (heartbeat.WORKER, heartbeat.SCHEDULER)
LOOPBACK = ("127.0.0.1", "::1")


@health.get("/healthz")
def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 while calls can be answered: `degraded` when the work after them must wait."""
    needed = {"database": _database()}
    wanted = {}
    if needed["database"] == "ok":
        wanted = {"redis": _redis(), "mail": _mail()} | _behind()
    if any(state != "ok" for state in needed.values()):
        status, code = "unavailable", 503
    elif any(state != "ok" for state in wanted.values()):
        status, code = "degraded", 200
    else:
        status, code = "ok", 200
    wanted["encoder"] = meaning.state()  # without it answers are fewer; nothing has to wait
    detail = needed | wanted if request.remote_addr in LOOPBACK else {}
    return jsonify(status=status, **detail), code


def _database() -> str:
    try:
        version = db.session.scalar(text("select version_num from alembic_version"))
    except SQLAlchemyError:
        return "unreachable"
    finally:
        db.session.remove()
    return "ok" if version == _head() else "not migrated"


@cache
def _head() -> str | None:
    migrations = Path(current_app.root_path).parent / "migrations"
    return ScriptDirectory(str(migrations)).get_current_head()


def _behind() -> dict[str, str]:
    """Of the processes behind the web: `ok` while one of a kind gives signs of life."""
    beats = heartbeat.beats()
    return {kind: _alive([b for b in beats if b.kind == kind]) for kind in BEHIND}


def _alive(beats: list[Beat]) -> str:
    if any(not beat.late for beat in beats):
        return "ok"
    last = max((beat.seen_at for beat in beats), default=None)
    return f"silent since {last:%Y-%m-%dT%H:%M:%SZ}" if last else "none running"


def _redis() -> str:
    url = current_app.extensions["settings"].redis_url
    if not url:
        return "not set"
    try:
        with redis.Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        ) as server:  # fmt: skip
            server.ping()
    except redis.RedisError:
        return "unreachable"
    return "ok"


def _mail() -> str:
    settings = current_app.extensions["settings"]
    if not settings.mail_server:
        return "ok"  # mails land in DATA_DIR/mail
    try:
        socket.create_connection((settings.mail_server, settings.mail_port), PATIENCE).close()
    except OSError:
        return "unreachable"
    return "ok"
