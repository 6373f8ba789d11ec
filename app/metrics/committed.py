"""Counts what a transaction writes once it is committed, and nothing of one that is rolled back."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.extensions import db
from app.metrics import counting
from app.metrics.catalogue import Metric

_KEY = "counted"


def count(metric: Metric, by: float = 1, **labels: object) -> None:
    afterwards(partial(counting.count, metric, by, **labels))


def observe(metric: Metric, value: float, **labels: object) -> None:
    afterwards(partial(counting.observe, metric, value, **labels))


def afterwards(work: Callable[[], None]) -> None:
    """Do this once the transaction is committed; it must not fail."""
    db.session().info.setdefault(_KEY, []).append(work)


def _committed(session: Session) -> None:
    for work in session.info.pop(_KEY, ()):
        work()


def _rolled_back(session: Session) -> None:
    session.info.pop(_KEY, None)


def install() -> None:
    """Safe to call for every application."""
    for name, listener in (("after_commit", _committed), ("after_rollback", _rolled_back)):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)
