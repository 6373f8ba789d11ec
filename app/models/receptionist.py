"""How a tenant's receptionist speaks, what it asks, how far it may go and whom it writes to."""

from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import ANNOUNCED, Timestamped, choice, owned_keys, strings
from app.models.department import Department
from app.tenancy import TenantOwned, owned_reference


class AfterHours(StrEnum):
    ANSWER = "answer"  # answer questions as ever; people are not rung
    MESSAGE = "message"  # take a message at once


class CallRecording(StrEnum):
    OFF = "off"
    ANNOUNCE = "announce"  # announced first; recorded unless the caller refuses


class ReceptionistConfig(TenantOwned, Timestamped, Model):
    """One row per tenant. Recipients are mail addresses by kind of mail. `allowed_countries` are
    those whose numbers may be rung; none: that of the tenant's first number. Callers are forwarded
    to `suspension_number` (E.164) while the tenant is suspended. `on_call` is rung for urgent
    words, open or closed. `intake_questions` follow app/rules/intake.py."""

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

    def __repr__(self) -> str:
        return "Receptionist"
