"""The lease of a row while it is worked on: short, so that another soon takes up what a killed
worker left, and renewed, so that what takes long is not done twice."""

import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from logging import getLogger
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
takes longer hangs: its process ends, so that no worker hangs in what another one takes up."""

# One that ran out may be somebody else's at any moment.
_RENEW: Final = text("""
    update job set lease_until = clock_timestamp() + :lease
    where id = :id and lease_token = :token and lease_until > clock_timestamp()
""")


log = getLogger(__name__)
_may_end = False


def may_end() -> None:
    """This process does nothing but work, and somebody starts another one when it ends."""
    global _may_end
    _may_end = True


@contextmanager
def held(work: Work) -> Iterator[None]:
    """Ours while the block runs, for as long as LONGEST."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    over = threading.Event()
    threading.Thread(target=_renew, args=(app, work, over), daemon=True).start()
    try:
        with _ended_in_time():
            yield
    finally:
        over.set()


@contextmanager
def _ended_in_time() -> Iterator[None]:
    """By a thread that also runs while all of Python stands still."""
    if not _may_end:
        yield
        return
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(LONGEST.total_seconds(), exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _renew(app: Flask, work: Work, over: threading.Event) -> None:
    began = time.monotonic()
    while not over.wait(EVERY):
        if time.monotonic() - began > (LONGEST - timedelta(seconds=EVERY)).total_seconds():
            return log.error("a job hangs", extra={"job_id": work.id, "kind": work.kind})
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
