"""A child process that works off rows: forked, so that one which crashes takes nothing else along.

It begins with connections of its own and ends in good order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from logging import getLogger

from app import database
from app.extensions import db
from app.jobs import holding
from app.metrics import keeping
from app.tracing import export

log = getLogger(__name__)


def begin() -> None:
    db.engine.dispose(close=False)  # a connection from before the fork is the parent's
    holding.may_end()


@contextmanager
def in_good_order() -> Iterator[None]:
    """Its figures are kept, as it ends without another word. A database that is away is found again
    by the next child."""
    try:
        yield
    except Exception as error:
        if not database.is_away(error):
            raise
        log.warning("the database does not answer", extra={"error": type(error).__name__})
    finally:
        keeping.keep()
        export.send()
