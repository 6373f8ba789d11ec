"""The lease of a row while it is worked on: short, so that another soon takes up what a killed
worker left, and renewed, so that what takes long is not done twice."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.jobs.outbox import Work
from app.tenancy import across_tenants

LEASE: Final = timedelta(seconds=45)
EVERY: Final = 10.0  # seconds
LONGEST: Final = timedelta(seconds=150)
"""Longer than any handler takes: a mail server that needs its full timeout for each step. Whatever
takes longer hangs, and is not kept from others."""

# One that ran out may be somebody else's at any moment.
_RENEW: Final = text("""
    update job set lease_until = clock_timestamp() + :lease
    where id = :id and lease_token = :token and lease_until > clock_timestamp()
""")


@contextmanager
def held(work: Work) -> Iterator[None]:
    """Ours while the block runs, for as long as LONGEST."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    over = threading.Event()
    threading.Thread(target=_renew, args=(app, work, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _renew(app: Flask, work: Work, over: threading.Event) -> None:
    until = time.monotonic() + (LONGEST - LEASE).total_seconds()
    while not over.wait(EVERY) and time.monotonic() < until:
        with app.app_context():
            try:
                with across_tenants():
                    row = {"id": work.id, "token": work.token, "lease": LEASE}
                    db.session.execute(_RENEW, row)
                    db.session.commit()
            except SQLAlchemyError:  # away for a moment: the lease outlasts three such tries
                pass
            finally:
                db.session.remove()
