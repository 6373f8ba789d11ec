"""What a tenant's receptionist knows, and what it was asked and did not know."""

from datetime import date, datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import Date, DateTime, Integer, String, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Timestamped, choice, owned_keys, strings
from app.tenancy import TenantOwned, owned_reference


class EntryStatus(StrEnum):
    LIVE = "live"
    DRAFT = "draft"


class GapStatus(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    IGNORED = "ignored"


class KnowledgeEntry(TenantOwned, Timestamped, Model):
    """A question and the answer that may be spoken as fact. `alternates` are other ways to ask it.
    `version` rises with every change, so that a transcript can say what an answer rested on."""

    __tablename__ = "knowledge_entry"
    __table_args__ = owned_keys("knowledge_entry")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    question: Mapped[str] = mapped_column(String(500), nullable=False)
    answer: Mapped[str] = mapped_column(Text, nullable=False)
    alternates: Mapped[list[str]] = strings()
    category: Mapped[str] = mapped_column(String(80), nullable=False, default="", server_default="")
    language: Mapped[str] = mapped_column(String(10), nullable=False, default="", server_default="")
    status: Mapped[str] = choice(EntryStatus, EntryStatus.LIVE, name="ck_knowledge_entry__status")
    valid_until: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, nullable=False, default=1, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def __repr__(self) -> str:
        return self.question


class KnowledgeGap(TenantOwned, Timestamped, Model):
    """A question that no entry answered; `asked` counts it, `folded` groups its wordings."""

    __tablename__ = "knowledge_gap"
    __table_args__ = (
        *owned_keys("knowledge_gap", "call_id", "entry_id"),
        UniqueConstraint("tenant_id", "folded", name="uq_knowledge_gap__folded"),
        owned_reference("call_id", "call_session", on_delete="SET NULL (call_id)"),
        owned_reference("entry_id", "knowledge_entry", on_delete="SET NULL (entry_id)"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    question: Mapped[str] = mapped_column(String(500), nullable=False)
    folded: Mapped[str] = mapped_column(String(500), nullable=False)
    asked: Mapped[int] = mapped_column(Integer, nullable=False, default=1, server_default="1")
    last_asked_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
    status: Mapped[str] = choice(GapStatus, GapStatus.OPEN, name="ck_knowledge_gap__status")
    call_id: Mapped[int | None] = mapped_column(Integer)
    entry_id: Mapped[int | None] = mapped_column(Integer)

    entry: Mapped[KnowledgeEntry | None] = relationship(
        KnowledgeEntry,
        foreign_keys=[entry_id],
        primaryjoin="KnowledgeGap.entry_id == KnowledgeEntry.id",
    )

    def __repr__(self) -> str:
        return self.question
