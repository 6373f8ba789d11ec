"""Whether somebody is who they say: by password and, where there is one, by a second factor.

Every try is counted before it is looked at, and one that passes is the sign-in itself. What is done
is the same for a name that nobody has.
"""

import time
from dataclasses import asdict, dataclass
from datetime import datetime
from logging import getLogger
from typing import Any

from flask import current_app, g, session
from sqlalchemy import exists, func, or_, select
from werkzeug.security import check_password_hash

from app.extensions import db
from app.models import AttemptOutcome, Tenant, TenantStatus, User, Way
from app.tenancy import across_tenants
from app.views import attempts, devices, factors

HALF = "half"  # in the cookie
LONGEST_WAY = 1000  # of an address; browsers drop cookies over 4 kB
PATIENCE = 10 * 60  # seconds between password and code

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """As much of a user as is looked at before somebody is proven."""

    id: int
    password: str | None
    active: bool | None
    session_epoch: int
    second_factor: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """A password that was right, in the try that is to become the sign-in."""

    user_id: int
    session_epoch: int
    attempt: int
    needs_code: bool


@dataclass(frozen=True, slots=True)
class Half:
    """What a browser carries from the password to the code. It is nobody's session yet."""

    user_id: int
    session_epoch: int
    attempt: int
    at: float
    following: str


def by_password(username: str, password: str, way: Way) -> Admission | None:
    """Raises TooMany."""
    name = _printable(username)
    with across_tenants():
        found = _account(name)
        attempt = _begin(found.id, way) if found else attempts.begin(
            attempts.LOGIN, way, name.casefold()
        )  # fmt: skip
        if not (_fits(found, password) and found and found.active):
            attempts.settle(attempt, AttemptOutcome.FAILED)
            log.info("sign-in failed", extra={"way": way, "user_id": found and found.id})
            return None
        if found.second_factor:
            attempts.begin_code(attempt)
    return Admission(found.id, found.session_epoch, attempt, found.second_factor)


def by_code(admission: Admission, code: str) -> bool:
    """REST's: in the same try as the password, which stays counted if this is False."""
    with across_tenants():
        return _proves(admission.user_id, code)


def keep_half(admission: Admission, following: str) -> None:
    """Instead of a session. The cookie keeps nothing of what the browser had before."""
    way = following if len(following) < LONGEST_WAY else "/"
    half = Half(admission.user_id, admission.session_epoch, admission.attempt, time.time(), way)
    session.clear()
    session[HALF] = asdict(half)


def kept_half() -> Half | None:
    try:
        half = Half(**session.get(HALF, {}))
    except TypeError:
        return None
    with across_tenants():
        epoch = db.session.scalar(select(User.session_epoch).where(User.id == half.user_id))
    fresh = epoch == half.session_epoch and time.time() - half.at < PATIENCE
    return half if fresh else None


def by_half(half: Half, code: str) -> Admission | None:
    """A page's second step: one more try, counted like the first. A half is used up by the code
    that completes it. Raises TooMany."""
    with across_tenants():
        attempt = _begin(half.user_id, Way.PAGE)
        attempts.begin_code(attempt)
        if not _proves(half.user_id, code) or not attempts.forget(half.attempt):
            return None
    return Admission(half.user_id, half.session_epoch, attempt, True)


def admit(admission: Admission) -> Any | None:
    """The user, signed in: `g.sign_in` is what cookie or token has to name, `g.must_enrol` whether
    there has to be a second factor first. None: something that ends sign-ins has happened since the
    password was shown."""
    with across_tenants():
        user = db.session.get(User, admission.user_id)
        if user is None or not user.active or user.session_epoch != admission.session_epoch:
            return None
        user.login_count = (user.login_count or 0) + 1
        user.last_login, user.fail_login_count = datetime.now(), 0
        attempts.settle(admission.attempt, AttemptOutcome.PASSED)
        db.session.refresh(user)
        g.must_enrol = factors.is_missing_of(user)
    g.sign_in = admission.attempt
    return user


def confirms(user: Any, proof: str, or_code: bool = False) -> bool:
    """Whether it is the password of this signed-in user, or a code. Wrong ones count by sign-in, so
    that no stranger keeps the user from changing the password. Raises TooMany."""
    with across_tenants():
        found, place = _account(user.username), devices.this_session()
        attempt = attempts.begin(attempts.LOGIN, Way.PAGE, str(user.id), user.id, place)
        fits = _fits(found, proof)
        if not fits and or_code and found and found.second_factor:
            attempts.begin_code(attempt)
            fits = _proves(user.id, proof)
        if fits:
            attempts.forget(attempt)
        elif not or_code:
            attempts.settle(attempt, AttemptOutcome.FAILED)
        return fits


def _begin(user_id: int, way: Way) -> int:
    place = devices.place_of(user_id)
    return attempts.begin(attempts.LOGIN, way, str(user_id), user_id, place)


def _proves(user_id: int, code: str) -> bool:
    if factors.takes(user_id, code):
        return True
    log.warning("second factor failed", extra={"user_id": user_id})
    factors.note("wrong code", user_id)
    db.session.commit()
    return False


def _account(name: str) -> Account | None:
    """By user name or e-mail address; of several that differ in case, the exact one. The people of
    a business that is closed are nobody."""
    folded = name.lower()
    row = db.session.execute(
        select(User.id, User.password, User.active, User.session_epoch, User.second_factor)
        .where(
            or_(func.lower(User.username) == folded, func.lower(User.email) == folded),
            ~exists().where(Tenant.id == User.tenant_id, Tenant.status == TenantStatus.CLOSED),
        )
        .order_by((User.username == name).desc(), (User.email == name).desc(), User.id)
        .limit(1)
    ).one_or_none()
    return Account(*row) if row else None


def _fits(account: Account | None, password: str) -> bool:
    """Takes as long when there is no such user, or one who has no password yet."""
    known = account.password if account else None
    fake = current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
    fits = check_password_hash(known or fake, password.encode("utf-8", "replace").decode())
    return bool(known) and fits


def _printable(name: str) -> str:
    """What PostgreSQL can be asked for."""
    return name.encode("utf-8", "replace").decode().replace("\0", "").strip()[:320]
