"""What bounds calls: spending, leases on shared capacity, and callers who are not answered."""

from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import DateTime, Index, Integer, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Timestamped, choice, owned_keys
from app.models.call import CallSession, call_relationship
from app.tenancy import PlatformOnly, TenantOwned, owned_reference


class SpendKind(StrEnum):
    CALLS = "calls"
    CALL_SECONDS = "call_seconds"
    TRANSFERS = "transfers"  # put through, not only rung
    TRANSFER_SECONDS = "transfer_seconds"
    RECORDING_SECONDS = "recording_seconds"
    TOKENS_IN = "tokens_in"
    TOKENS_OUT = "tokens_out"
    MAILS = "mails"
    NUMBERS = "numbers"  # each number that was rented in a month, once


class SpendLedger(TenantOwned, Model):
    """What was used, append only: `quantity` in the unit its kind names. `model` is whose tokens
    they are. A test call is never in it."""

    __tablename__ = "spend_ledger"
    __table_args__ = (
        *owned_keys("spend_ledger", "call_id"),
        Index(
            "ix_spend_ledger__created_at", "tenant_id", "created_at",
            postgresql_include=["kind", "model", "quantity"],
        ),
        owned_reference("call_id", "call_session", on_delete="SET NULL (call_id)"),
        UniqueConstraint("tenant_id", "key", name="uq_spend_ledger__key"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = choice(SpendKind, SpendKind.CALL_SECONDS, name="ck_spend_ledger__kind")
    quantity: Mapped[int] = mapped_column(Integer, nullable=False)
    model: Mapped[str] = mapped_column(String(80), nullable=False, default="", server_default="")
    key: Mapped[str] = mapped_column(String(120), nullable=False)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )

    call: Mapped[CallSession | None] = call_relationship("SpendLedger")


class LeaseKind(StrEnum):
    CALL = "call"


class Lease(TenantOwned, Model):
    """A share of something bounded, held until `until` and freed by time if its holder dies; or a
    mark that counts until then (of kind `failed_turn`: see voice/failing.py). Of a call: `holder`
    is its CallSid, `caller` a keyed hash of the number ("" if withheld); given back as the call
    ends, and kept a while to count how many began."""

    __tablename__ = "lease"
    __table_args__ = (
        *owned_keys("lease"),
        UniqueConstraint("tenant_id", "kind", "holder", name="uq_lease__holder"),
        Index("ix_lease__until", "tenant_id", "kind", "until"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), nullable=False)
    holder: Mapped[str] = mapped_column(String(64), nullable=False)
    caller: Mapped[str] = mapped_column(String(32), nullable=False, default="", server_default="")
    began: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class Collected(PlatformOnly, Model):
    """How far the recordings of a Twilio account have been gone through for messages that nobody
    told us of."""

    __tablename__ = "collected"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_sid: Mapped[str] = mapped_column(String(34), unique=True, nullable=False)
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class Block(TenantOwned, Timestamped, Model):
    """A caller whom this tenant does not answer."""

    __tablename__ = "block"
    __table_args__ = (
        *owned_keys("block"),
        UniqueConstraint("tenant_id", "phone", name="uq_block__phone"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    phone: Mapped[str] = mapped_column(String(64), nullable=False)
    reason: Mapped[str] = mapped_column(String(200), nullable=False, default="", server_default="")

    def __repr__(self) -> str:
        return self.phone
