"""A sign-in after it began: what its cookie and tokens carry, and what ends them."""

import time
from typing import Any

from flask import g, request, session
from sqlalchemy import exists, func, select, true, update

from app.extensions import db
from app.models import AttemptOutcome, LoginAttempt, Tenant, TenantStatus, User
from app.tenancy import across_tenants

EPOCH, SIGN_IN = "epoch", "sign_in"  # in cookies and tokens
BEGAN, SEEN = "began", "seen"
IDLE = 12 * 3600
LONGEST = 7 * 24 * 3600
NOTED = 5 * 60  # how exactly a cookie says when it was last seen
BY_ITSELF = frozenset({"LiveCalls.listing"})
"""What an open page asks for by itself: no sign that somebody is there."""


def claims_of(user: Any) -> dict[str, int]:
    """What a cookie or token must say to stay good, after `auth_user_db`."""
    return {EPOCH: user.session_epoch, SIGN_IN: g.sign_in}


def begin_session(user: Any) -> None:
    """A new cookie that keeps nothing of what the browser had before."""
    now = int(time.time())
    session.clear()
    session.update(claims_of(user) | {BEGAN: now, SEEN: now})


def stay_signed_in(user_id: int) -> None:
    """This browser alone, after all sign-ins of its user were ended."""
    with across_tenants():
        session[EPOCH] = db.session.scalar(select(User.session_epoch).where(User.id == user_id))


def end_sign_in(sign_in: int | None) -> None:
    """Whoever has a copy of its cookie is out, too."""
    with across_tenants():
        found = db.session.get(LoginAttempt, sign_in or 0)
        if found is not None:
            found.ended_at = found.ended_at or func.now()
            db.session.commit()


def is_still_good(user: Any, shown: Any) -> bool:
    """Nobody of a business that is closed stays signed in."""
    if shown.get(EPOCH) != user.session_epoch:
        return False
    open_ = select(true()).where(
        LoginAttempt.id == shown.get(SIGN_IN),
        LoginAttempt.user_id == user.id,
        LoginAttempt.outcome == AttemptOutcome.PASSED,
        LoginAttempt.ended_at.is_(None),
        ~exists().where(Tenant.id == user.tenant_id, Tenant.status == TenantStatus.CLOSED),
    )
    return bool(db.session.scalar(open_))


def note_use() -> bool:
    """Whether this browser's session is neither too old nor forgotten; then it is in use again."""
    now = int(time.time())
    if now - session.get(BEGAN, 0) > LONGEST or now - session.get(SEEN, 0) > IDLE:
        return False
    if now - session[SEEN] > NOTED and request.endpoint not in BY_ITSELF:
        session[SEEN] = now
    return True


def end_all_others(user_id: int, sign_in: int | None) -> None:
    """Every other sign-in of this user, and every token."""
    with across_tenants():
        db.session.execute(
            update(LoginAttempt)
            .where(
                LoginAttempt.user_id == user_id,
                LoginAttempt.ended_at.is_(None),
                LoginAttempt.id != (sign_in or 0),
            )
            .values(ended_at=func.now()),
            execution_options={"synchronize_session": False},
        )
        db.session.execute(
            update(User).where(User.id == user_id).values(session_epoch=User.session_epoch + 1),
            execution_options={"synchronize_session": False},
        )
        db.session.commit()
    stay_signed_in(user_id)
