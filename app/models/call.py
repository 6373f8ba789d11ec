"""A phone call and everything said and done during it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Timestamped, choice, owned_keys, strings
from app.models.department import Department
from app.models.number import TwilioNumber
from app.tenancy import TenantOwned, owned_reference


class Channel(StrEnum):
    PHONE = "phone"
    TEST = "test"  # registered beforehand by the product; never counted


class CallState(StrEnum):
    """The states of voice/flow, as stored (a unit test keeps the two equal)."""

    GREETING = "greeting"
    INTENT = "intent"
    FAQ = "faq"
    TRANSFER_ATTEMPT = "transfer_attempt"
    LEAD_CAPTURE = "lead_capture"
    CONFIRMATION = "confirmation"
    WRAP_UP = "wrap_up"
    ENDED = "ended"


class Outcome(StrEnum):
    LEAD = "lead"
    TRANSFERRED = "transferred"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    BLOCKED = "blocked"
    FAILED = "failed"


class Speaker(StrEnum):
    CALLER = "caller"
    RECEPTIONIST = "receptionist"


class TransferStatus(StrEnum):
    RINGING = "ringing"
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"  # somebody picked up and nobody was bridged
    FAILED = "failed"


class RecordingStatus(StrEnum):
    """Twilio's words, and what we do with a recording ourselves."""

    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    DELETING = "deleting"
    DELETED = "deleted"


class ConsentKind(StrEnum):
    MESSAGE = "message"  # left after the tone
    RECORDING = "recording"  # of the call


class Limited(StrEnum):
    """Why a call was not answered as ever."""

    LISTED = "listed"  # among the blocked callers
    WITHHELD = "withheld"
    UNVERIFIED = "unverified"  # the carriers say that the number is not the caller's
    LOOP = "loop"
    CALLER_RATE = "caller_rate"
    CALLER_AT_ONCE = "caller_at_once"
    CALLER_SPENT = "caller_spent"
    REPEATED = "repeated"  # short calls, one after the other
    BURST = "burst"  # of many strangers
    RATE = "rate"
    AT_ONCE = "at_once"
    SPENT = "spent"


COUNTED = ["id", "channel", "outcome", "duration", "answers"]


class CallSession(TenantOwned, Timestamped, Model):
    """One call. `turn` is the next turn to be decided; `memory` is the flow's Memory as JSON.

    `outcome` is null while the call lives. `duration` is seconds, from Twilio when it tells.
    `before_spam` is the outcome it had until somebody marked it as spam; null: nobody did.
    `model` is whose tokens were used, of several the last. `placed_by` is who registered a test
    call: `user:` and an id, or `key:` and its prefix. `limited` is why nobody is rung and no model
    asked for it, or why it was not answered at all.

    In millionths of the currency: `reserved` is what the tenant's account holds for it (once it is
    over: what it cost), `settled` what of that is known. `line_paid` are the seconds of the line
    that are among them.
    """

    __tablename__ = "call_session"
    __table_args__ = (
        *owned_keys("call_session", "number_id"),
        Index("ix_call_session__caller", "tenant_id", "caller", "started_at"),
        # With what figures are made of: they need not read the calls, which are long.
        Index("ix_call_session__started_at", "tenant_id", "started_at", postgresql_include=COUNTED),
        owned_reference("number_id", "twilio_number", on_delete="SET NULL (number_id)"),
        Index(  # across tenants
            "ix_call_session__began", "started_at", postgresql_include=["tenant_id", *COUNTED]
        ),
        Index(
            "ix_call_session__open", "tenant_id", "last_turn_at", postgresql_where="outcome is null"
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_sid: Mapped[str] = mapped_column(String(34), unique=True, nullable=False)
    channel: Mapped[str] = choice(Channel, Channel.PHONE, name="ck_call_session__channel")
    number_id: Mapped[int | None] = mapped_column(Integer)
    caller: Mapped[str] = mapped_column(String(64), nullable=False, default="", server_default="")
    called: Mapped[str] = mapped_column(String(20), nullable=False, default="", server_default="")
    state: Mapped[str] = choice(CallState, CallState.GREETING, name="ck_call_session__state")
    outcome: Mapped[str | None] = choice(Outcome, name="ck_call_session__outcome")
    before_spam: Mapped[str | None] = choice(Outcome, name="ck_call_session__before_spam")
    turn: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    memory: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    started_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
    last_turn_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    duration: Mapped[int | None] = mapped_column(Integer)
    answers: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    tokens_in: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    tokens_out: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    model: Mapped[str] = mapped_column(String(80), nullable=False, default="", server_default="")
    placed_by: Mapped[str] = mapped_column(
        String(40), nullable=False, default="", server_default=""
    )
    limited: Mapped[str | None] = choice(Limited, name="ck_call_session__limited")
    reserved: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0, server_default="0")
    settled: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0, server_default="0")
    line_paid: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")

    number: Mapped[TwilioNumber | None] = relationship(
        TwilioNumber,
        foreign_keys=[number_id],
        primaryjoin="CallSession.number_id == TwilioNumber.id",
    )
    # To search by, never to load.
    departments: Mapped[list[Department]] = relationship(
        Department,
        secondary="transfer_attempt",
        primaryjoin="CallSession.id == TransferAttempt.call_id",
        secondaryjoin="TransferAttempt.department_id == Department.id",
        viewonly=True,
        lazy="raise",
    )
    utterances: Mapped[list["Transcript"]] = relationship(
        "Transcript",
        primaryjoin="CallSession.id == foreign(Transcript.call_id)",
        viewonly=True,
        lazy="raise",
    )

    def __repr__(self) -> str:
        return self.call_sid


def call_relationship(owner: str) -> Any:
    """`call` of a table that has `call_id`; written out because the key is composite."""
    return relationship(
        CallSession,
        foreign_keys=f"{owner}.call_id",
        primaryjoin=f"{owner}.call_id == CallSession.id",
    )


class Transcript(TenantOwned, Model):
    """One utterance. `evidence` says what it rested on: sources with entry and version, the tier
    that understood it, what was refused and why, milliseconds taken."""

    __tablename__ = "transcript"
    __table_args__ = (
        *owned_keys("transcript", "call_id", "created_at"),
        owned_reference("call_id", "call_session"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[int] = mapped_column(Integer, nullable=False)
    turn: Mapped[int] = mapped_column(Integer, nullable=False)
    speaker: Mapped[str] = mapped_column(String(20), nullable=False, info={"choices": Speaker})
    text: Mapped[str] = mapped_column(Text, nullable=False)
    state: Mapped[str] = mapped_column(String(20), nullable=False, default="", server_default="")
    evidence: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )

    call: Mapped[CallSession] = call_relationship("Transcript")


class TransferAttempt(TenantOwned, Timestamped, Model):
    """One Dial: to whom, and what came of it. `turn` is the turn that began it, `reserved` what its
    call's account holds for it, in millionths of the currency. `forwarded`: all calls were sent
    there, without the receptionist; nobody pressed 1."""

    __tablename__ = "transfer_attempt"
    __table_args__ = (
        *owned_keys("transfer_attempt", "call_id", "department_id", "created_at"),
        Index("ix_transfer_attempt__made", "created_at"),  # across tenants
        owned_reference("call_id", "call_session"),
        owned_reference("department_id", "department", on_delete="SET NULL (department_id)"),
        UniqueConstraint("tenant_id", "call_id", "turn", name="uq_transfer_attempt__turn"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[int] = mapped_column(Integer, nullable=False)
    department_id: Mapped[int | None] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer, nullable=False)
    numbers: Mapped[list[str]] = strings()
    status: Mapped[str] = choice(
        TransferStatus, TransferStatus.RINGING, name="ck_transfer_attempt__status"
    )
    accepted_by: Mapped[str | None] = mapped_column(String(20))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    seconds: Mapped[int | None] = mapped_column(Integer)
    forwarded: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    reserved: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0, server_default="0")

    call: Mapped[CallSession] = call_relationship("TransferAttempt")
    department: Mapped[Department | None] = relationship(
        Department,
        foreign_keys=[department_id],
        primaryjoin="TransferAttempt.department_id == Department.id",
    )


class Recording(TenantOwned, Timestamped, Model):
    """A recording that Twilio keeps; the media never comes to our disks."""

    __tablename__ = "recording"
    __table_args__ = (
        *owned_keys("recording", "call_id", "created_at"),
        owned_reference("call_id", "call_session"),
        UniqueConstraint("tenant_id", "recording_sid", name="uq_recording__recording_sid"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[int] = mapped_column(Integer, nullable=False)
    recording_sid: Mapped[str] = mapped_column(String(34), nullable=False)
    source: Mapped[str] = mapped_column(String(40), nullable=False, default="", server_default="")
    status: Mapped[str] = mapped_column(String(20), nullable=False, default="", server_default="")
    duration: Mapped[int | None] = mapped_column(Integer)
    channels: Mapped[int | None] = mapped_column(Integer)

    call: Mapped[CallSession] = call_relationship("Recording")


class Consent(TenantOwned, Model):
    """What a caller agreed to, and the version of the words that asked."""

    __tablename__ = "consent"
    __table_args__ = (
        *owned_keys("consent", "call_id"),
        owned_reference("call_id", "call_session"),
        UniqueConstraint("tenant_id", "call_id", "kind", name="uq_consent__kind"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[int] = mapped_column(Integer, nullable=False)
    kind: Mapped[str] = mapped_column(String(20), nullable=False)
    given: Mapped[bool] = mapped_column(Boolean, nullable=False)
    text_version: Mapped[str] = mapped_column(String(40), nullable=False)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )

    call: Mapped[CallSession] = call_relationship("Consent")


class CallSummary(TenantOwned, Timestamped, Model):
    """What the call was about, in a few sentences; `tier` says whether a model wrote it."""

    __tablename__ = "call_summary"
    __table_args__ = (
        *owned_keys("call_summary"),
        owned_reference("call_id", "call_session"),
        UniqueConstraint("tenant_id", "call_id", name="uq_call_summary__call_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_id: Mapped[int] = mapped_column(Integer, nullable=False)
    text: Mapped[str] = mapped_column(Text, nullable=False)
    tier: Mapped[str] = mapped_column(String(20), nullable=False)
    model: Mapped[str] = mapped_column(String(80), nullable=False, default="", server_default="")

    call: Mapped[CallSession] = call_relationship("CallSummary")


class InboundRequest(TenantOwned, Model):
    """The inbox: one row per (call, kind, turn), claimed by whoever thinks about it.

    `event` is what the caller did, `twiml` the answer once there is one; `lease_token` and
    `lease_until` say who may finish it and for how long.
    """

    __tablename__ = "inbound_request"
    __table_args__ = (
        *owned_keys("inbound_request", "created_at"),
        UniqueConstraint(
            "tenant_id", "call_sid", "kind", "turn", name="uq_inbound_request__delivery"
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    call_sid: Mapped[str] = mapped_column(String(34), nullable=False)
    kind: Mapped[str] = mapped_column(String(20), nullable=False)
    turn: Mapped[int] = mapped_column(Integer, nullable=False)
    event: Mapped[dict[str, Any]] = mapped_column(JSONB, nullable=False)
    lease_token: Mapped[str] = mapped_column(String(32), nullable=False)
    lease_until: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    attempts: Mapped[int] = mapped_column(Integer, nullable=False, default=1, server_default="1")
    twiml: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
