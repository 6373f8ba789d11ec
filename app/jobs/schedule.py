"""Periodic work, as a list of rows, and the process that goes round it.

Two schedulers at once do no harm: what they plan is one outbox row per kind and period.
"""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from logging import getLogger
from typing import Any

from flask import Flask, current_app
from sqlalchemy import exists, func, select, update

from app.alerts import watching
from app.extensions import db
from app.jobs import children, heartbeat, outbox, running
from app.jobs.holding import LONGEST
from app.metrics import keeping
from app.models import Job, JobKind, JobStatus, ReceptionistConfig
from app.tenancy import across_tenants

DRAIN_SECONDS = 60.0

log = getLogger(__name__)
_stop = threading.Event()


@dataclass(frozen=True, slots=True)
class Periodic:
    run: Callable[[], None]
    every: timedelta


def sweep() -> None:
    """Wake workers when rows are due; while Redis is away, run them here."""
    if running.any_due() and not outbox.ring():
        _run_due_in_a_child()


def plan(kind: JobKind, every: timedelta) -> None:
    """Add this period's row, unless an earlier one still waits: without workers they pile up."""
    period = int(time.time() // every.total_seconds())
    unfinished = exists().where(
        Job.kind == kind, Job.status.in_((JobStatus.WAITING, JobStatus.RUNNING))
    )
    with across_tenants():
        if not db.session.scalar(select(unfinished)):
            outbox.add(kind, key=f"{kind}:{period}")
        db.session.commit()
    outbox.wake()


def answer_again() -> None:
    """Calls that were sent elsewhere for a while are answered here again. Each turn looks at the
    time itself: this only puts the switch back where people see it."""
    over = ReceptionistConfig.forward_calls & (ReceptionistConfig.forward_until <= func.now())
    off = {"forward_calls": False, "forward_until": None, "forward_cause": None}
    with across_tenants():
        db.session.execute(
            update(ReceptionistConfig)
            .where(over)
            .values(off)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()


def _planned(kind: JobKind, every: timedelta) -> Periodic:
    return Periodic(partial(plan, kind, every), every)


SCHEDULE = (
    Periodic(partial(heartbeat.beat, heartbeat.SCHEDULER), heartbeat.EVERY),
    Periodic(keeping.keep, timedelta(seconds=keeping.EVERY)),
    Periodic(sweep, timedelta(seconds=5)),
    Periodic(watching.look, watching.EVERY),
    Periodic(answer_again, timedelta(minutes=1)),
    _planned(JobKind.CLOSE_ORPHANS, timedelta(minutes=1)),
    _planned(JobKind.COLLECT_MESSAGES, timedelta(minutes=5)),
    _planned(JobKind.CLEANUP, timedelta(hours=1)),
    _planned(JobKind.BOOK_NUMBERS, timedelta(hours=1)),
)


def serve(app: Flask) -> None:
    """Go round until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop.set())
    due = [0.0] * len(SCHEDULE)
    while not _stop.is_set():
        for position, row in enumerate(SCHEDULE):
            if due[position] <= time.monotonic() and not _stop.is_set():
                due[position] = time.monotonic() + row.every.total_seconds()
                _run(app, row)
        _stop.wait(max(0.05, min(due) - time.monotonic()))
    with app.app_context():
        keeping.keep()
        heartbeat.leave(heartbeat.SCHEDULER)


def _run(app: Flask, row: Periodic) -> None:
    try:
        with app.app_context():
            row.run()
    except Exception:  # the edge: the database may be away for a while
        log.exception("periodic work failed")


def _run_due_in_a_child() -> None:
    """A row that crashes its process must not end the scheduler."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    child = multiprocessing.get_context("fork").Process(target=_drain, args=(app,))
    child.start()
    until = time.monotonic() + DRAIN_SECONDS + LONGEST.total_seconds()
    while child.is_alive() and time.monotonic() < until:
        child.join(0.2)
        if _stop.is_set():
            child.terminate()
    if child.is_alive():
        child.kill()
        child.join()


def _drain(app: Flask) -> None:
    asked: list[Any] = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    try:
        with app.app_context(), children.in_good_order():
            children.begin()
            running.run_due(DRAIN_SECONDS, stopping=lambda: bool(asked))
    except Exception:  # the edge
        log.exception("work failed that was done for want of Redis")
