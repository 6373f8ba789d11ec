"""How often somebody may try to get in: counted in PostgreSQL, so that all nodes count the same."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from flask import request
from sqlalchemy import ColumnElement, delete, extract, func, select, update

from app.extensions import db
from app.models import AttemptOutcome, LoginAttempt, Way
from app.models.audit import keyed_hash

COUNTED = (AttemptOutcome.TRIED, AttemptOutcome.FAILED)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries that do not pass, for one name and from one address, in a sliding window."""

    ways: tuple[Way, ...]
    of_name: int
    of_address: int
    window: timedelta


LOGIN = Limit((Way.PAGE, Way.API), of_name=10, of_address=50, window=timedelta(minutes=15))
RESET = Limit((Way.RESET,), of_name=3, of_address=20, window=timedelta(hours=1))


class TooMany(Exception):
    """`wait`: seconds until the next try is looked at."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many attempts, {wait} s to wait")
        self.wait = wait

    @property
    def message(self) -> str:
        return f"Too many attempts. Try again in {-(-self.wait // 60)} minutes."


def begin(limit: Limit, way: Way, name: str, user_id: int | None = None) -> int:
    """Count a try before it is looked at, so that a thousand at once are too many, too; its id.

    For platform scope; commits. Raises TooMany, and such a try does not count.
    """
    key, address = keyed_hash(f"{limit.ways[0]}:{name}"), _network(request.remote_addr or "")
    row = LoginAttempt(
        way=way, key=key, address=address, user_id=user_id, at=func.clock_timestamp(),
        outcome=AttemptOutcome.TRIED,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    attempt = row.id
    db.session.commit()
    passed = LoginAttempt.outcome == AttemptOutcome.PASSED
    last = select(func.max(LoginAttempt.at)).where(LoginAttempt.key == key, passed)
    since = func.coalesce(last.scalar_subquery(), func.to_timestamp(0))
    of_name = (LoginAttempt.key == key) & (LoginAttempt.at > since)
    wait = max(
        _wait(limit, limit.of_name, of_name),
        _wait(limit, limit.of_address, LoginAttempt.address == address),
    )
    if wait:
        settle(attempt, AttemptOutcome.REFUSED)
        raise TooMany(wait)
    db.session.rollback()  # a password takes long to check: no connection waits for it
    return attempt


def settle(attempt: int, outcome: AttemptOutcome) -> None:
    """Commits."""
    db.session.execute(
        update(LoginAttempt).where(LoginAttempt.id == attempt).values(outcome=outcome),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


def forget(attempt: int) -> None:
    """It passed and was no sign-in. Commits."""
    db.session.execute(
        delete(LoginAttempt).where(LoginAttempt.id == attempt),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


def _wait(limit: Limit, most: int, of_whom: ColumnElement[bool]) -> int:
    """Seconds until fewer than `most` others are in the window."""
    left = extract("epoch", LoginAttempt.at + limit.window - func.clock_timestamp())
    found = db.session.scalar(
        select(left)
        .where(
            of_whom,
            LoginAttempt.way.in_(limit.ways),
            LoginAttempt.outcome.in_(COUNTED),
            LoginAttempt.at > func.clock_timestamp() - limit.window,
        )
        .order_by(LoginAttempt.at.desc(), LoginAttempt.id.desc())
        .offset(most)
        .limit(1)
    )
    return 0 if found is None else max(1, int(found) + 1)


def _network(address: str) -> str:
    """Of IPv6 the /64 that one customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    if found.version == 6 and not found.ipv4_mapped:
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
