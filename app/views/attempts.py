"""How often somebody may try to get in: counted in PostgreSQL, so that all nodes count the same."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from flask import request
from sqlalchemy import ColumnElement, delete, extract, func, select, update

from app.extensions import db
from app.models import AttemptOutcome, LoginAttempt, Way
from app.models.audit import keyed_hash

COUNTED = (AttemptOutcome.TRIED, AttemptOutcome.FAILED, AttemptOutcome.UNPROVEN)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries that do not pass, for one name and from one address, in a sliding window."""

    ways: tuple[Way, ...]
    of_name: int
    of_address: int
    window: timedelta
    counted: tuple[AttemptOutcome, ...] = COUNTED


@dataclass(frozen=True, slots=True)
class Place:
    """Where a user has proven to be at home. Its tries are counted apart from strangers', who else
    could lock the user out; `private`: nobody else can be there, so its address does not count."""

    key: str = ""
    private: bool = False


ELSEWHERE = Place()
LOGIN = Limit((Way.PAGE, Way.API), of_name=10, of_address=50, window=timedelta(minutes=15))
RESET = Limit((Way.RESET,), of_name=3, of_address=20, window=timedelta(hours=1))
INVITE = Limit((Way.INVITE,), of_name=3, of_address=100, window=timedelta(hours=1))
CODES = Limit(
    LOGIN.ways, of_name=20, of_address=0, window=timedelta(days=1),
    counted=(AttemptOutcome.UNPROVEN,),
)  # fmt: skip
"""By whoever knows the password. Six digits are few: without it, half a year of guessing at
LOGIN's pace would find a code; with it, the chance of a whole year is about one in fifty."""


class TooMany(Exception):
    """`wait`: seconds until the next try is looked at."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many attempts, {wait} s to wait")
        self.wait = wait

    @property
    def message(self) -> str:
        minutes = -(-self.wait // 60)
        wait = f"{minutes} minutes" if minutes <= 120 else f"{-(-minutes // 60)} hours"
        return f"Too many attempts. Try again in {wait}."


def begin(
    limit: Limit, way: Way, name: str, user_id: int | None = None, place: Place = ELSEWHERE
) -> int:
    """Count a try before it is looked at, so that a thousand at once are too many, too; its id.

    For platform scope; commits. Raises TooMany, and such a try does not count.
    """
    key = keyed_hash(f"{limit.ways[0]}:{name}" + (place.key and f":{place.key}"))
    address = network()
    row = LoginAttempt(
        way=way, key=key, address=address, user_id=user_id, at=func.clock_timestamp(),
        outcome=AttemptOutcome.TRIED,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    attempt = row.id
    db.session.commit()
    wait = _wait(limit, limit.of_name, _of_name(key))
    if not place.private:
        wait = max(wait, _wait(limit, limit.of_address, LoginAttempt.address == address))
    _refuse_if(wait, attempt)
    return attempt


def begin_code(attempt: int) -> None:
    """The try has shown the right password and now shows a code, or is to. Commits. Raises TooMany,
    and then the code must not be looked at."""
    key = db.session.scalar(
        update(LoginAttempt)
        .where(LoginAttempt.id == attempt)
        .values(outcome=AttemptOutcome.UNPROVEN)
        .returning(LoginAttempt.key),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()
    _refuse_if(_wait(CODES, CODES.of_name, _of_name(str(key))), attempt)


def _refuse_if(wait: int, attempt: int) -> None:
    if wait:
        settle(attempt, AttemptOutcome.REFUSED)
        raise TooMany(wait)
    db.session.rollback()  # a password takes long to check: no connection waits for it


def _of_name(key: str) -> ColumnElement[bool]:
    """Those since it last passed."""
    passed = LoginAttempt.outcome == AttemptOutcome.PASSED
    last = select(func.max(LoginAttempt.at)).where(LoginAttempt.key == key, passed)
    since = func.coalesce(last.scalar_subquery(), func.to_timestamp(0))
    return (LoginAttempt.key == key) & (LoginAttempt.at > since)


def settle(attempt: int, outcome: AttemptOutcome) -> None:
    """Commits."""
    db.session.execute(
        update(LoginAttempt).where(LoginAttempt.id == attempt).values(outcome=outcome),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


def forget(attempt: int) -> bool:
    """It passed and was no sign-in. False: it was not there any more. Commits."""
    gone = db.session.execute(
        delete(LoginAttempt)
        .where(LoginAttempt.id == attempt, LoginAttempt.outcome.in_(COUNTED))
        .returning(LoginAttempt.id),
        execution_options={"synchronize_session": False},
    ).first()
    db.session.commit()
    return gone is not None


def _wait(limit: Limit, most: int, of_whom: ColumnElement[bool]) -> int:
    """Seconds until fewer than `most` others are in the window."""
    left = extract("epoch", LoginAttempt.at + limit.window - func.clock_timestamp())
    found = db.session.scalar(
        select(left)
        .where(
            of_whom,
            LoginAttempt.way.in_(limit.ways),
            LoginAttempt.outcome.in_(limit.counted),
            LoginAttempt.at > func.clock_timestamp() - limit.window,
        )
        .order_by(LoginAttempt.at.desc(), LoginAttempt.id.desc())
        .offset(most)
        .limit(1)
    )
    return 0 if found is None else max(1, int(found) + 1)


def network() -> str:
    """Where this request comes from. Of IPv6 the /64 that one customer has."""
    address = request.remote_addr or ""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    if found.version == 6 and not found.ipv4_mapped:
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
