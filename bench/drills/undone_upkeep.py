"""Controls of what operators do, taken away: see undone.py, which has the others."""

import time
from typing import Any

from bench.drills.control import Control


def _of_many_moments() -> None:
    """Each table as it is when its turn comes. They come slowly, as those of years would."""
    from app import snapshot

    written, let_out = snapshot._written, snapshot._let_out

    def as_it_comes(cursor: Any, archive: Any) -> Any:
        cursor.connection.set_session(isolation_level="READ COMMITTED", readonly=True)
        return written(cursor, archive)

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.3)
        return let_out(*arguments)

    vars(snapshot).update(_written=as_it_comes, _let_out=slowly)


def _one_key() -> None:
    """Only the newest key opens anything."""
    from cryptography.fernet import Fernet, MultiFernet
    from flask import current_app

    from app.models import sealed

    vars(sealed)["_fernet"] = lambda: MultiFernet(
        [Fernet(current_app.config["ENCRYPTION_KEYS"][0])]
    )


def _disk_untold() -> None:
    """A node is ready, whatever the database refuses to write."""
    from app.views import health

    vars(health)["is_full"] = lambda: False


def _own_clock() -> None:
    """Each node goes by its own as it looks at a call."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from app.voice import before

    balance, read = before._balance, before.read

    def balanced(tenant_id: int, call: Any, test: bool, _: datetime) -> Any:
        return balance(tenant_id, call, test, datetime.now(UTC))

    vars(before)["_balance"] = balanced
    vars(before)["read"] = lambda *told: replace(read(*told), now=datetime.now(UTC))


def _waits_for_locks() -> None:
    """And everybody waits behind it."""
    from app.cli import migrate

    vars(migrate)["LOCK_TIMEOUT"] = "0"


CONTROLS = {
    "own-clock": Control("the database's clock, by which a call is looked at", _own_clock),
    "one-moment": Control("the one moment that a backup is of", _of_many_moments),
    "lock-timeout": Control("the short wait of migrations for a lock", _waits_for_locks),
    "full-told": Control("what /readyz tells of a full disk", _disk_untold),
    "older-keys": Control("the opening of secrets with older keys", _one_key),
}
