"""How each part of the installation is: a word, and what to do about it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from flask import current_app
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from rq import Worker

from app import replica
from app.ai import meaning
from app.figures import queue
from app.tenancy import across_tenants
from app.views import health

QUIET = timedelta(minutes=3)  # the scheduler adds something each minute
DEAF = timedelta(minutes=2)  # a worker is heard of at least each minute


@dataclass(frozen=True, slots=True)
class Part:
    """`since` is when it was last heard of, of those that are heard of."""

    name: Any
    tone: str
    word: Any
    advice: Any = ""
    since: datetime | None = None


FINE = ("ok", _("Working"))


def every() -> list[Part]:
    now = datetime.now(UTC)
    at_redis = health.redis_server()
    return [
        _database(), *_replica(), _redis(at_redis), _mail(), _encoder(), _workers(at_redis, now),
        _scheduler(now),
    ]  # fmt: skip


def _database() -> Part:
    name = gettext("Database")
    if health.database() == "ok":
        return Part(name, *FINE)
    advice = gettext("Its tables are of another version. Run: python3 run.py migrate")
    return Part(name, "bad", gettext("Not up to date"), advice)


def _replica() -> list[Part]:
    """None, unless one is set."""
    name = gettext("Read replica")
    match replica.state():
        case "not set":
            return []
        case "ok":
            return [Part(name, *FINE)]
        case "unreachable":
            word, why = gettext("Not reached"), ""
        case problem:
            word, why = gettext("Not used"), f" ({problem})"
    advice = gettext("Figures and exports are read from the database itself until then.")
    return [Part(name, "warn", word, advice + why)]


def _redis(state: str) -> Part:
    name = gettext("Redis")
    if state == "ok":
        return Part(name, *FINE)
    return Part(
        name, "warn", gettext("Not reached") if state == "unreachable" else gettext("Not set"),
        gettext(
            "Work still gets done, by the scheduler and some seconds later. Start Redis, or correct"
            " REDIS_URL."
        ),
    )  # fmt: skip


def _mail() -> Part:
    name = gettext("Mail server")
    if not current_app.extensions["settings"].mail_server:
        advice = gettext("Mails are kept as files in the data folder until MAIL_SERVER is set.")
        return Part(name, "mute", gettext("Not set"), advice)
    if health.mail() == "ok":
        return Part(name, *FINE)
    return Part(
        name, "bad", gettext("Not reached"),
        gettext(
            "Mails wait and are tried again for about five hours. Check MAIL_SERVER and MAIL_PORT."
        ),
    )  # fmt: skip


def _encoder() -> Part:
    name = gettext("Sentence encoder")
    advice = gettext("Questions are matched by their words alone until then.")
    match meaning.state():
        case "ok":
            return Part(name, *FINE)
        case "learning":
            return Part(name, "info", gettext("Starting"), advice)
        case "off":
            off = gettext("Questions are matched by words alone. ENCODER=true switches it on.")
            return Part(name, "mute", gettext("Switched off"), off)
    start = gettext("Start it: python3 run.py encoder")
    return Part(name, "warn", gettext("Not running"), f"{advice} {start}")


def _workers(at_redis: str, now: datetime) -> Part:
    name = gettext("Workers")
    try:
        heard = _heard_of() if at_redis == "ok" else None
    except redis.RedisError:
        heard = None
    if heard is None:
        advice = gettext("Workers are heard of through Redis, which does not answer.")
        return Part(name, "warn", gettext("Not known"), advice)
    well = [at for at in heard if now - at < DEAF]
    if well:
        word = ngettext("%(num)d working", "%(num)d working", len(well))
        return Part(name, "ok", word, "", max(well))
    advice = gettext(
        "Nobody does what comes after a call: summaries, mails, webhooks. Start one: python3 run.py"
        " worker"
    )
    return Part(name, "bad", gettext("None"), advice, max(heard, default=None))


def _heard_of() -> list[datetime]:
    """When each worker last gave a sign of life. Raises redis.RedisError."""
    with health.impatient() as connection:
        signs = (worker.last_heartbeat for worker in Worker.all(connection=connection))
        return [at if at.tzinfo else at.replace(tzinfo=UTC) for at in signs if at]


def _scheduler(now: datetime) -> Part:
    name = gettext("Scheduler")
    with across_tenants():
        planned = queue.last_planned(now)
    if planned and now - planned[0] < QUIET:
        return Part(name, *FINE, "", planned[0])
    if planned and planned[1]:
        advice = gettext("It adds nothing while what it added before still waits for a worker.")
        return Part(name, "warn", gettext("Not known"), advice, planned[0])
    advice = gettext(
        "Calls whose end is not told stay open, and nothing is tidied up. Start it: python3 run.py"
        " scheduler"
    )
    return Part(name, "bad", gettext("Not heard of"), advice, planned and planned[0])
