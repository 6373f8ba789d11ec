"""Work that must not be lost: the outbox, and where tenants want to be told of events."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import Boolean, DateTime, Index, Integer, String, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Timestamped, choice, owned_keys, strings
from app.models.sealed import seal, unseal
from app.tenancy import TenantOwned, owned_reference


class JobKind(StrEnum):
    SUMMARISE_CALL = "summarise_call"
    CALL_SUMMARY_MAIL = "call_summary_mail"
    LEAD_NOTIFICATION = "lead_notification"
    ALERT_MAIL = "alert_mail"
    FORWARDING_MAIL = "forwarding_mail"
    START_RECORDING = "start_recording"
    STOP_RECORDING = "stop_recording"
    DELETE_RECORDING = "delete_recording"
    INVITATION_MAIL = "invitation_mail"
    RESET_MAIL = "reset_mail"
    CLOSE_ORPHANS = "close_orphans"
    COLLECT_MESSAGES = "collect_messages"
    CLEANUP = "cleanup"
    WEBHOOK_OUT = "webhook_out"
    BOOK_NUMBERS = "book_numbers"
    BOOK_RING_TEST = "book_ring_test"
    DELETE_TENANT = "delete_tenant"
    ERASE_PERSON = "erase_person"
    LIMIT_MAIL = "limit_mail"  # a limit is near, or reached
    NUMBERS_MAIL = "numbers_mail"  # other telephones are rung than before


MAILS = (
    JobKind.CALL_SUMMARY_MAIL, JobKind.LEAD_NOTIFICATION, JobKind.ALERT_MAIL,
    JobKind.FORWARDING_MAIL, JobKind.INVITATION_MAIL, JobKind.RESET_MAIL, JobKind.LIMIT_MAIL,
    JobKind.NUMBERS_MAIL,
)  # fmt: skip


class WebhookEvent(StrEnum):
    """What a tenant's endpoint can be told."""

    CALL_ENDED = "call.ended"
    LEAD_CREATED = "lead.created"
    TRANSFER_FAILED = "transfer.failed"
    GAP_FOUND = "gap.found"


FORMER_SECRET_SIGNS = timedelta(hours=24)
"""After a rotation: the time in which the receiver must learn the new secret."""


class JobStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"  # given up: a person must look
    SET_ASIDE = "set_aside"  # given up, and a person has looked: nothing more is to be done


class Job(TenantOwned, Timestamped, Model):
    """One piece of work, written in the transaction that causes it.

    `key` makes it unique per tenant, so causing it twice adds one. `args` are ids and plain values.
    `result` keeps what came of it (a mail as it was sent). Jobs without tenant are the platform's.
    """

    __tablename__ = "job"
    __tenant_optional__ = True
    __table_args__ = (
        *owned_keys("job", "call_id", "created_at", "webhook_id"),
        owned_reference("call_id", "call_session"),
        owned_reference("webhook_id", "webhook_endpoint", on_delete="SET NULL (webhook_id)"),
        UniqueConstraint(
            "tenant_id", "key", name="uq_job__key", postgresql_nulls_not_distinct=True
        ),
        Index("ix_job__made", "created_at"),  # across tenants
        Index("ix_job__dead", "tenant_id", "created_at", postgresql_where="status = 'dead'"),
        Index(
            "ix_job__turn",
            "tenant_id",
            "run_at",
            "id",
            postgresql_where="status in ('waiting', 'running')",
        ),
        Index("ix_job__running", "tenant_id", postgresql_where="status = 'running'"),
        Index("ix_job__due", "run_at", postgresql_where="status in ('waiting', 'running')"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), nullable=False, info={"choices": JobKind})
    key: Mapped[str] = mapped_column(String(120), nullable=False)
    args: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    call_id: Mapped[int | None] = mapped_column(Integer)
    webhook_id: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[str] = choice(JobStatus, JobStatus.WAITING, name="ck_job__status")
    attempts: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    run_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str] = mapped_column(Text, nullable=False, default="", server_default="")
    result: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    webhook: Mapped["WebhookEndpoint | None"] = relationship(
        "WebhookEndpoint",
        foreign_keys=[webhook_id],
        primaryjoin="Job.webhook_id == WebhookEndpoint.id",
    )

    @property
    def about(self) -> str:
        """A mail's subject, a webhook's event."""
        return str(self.result.get("subject") or self.args.get("event") or "")

    def __repr__(self) -> str:
        return f"{self.kind} {self.id}"


class WebhookEndpoint(TenantOwned, Timestamped, Model):
    """An address of the tenant's that is told of events; `sealed_secret` signs what it gets, and so
    does the former one until `former_until`."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = owned_keys("webhook_endpoint")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(
        String(32), nullable=False, default=lambda: uuid.uuid4().hex
    )
    url: Mapped[str] = mapped_column(String(500), nullable=False)
    events: Mapped[list[str]] = strings()
    sealed_secret: Mapped[str | None] = mapped_column(String(500))
    sealed_former_secret: Mapped[str | None] = mapped_column(String(500))
    former_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    active: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=True, server_default="true"
    )

    @property
    def secret(self) -> str | None:
        return self.sealed_secret and unseal(self.sealed_secret, self._place())

    @secret.setter
    def secret(self, value: str | None) -> None:
        self.sealed_secret = seal(value, self._place()) if value else None

    def rotate_secret(self) -> str:
        """The new secret. The one it replaces also signs for another day; an older one no more."""
        self.sealed_former_secret = self.sealed_secret
        self.former_until = datetime.now(UTC) + FORMER_SECRET_SIGNS if self.sealed_secret else None
        self.secret = made = new_secret()
        return made

    def signing_secrets(self, now: datetime) -> list[str]:
        """Newest first."""
        sealed = [self.sealed_secret]
        if self.former_until and now < self.former_until:
            sealed.append(self.sealed_former_secret)
        return [unseal(one, self._place()) for one in sealed if one]

    def _place(self) -> str:
        self.public_id = self.public_id or uuid.uuid4().hex
        return f"webhook_endpoint:{self.public_id}:secret"

    def __repr__(self) -> str:
        return self.url


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
