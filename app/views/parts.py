"""How each part of the installation is: a word, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from app import replica
from app.ai import meaning
from app.jobs import heartbeat
from app.jobs.heartbeat import Beat
from app.views import health


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
    beats = heartbeat.beats()
    return [
        _database(), *_replica(), _redis(health.redis_server()), _mail(), _encoder(), _web(beats),
        _workers(beats), _scheduler(beats),
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


def _behind(kind: str, name: str, beats: list[Beat], advice: str) -> Part:
    """Processes of a kind, by the signs of life that they leave in the database."""
    seen = [beat for beat in beats if beat.kind == kind]
    well = [beat for beat in seen if not beat.late]
    last = max((beat.seen_at for beat in seen), default=None)
    if not well:
        return Part(name, "bad", gettext("Not heard of") if seen else gettext("None"), advice, last)
    word = ngettext("%(num)d working", "%(num)d working", len(well))
    alone = sorted({left for beat in well for left in beat.told.get("left_alone", ())})
    if alone:
        resting = gettext(
            "Left alone for the moment, as it failed: %(what)s", what=", ".join(alone)
        )
        return Part(name, "warn", word, resting, last)
    return Part(name, "ok", word, "", last)


def _web(beats: list[Beat]) -> Part:
    return _behind(heartbeat.WEB, gettext("Web processes"), beats, gettext(
        "None of those that are watched over; this page came from one that is not. Start it:"
        " python3 run.py web"
    ))  # fmt: skip


def _workers(beats: list[Beat]) -> Part:
    return _behind(heartbeat.WORKER, gettext("Workers"), beats, gettext(
        "Nobody does what comes after a call: summaries, mails, webhooks. Start one: python3 run.py"
        " worker"
    ))  # fmt: skip


def _scheduler(beats: list[Beat]) -> Part:
    return _behind(heartbeat.SCHEDULER, gettext("Scheduler"), beats, gettext(
        "Calls whose end is not told stay open, and nothing is tidied up. Start it: python3 run.py"
        " scheduler"
    ))  # fmt: skip
