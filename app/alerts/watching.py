"""The look that the scheduler takes once a minute: what is measured, weighed, kept and told.

Two processes may look at once: one of them does, the other lets it. What is told is marked in the
row once it has left, so that a process that dies meanwhile costs a second message, and none is
lost. While the database is away the scheduler knows of itself what to tell.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging import getLogger
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from app import database
from app.alerts import measured, rules, telling
from app.alerts.measured import Measured
from app.alerts.rules import BY_NAME, RULES, Rule, Standing
from app.alerts.telling import News
from app.extensions import db
from app.jobs import heartbeat
from app.models import Alert
from app.tenancy import across_tenants

EVERY: Final = timedelta(minutes=1)
TELLING: Final = timedelta(minutes=2)
"""Longer than both ways take together."""
_ALONE = text("select pg_try_advisory_xact_lock(7310293)")  # a number of ours: who looks
DATABASE: Final = BY_NAME["database"]

log = getLogger(__name__)


@dataclass(slots=True)
class Away:
    """What this process remembers of a database that it cannot ask."""

    since: datetime
    mailed_at: datetime | None = None
    posted_at: datetime | None = None


class Watch:
    """Of one process: what it must remember while there is nowhere to write."""

    def __init__(self) -> None:
        self._away: Away | None = None
        self._recipients: list[str] = []

    def look(self, now: datetime) -> None:
        """Never raises for want of a database."""
        try:
            with across_tenants():
                by_mail, by_hook = self._weigh(now)
        except SQLAlchemyError as error:
            if not database.is_away(error):
                raise
            db.session.remove()
            self._look_without(now)
            return
        self._tell(by_mail, by_hook, now)

    def _weigh(self, now: datetime) -> tuple[list[News], list[News]]:
        """Measure and keep, in one transaction; what is to be told each way."""
        if not db.session.scalar(_ALONE):
            db.session.rollback()
            return [], []
        rows = _rows()
        thresholds = {row.name: threshold_of(row) for row in rows}
        found = measured.everything(now, thresholds)
        if self._away:
            self._remember(rows, self._away)
        for row in rows:
            _turn(row, found[row.name], now)
        self._recipients = telling.recipients()
        free = [row for row in rows if row.telling_until is None or row.telling_until <= now]
        by_mail = [row for row in free if self._recipients and _due(row, "mailed", now)]
        by_hook = [row for row in free if telling.has_webhook() and _due(row, "posted", now)]
        for row in {*by_mail, *by_hook}:
            row.telling_until = now + TELLING
        told = [_news(row, "mailed") for row in by_mail], [_news(row, "posted") for row in by_hook]
        db.session.commit()
        self._away = None
        return told

    def _remember(self, rows: Iterable[Alert], away: Away) -> None:
        """It is back: who was told of it hears of its end like of any other."""
        row = next(row for row in rows if row.name == DATABASE.name)
        if away.mailed_at or away.posted_at:
            row.firing, row.since, row.turning_since = True, away.since, None
        for way, at in (("mailed", away.mailed_at), ("posted", away.posted_at)):
            if at:
                setattr(row, f"{way}_at", at)
                setattr(row, f"{way}_firing", True)

    def _tell(self, by_mail: list[News], by_hook: list[News], now: datetime) -> None:
        """No connection is held while a server is slow."""
        for way, news, send in (
            ("mailed", by_mail, lambda news: telling.mail(news, self._recipients)),
            ("posted", by_hook, telling.hook),
        ):
            if news and _sent(way, news, send):
                _mark(way, news, now)
        if by_mail or by_hook:
            _mark("", [*by_mail, *by_hook], now)

    def _look_without(self, now: datetime) -> None:
        self._away = away = self._away or Away(now)
        if now - away.since < DATABASE.hold:
            return
        for way, send, can in (
            ("mailed", lambda news: telling.mail(news, self._known_recipients()),
             bool(self._known_recipients())),
            ("posted", telling.hook, telling.has_webhook()),
        ):  # fmt: skip
            at = getattr(away, f"{way}_at")
            if not can or not rules.is_to_be_told(True, at is not None, at, None, now):
                continue
            news = News(
                DATABASE, True, away.since, None, DATABASE.threshold,
                "it is not reached at all", reminder=at is not None,
            )  # fmt: skip
            if _sent(way, [news], send):
                setattr(away, f"{way}_at", now)

    def _known_recipients(self) -> list[str]:
        """ALERT_EMAIL needs no database; the super admins are those of the last look."""
        return telling.named() or self._recipients


WATCH = Watch()


def look() -> None:
    WATCH.look(datetime.now(UTC))


def stand_in() -> None:
    """For a worker: look while no scheduler does."""
    beats = heartbeat.beats()
    if not any(beat.kind == heartbeat.SCHEDULER and not beat.late for beat in beats):
        look()


def threshold_of(row: Alert) -> float:
    return BY_NAME[row.name].threshold if row.threshold is None else row.threshold


def _rows() -> list[Alert]:
    """One for each rule, locked: pages change them, too."""
    db.session.execute(
        insert(Alert.__table__)
        .values([{"name": rule.name} for rule in RULES])
        .on_conflict_do_nothing(index_elements=["name"])
    )
    rows = db.session.scalars(select(Alert).order_by(Alert.name).with_for_update())
    return [row for row in rows if row.name in BY_NAME]


def _turn(row: Alert, found: Measured | None, now: datetime) -> None:
    rule, before = BY_NAME[row.name], Standing(row.firing, row.since, row.turning_since)
    row.measured_at = now
    row.value, row.detail = (found.value, found.detail[:300]) if found else (None, "")
    wrong = bool(found and row.active and found.value >= threshold_of(row))
    after = rules.weighed(rule, before, wrong, now)
    if after.firing != before.firing:
        level = log.error if after.firing else log.warning
        level(
            "an alert begins" if after.firing else "an alert is over",
            extra={"alert": row.name, "value": row.value, "threshold": threshold_of(row)},
        )
    row.firing, row.since, row.turning_since = after.firing, after.since, after.turning_since


def _due(row: Alert, way: str, now: datetime) -> bool:
    told_firing, told_at = getattr(row, f"{way}_firing"), getattr(row, f"{way}_at")
    return rules.is_to_be_told(row.firing, told_firing, told_at, row.muted_until, now)


def _news(row: Alert, way: str) -> News:
    rule: Rule = BY_NAME[row.name]
    since = row.since or row.measured_at or datetime.now(UTC)
    again = row.firing and bool(getattr(row, f"{way}_firing"))
    return News(rule, row.firing, since, row.value, threshold_of(row), row.detail, again)


def _sent(way: str, news: list[News], send: Callable[[list[News]], str]) -> bool:
    problem = send(sorted(news, key=lambda one: (not one.firing, one.reminder, one.rule.name)))
    if problem:
        log.error("operators could not be told", extra={"way": way, "reason": problem})
    return not problem


def _mark(way: str, news: list[News], now: datetime) -> None:
    """As told; without a way: as no longer being told. What cannot be marked is told once more."""
    try:
        with across_tenants():
            for row in db.session.scalars(
                select(Alert).where(Alert.name.in_({one.rule.name for one in news}))
            ):
                if way:
                    firing = next(one.firing for one in news if one.rule.name == row.name)
                    setattr(row, f"{way}_at", now)
                    setattr(row, f"{way}_firing", firing)
                else:
                    row.telling_until = None
            db.session.commit()
    except SQLAlchemyError as error:
        log.warning("what was told is not marked", extra={"error": type(error).__name__})
    finally:
        db.session.remove()
