"""How people get in: what each sign-in was, second factors, links that set a password. The
platform's."""

import hashlib
from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import DateTime, ForeignKey, Index, Integer, String, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import choice
from app.models.sealed import seal, unseal
from app.tenancy import PlatformOnly


class Way(StrEnum):
    PAGE = "page"
    API = "api"
    RESET = "reset"  # somebody asks for a link
    INVITE = "invite"  # an invitation is sent again


class AttemptOutcome(StrEnum):
    TRIED = "tried"  # counts as failed until it is known
    FAILED = "failed"
    UNPROVEN = "unproven"  # the password was right, the second factor is wrong or still to come
    REFUSED = "refused"  # there were too many: does not count, or nobody would ever get in again
    PASSED = "passed"


class LoginAttempt(PlatformOnly, Model):
    """One try to sign in. One that passed stands for the sign-in itself: cookie and tokens name it
    and live no longer than it. `key` is a keyed hash of who it is said to be, because people type
    passwords into the wrong field."""

    __tablename__ = "login_attempt"
    __table_args__ = (
        Index("ix_login_attempt__key", "key", "at"),
        Index("ix_login_attempt__address", "address", "at"),
        Index("ix_login_attempt__user_id", "user_id", "at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    way: Mapped[str] = choice(Way, Way.PAGE, name="ck_login_attempt__way")
    key: Mapped[str] = mapped_column(String(64), nullable=False)
    address: Mapped[str] = mapped_column(String(45), nullable=False)
    user_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="CASCADE")
    )
    outcome: Mapped[str] = choice(
        AttemptOutcome, AttemptOutcome.TRIED, name="ck_login_attempt__outcome"
    )
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SecondFactor(PlatformOnly, Model):
    """A user's authenticator app. Its secret is sealed for this user; `last_step` is the newest
    code taken, so that none is taken twice. Triggers end the user's sign-ins when it comes, goes
    or gets another secret."""

    __tablename__ = "second_factor"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), unique=True, nullable=False
    )
    sealed_secret: Mapped[str] = mapped_column(String(500), nullable=False)
    last_step: Mapped[int] = mapped_column(Integer, nullable=False)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )

    @classmethod
    def of(cls, user_id: int, secret: str, last_step: int) -> "SecondFactor":
        sealed = seal(secret, cls._place(user_id))
        return cls(user_id=user_id, sealed_secret=sealed, last_step=last_step)

    @property
    def secret(self) -> str:
        return unseal(self.sealed_secret, self._place(self.user_id))

    @staticmethod
    def _place(user_id: int) -> str:
        return f"user:{user_id}:second_factor"


class RecoveryCode(PlatformOnly, Model):
    """Stands in for the authenticator app, once: using it deletes it. Only its SHA-256 is kept."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index("ix_recovery_code__factor_id", "factor_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    factor_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("second_factor.id", ondelete="CASCADE"), nullable=False
    )
    code_hash: Mapped[str] = mapped_column(String(64), unique=True, nullable=False)


class TokenKind(StrEnum):
    INVITE = "invite"
    RESET = "reset"


class UserToken(PlatformOnly, Model):
    """A link that sets a password, once: only its SHA-256 is kept. It holds for the address it was
    sent to."""

    __tablename__ = "user_token"
    __table_args__ = (Index("ix_user_token__user_id", "user_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, nullable=False)
    user_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False
    )
    kind: Mapped[str] = choice(TokenKind, TokenKind.RESET, name="ck_user_token__kind")
    email: Mapped[str] = mapped_column(String(320), nullable=False)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )

    @staticmethod
    def hash_of(token: str) -> str:
        return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
