"""A message taken for the business."""

from datetime import date
from enum import StrEnum
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import Boolean, Date, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Timestamped, choice, owned_keys
from app.models.call import CallSession, call_relationship
from app.models.department import Department
from app.tenancy import TenantOwned, owned_reference


class LeadStatus(StrEnum):
    NEW = "new"
    CONTACTED = "contacted"
    DONE = "done"
    LOST = "lost"
    SPAM = "spam"


class Lead(TenantOwned, Timestamped, Model):
    """Who called and what for. `known` says for each field how it is known (confirmed, keyed,
    caller_id, heard); `confirmed` is true only after the caller agreed to the read-back; `answers`
    holds the tenant's own intake questions. One per call: a call's later words update it.
    `before_spam` is the status it had until its call was marked as spam."""

    __tablename__ = "lead"
    __table_args__ = (
        *owned_keys("lead", "department_id", "created_at", "phone"),
        owned_reference("call_id", "call_session", on_delete="SET NULL (call_id)"),
        owned_reference("department_id", "department", on_delete="SET NULL (department_id)"),
        UniqueConstraint("tenant_id", "call_id", name="uq_lead__call_id"),
        Index("ix_lead__made", "created_at"),  # across tenants
        Index("ix_lead__status", "tenant_id", "status", "id"),
        Index("ix_lead__new", "tenant_id", "created_at", postgresql_where="status = 'new'"),
        Index(
            "ix_lead__to_do", "tenant_id", "due",
            postgresql_where="status in ('new', 'contacted') and test is false",
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[int | None] = mapped_column(Integer)
    department_id: Mapped[int | None] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(120), nullable=False, default="", server_default="")
    phone: Mapped[str] = mapped_column(String(32), nullable=False, default="", server_default="")
    email: Mapped[str] = mapped_column(String(254), nullable=False, default="", server_default="")
    reason: Mapped[str] = mapped_column(Text, nullable=False, default="", server_default="")
    answers: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    known: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    confirmed: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    urgent: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    test: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    status: Mapped[str] = choice(LeadStatus, LeadStatus.NEW, name="ck_lead__status")
    before_spam: Mapped[str | None] = choice(LeadStatus, name="ck_lead__before_spam")
    due: Mapped[date | None] = mapped_column(Date)
    notes: Mapped[str] = mapped_column(Text, nullable=False, default="", server_default="")

    call: Mapped[CallSession | None] = call_relationship("Lead")
    department: Mapped[Department | None] = relationship(
        Department, foreign_keys=[department_id], primaryjoin="Lead.department_id == Department.id"
    )

    def __repr__(self) -> str:
        return self.name or self.phone or f"Lead {self.id}"
