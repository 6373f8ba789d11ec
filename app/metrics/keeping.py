"""Adds what this process counted to the rows that all processes share.

Each process does so every ten seconds and when it ends as it should: the web server in a thread of
its own (EVERY), workers and the scheduler between two pieces of work, so that nothing else runs
when they fork.
"""

import json
import time
from logging import getLogger
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.metrics import counting
from app.metrics.counting import Series
from app.models import MetricTotal
from app.tenancy import PLATFORM, across_tenants, apart

EVERY: Final = 10.0  # seconds

# In one order, so that two processes never wait for each other. What a crash of the database loses
# of it does no harm: the commit need not wait for the disk.
_ADD = text("""
    with added as (
        select * from unnest(
            cast(:names as text[]), cast(:labels as text[]), cast(:by as double precision[])
        ) as a(name, labels, by) order by name, labels
    ), kept as (
        insert into metric_total (name, labels, value) select name, labels, by from added
        on conflict on constraint uq_metric_total__series
        do update set value = metric_total.value + excluded.value
        returning 1
    )
    select count(*), set_config('synchronous_commit', 'off', true) from kept
""")

log = getLogger(__name__)
_kept_at = 0.0


def keep() -> None:
    """Never raises: what cannot be kept now is the next time."""
    global _kept_at
    _kept_at = time.monotonic()
    added = counting.taken()
    if not added:
        return
    try:
        _add(added)
    except SQLAlchemyError as error:
        counting.give_back(added)
        log.warning("figures could not be kept", extra={"error": type(error).__name__})


def keep_now_and_then() -> None:
    """For work that goes on and on."""
    if time.monotonic() - _kept_at >= EVERY:
        keep()


def totals() -> dict[Series, float]:
    """Of the whole installation. Raises SQLAlchemyError."""
    with across_tenants():
        found = read()
        db.session.rollback()
    return found


def read() -> dict[Series, float]:
    """`totals`, within platform work."""
    rows = db.session.execute(select(MetricTotal.name, MetricTotal.labels, MetricTotal.value))
    return {(name, tuple(json.loads(labels))): value for name, labels, value in rows}


def _add(added: dict[Series, float]) -> None:
    """On a connection of its own: whatever the session is in the middle of stays untouched."""
    series = sorted(added)
    values = {
        "names": [name for name, _labels in series],
        "labels": [json.dumps(labels) for _name, labels in series],
        "by": [added[one] for one in series],
    }
    with apart(PLATFORM) as connection:
        connection.execute(_ADD, values)
