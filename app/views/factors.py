"""Second factors of users: who needs one, and what its codes prove."""

import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from logging import getLogger
from typing import Any

from flask import current_app
from sqlalchemy import delete, func, select, update

from app import codes
from app.extensions import db
from app.models import RecoveryCode, SecondFactor, User
from app.models.audit import record
from app.models.sealed import SealBroken
from app.roles import RoleName
from app.tenancy import across_tenants

ADMINS = frozenset({RoleName.SUPER_ADMIN, RoleName.TENANT_ADMIN})
ENROL = "Set up your second factor first: sign in to the panel, it leads you there."
UNSYNCHRONIZED = {"synchronize_session": False}

log = getLogger(__name__)


class Required(StrEnum):
    """Of whom REQUIRE_TOTP asks a second factor."""

    NONE = "none"
    ADMINS = "admins"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class State:
    since: datetime
    recovery_codes: int


def is_missing_of(user: Any) -> bool:
    return is_required_of(user) and not user.second_factor


def is_required_of(user: Any) -> bool:
    match current_app.extensions["settings"].require_totp:
        case Required.ALL:
            return True
        case Required.ADMINS:
            return any(role.name in ADMINS for role in user.roles)
    return False


def state_of(user_id: int) -> State | None:
    """None: there is no second factor."""
    left = select(func.count(RecoveryCode.id)).where(RecoveryCode.factor_id == SecondFactor.id)
    with across_tenants():
        row = db.session.execute(
            select(SecondFactor.created_at, left.scalar_subquery()).where(
                SecondFactor.user_id == user_id
            )
        ).one_or_none()
    return State(*row) if row else None


def takes(user_id: int, code: str) -> bool:
    """Whether it is a code of this user's app or a recovery code; either is taken once. For
    platform scope; commits."""
    factor = db.session.scalar(select(SecondFactor).where(SecondFactor.user_id == user_id))
    if factor is None:
        return False
    step, hashed = _step_of(factor, code), codes.hash_of_recovery(code)
    if step is not None:
        taken: Any = (
            update(SecondFactor)
            .where(SecondFactor.id == factor.id, SecondFactor.last_step < step)
            .values(last_step=step)
            .returning(SecondFactor.id)
        )
    elif hashed is not None:
        of_theirs = RecoveryCode.factor_id == factor.id
        taken = (
            delete(RecoveryCode)
            .where(of_theirs, RecoveryCode.code_hash == hashed)
            .returning(RecoveryCode.id)
        )
    else:
        return False
    done = db.session.execute(taken, execution_options=UNSYNCHRONIZED).first() is not None
    if done and step is None:
        note("recovery code", user_id)
    db.session.commit()
    return done


def _step_of(factor: SecondFactor, code: str) -> int | None:
    try:
        return codes.matching_step(factor.secret, code, time.time())
    except SealBroken:
        log.exception("second factor cannot be read", extra={"user_id": factor.user_id})
        return None


def enrol(user_id: int, secret: str, step: int) -> list[str] | None:
    """Recovery codes, to be shown this once; None: there is a second factor already."""
    with across_tenants():
        db.session.execute(select(User.id).where(User.id == user_id).with_for_update())
        if db.session.scalar(select(SecondFactor.id).where(SecondFactor.user_id == user_id)):
            db.session.rollback()
            return None
        factor = SecondFactor.of(user_id, secret, step)
        db.session.add(factor)
        db.session.flush()
        made = _give_codes(factor.id)
        note("add", user_id)
        db.session.commit()
    return made


def renew_codes(user_id: int) -> list[str]:
    """New recovery codes; the old ones are void. None at all without a second factor."""
    with across_tenants():
        factor = db.session.scalar(
            select(SecondFactor.id).where(SecondFactor.user_id == user_id).with_for_update()
        )
        if factor is None:
            return []
        old = delete(RecoveryCode).where(RecoveryCode.factor_id == factor)
        db.session.execute(old, execution_options=UNSYNCHRONIZED)
        made = _give_codes(factor)
        note("renew codes", user_id)
        db.session.commit()
    return made


def remove(user_id: int, action: str) -> bool:
    """Whether there was one. `action` is what the audit log calls it."""
    with across_tenants():
        gone = delete(SecondFactor).where(SecondFactor.user_id == user_id)
        done = db.session.execute(
            gone.returning(SecondFactor.id), execution_options=UNSYNCHRONIZED
        ).first()
        if done:
            note(action, user_id)
        db.session.commit()
    return done is not None


def note(action: str, user_id: int, entity: str = "SecondFactor") -> None:
    """An audit row of the tenant whose user it is. For platform scope; the caller commits."""
    tenant_id = db.session.scalar(select(User.tenant_id).where(User.id == user_id))
    db.session.add(record(action, entity, user_id, {}, tenant_id=tenant_id))


def _give_codes(factor_id: int) -> list[str]:
    made = codes.new_recovery_codes()
    hashes = (codes.hash_of_recovery(code) for code in made)
    db.session.add_all(RecoveryCode(factor_id=factor_id, code_hash=one) for one in hashes)
    return made
