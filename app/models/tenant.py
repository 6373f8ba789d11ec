"""Businesses on this installation, their people and their scripts' keys."""

import uuid
from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Timestamped, choice, owned_keys, strings
from app.models.limits import MOST_CENTS
from app.models.sealed import seal, unseal
from app.tenancy import CURRENT_TENANT, TenantOwned


class TenantStatus(StrEnum):
    TRIAL = "trial"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Tenant(Timestamped, Model):
    """A business. `facts_version` is raised by triggers whenever anything a call reads changes.
    `most_…` are the operator's ceilings of its limits; empty: the installation's settings."""

    __tablename__ = "tenant"
    __table_args__ = (Index("ix_tenant__account_sid", "account_sid"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(
        String(32), unique=True, nullable=False, default=lambda: uuid.uuid4().hex
    )
    name: Mapped[str] = mapped_column(String(120), nullable=False)
    slug: Mapped[str] = mapped_column(String(60), unique=True, nullable=False)
    timezone: Mapped[str] = mapped_column(
        String(60), nullable=False, default="America/New_York", server_default="America/New_York"
    )
    status: Mapped[str] = choice(TenantStatus, TenantStatus.ACTIVE, name="ck_tenant__status")
    account_sid: Mapped[str | None] = mapped_column(String(34))
    sealed_auth_token: Mapped[str | None] = mapped_column(String(500))
    most_calls_at_once: Mapped[int | None] = mapped_column(Integer, info={"between": (1, 10_000)})
    most_calls_per_minute: Mapped[int | None] = mapped_column(
        Integer, info={"between": (1, 100_000)}
    )
    most_day_cents: Mapped[int | None] = mapped_column(Integer, info={"between": (0, MOST_CENTS)})
    most_month_cents: Mapped[int | None] = mapped_column(Integer, info={"between": (0, MOST_CENTS)})
    facts_version: Mapped[int] = mapped_column(
        Integer, nullable=False, default=1, server_default="1"
    )

    @property
    def auth_token(self) -> str | None:
        """The token that signs this tenant's webhooks; None: the installation's account is used."""
        return self.sealed_auth_token and unseal(self.sealed_auth_token, self._place("auth_token"))

    @auth_token.setter
    def auth_token(self, token: str | None) -> None:
        self.sealed_auth_token = seal(token, self._place("auth_token")) if token else None

    def _place(self, column: str) -> str:
        self.public_id = self.public_id or uuid.uuid4().hex
        return f"tenant:{self.public_id}:{column}"

    def __repr__(self) -> str:
        return self.name


# On FAB's own class and before mappers are configured: a subclass would give two identities to
# one row. A user without a tenant works for the platform.
User.tenant_id = mapped_column(
    Integer,
    ForeignKey("tenant.id", ondelete="CASCADE"),
    nullable=True,
    index=True,
    server_default=text(CURRENT_TENANT),
)
User.tenant = relationship(Tenant)
# Raised by triggers whenever password, role, standing or second factor change: older cookies and
# tokens are dead.
User.session_epoch = mapped_column(Integer, nullable=False, default=0, server_default="0")
# Whether there is a row in second_factor, which tenants cannot read. Kept by its triggers.
User.second_factor = mapped_column(Boolean, nullable=False, default=False, server_default="false")


class ApiKey(TenantOwned, Timestamped, Model):
    """A script's key: only its SHA-256 is kept; `prefix` lets people recognise it."""

    __tablename__ = "api_key"
    __table_args__ = owned_keys("api_key")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), nullable=False)
    prefix: Mapped[str] = mapped_column(String(12), nullable=False)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True, nullable=False)
    role: Mapped[str] = mapped_column(String(64), nullable=False)
    scopes: Mapped[list[str]] = strings()
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def __repr__(self) -> str:
        return self.name
