"""How a tenant's receptionist speaks, what it asks, how far it may go and whom it writes to."""

from datetime import datetime
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import Boolean, DateTime, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column, relationship, validates

from app.models.base import ANNOUNCED, Timestamped, choice, owned_keys, strings
from app.models.department import Department
from app.tenancy import TenantOwned, owned_reference


class AfterHours(StrEnum):
    ANSWER = "answer"  # answer questions as ever; people are not rung
    MESSAGE = "message"  # take a message at once


class CallRecording(StrEnum):
    OFF = "off"
    ANNOUNCE = "announce"  # announced first; recorded unless the caller refuses


class ForwardCause(StrEnum):
    BY_HAND = "by_hand"
    FAILED_TURNS = "failed_turns"


def kept_days() -> MappedColumn[int | None]:
    """Not below two: what is delivered twice may come a day later."""
    return mapped_column(Integer, info={"between": (2, 3650)})


class ReceptionistConfig(TenantOwned, Timestamped, Model):
    """One row per tenant. Recipients are mail addresses by kind of mail. `allowed_countries` are
    those whose numbers may be rung; none: that of the tenant's first number. Callers are forwarded
    to `suspension_number` (E.164) while the tenant is suspended. `on_call` is rung for urgent
    words, open or closed. `intake_questions` follow app/rules/intake.py.

    While `forward_calls` is on, and `forward_until` (if there is one) has not come, all calls are
    sent to `fallback_number` (E.164). It goes on by itself for `forward_minutes` when
    `forward_after` turns (0: never) failed within `forward_window` minutes.

    After so many days what they name is deleted (None: kept): transcripts and summaries,
    recordings, calls, leads."""

    __tablename__ = "receptionist_config"
    __table_args__ = (
        *owned_keys("receptionist_config", "staff_first_id", "on_call_id"),
        UniqueConstraint("tenant_id", name="uq_receptionist_config__tenant"),
        owned_reference("staff_first_id", "department", on_delete="SET NULL (staff_first_id)"),
        owned_reference("on_call_id", "department", on_delete="SET NULL (on_call_id)"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    greeting: Mapped[str] = mapped_column(Text, nullable=False, default="", server_default="")
    persona: Mapped[str] = mapped_column(Text, nullable=False, default="", server_default="")
    voice: Mapped[str] = mapped_column(
        String(80),
        nullable=False,
        default="Polly.Joanna-Neural",
        server_default="Polly.Joanna-Neural",
    )
    language: Mapped[str] = mapped_column(
        String(10), nullable=False, default="en-US", server_default="en-US"
    )
    model: Mapped[str] = mapped_column(String(80), nullable=False, default="", server_default="")
    intake_fields: Mapped[list[str]] = strings()
    intake_questions: Mapped[list[str]] = strings()
    other_language: Mapped[str] = mapped_column(
        String(10), nullable=False, default="", server_default=""
    )
    urgent_words: Mapped[list[str]] = strings()
    after_hours: Mapped[str] = choice(
        AfterHours, AfterHours.ANSWER, name="ck_receptionist_config__after_hours"
    )
    recording: Mapped[str] = choice(
        CallRecording, CallRecording.OFF, name="ck_receptionist_config__recording"
    )
    allowed_countries: Mapped[list[str]] = strings()
    staff_first_id: Mapped[int | None] = mapped_column(Integer)
    suspension_number: Mapped[str | None] = mapped_column(String(20), info={ANNOUNCED: True})
    staff_first_seconds: Mapped[int] = mapped_column(
        Integer, nullable=False, default=20, server_default="20", info={"between": (5, 60)}
    )
    on_call_id: Mapped[int | None] = mapped_column(Integer, info={ANNOUNCED: True})
    max_turns: Mapped[int] = mapped_column(
        Integer, nullable=False, default=40, server_default="40", info={"between": (5, 200)}
    )
    max_transfers: Mapped[int] = mapped_column(
        Integer, nullable=False, default=2, server_default="2", info={"between": (0, 5)}
    )
    fallback_number: Mapped[str | None] = mapped_column(String(20), info={ANNOUNCED: True})
    forward_calls: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    forward_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    forward_cause: Mapped[str | None] = choice(
        ForwardCause, name="ck_receptionist_config__forward_cause"
    )
    forward_after: Mapped[int] = mapped_column(
        Integer, nullable=False, default=5, server_default="5", info={"between": (0, 100)}
    )
    forward_window: Mapped[int] = mapped_column(
        Integer, nullable=False, default=5, server_default="5", info={"between": (1, 60)}
    )
    forward_minutes: Mapped[int] = mapped_column(
        Integer, nullable=False, default=15, server_default="15", info={"between": (1, 1440)}
    )
    transcript_days: Mapped[int | None] = kept_days()
    recording_days: Mapped[int | None] = kept_days()
    call_days: Mapped[int | None] = kept_days()
    lead_days: Mapped[int | None] = kept_days()
    summary_recipients: Mapped[list[str]] = strings()
    lead_recipients: Mapped[list[str]] = strings()
    urgent_recipients: Mapped[list[str]] = strings()
    alert_recipients: Mapped[list[str]] = strings()

    staff_first: Mapped[Department | None] = relationship(
        Department,
        foreign_keys=[staff_first_id],
        primaryjoin="ReceptionistConfig.staff_first_id == Department.id",
    )
    on_call: Mapped[Department | None] = relationship(
        Department,
        foreign_keys=[on_call_id],
        primaryjoin="ReceptionistConfig.on_call_id == Department.id",
    )

    @validates("forward_calls")
    def _by_hand(self, _key: str, on: bool) -> bool:
        """Whoever sets it here is a person: what failed turns do is one statement, past the ORM."""
        if bool(on) != bool(self.forward_calls):
            self.forward_cause = ForwardCause.BY_HAND if on else None
            self.forward_until = self.forward_until if on else None
        return on

    def __repr__(self) -> str:
        return "Receptionist"
