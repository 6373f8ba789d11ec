"""Telephone numbers that ring here."""

from flask_appbuilder import Model
from sqlalchemy import Boolean, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Timestamped, owned_keys
from app.models.tenant import Tenant
from app.tenancy import TenantOwned


class TwilioNumber(TenantOwned, Timestamped, Model):
    """`number` is E.164 and unique on the installation; `phone_sid` is Twilio's PN id, if known.
    `language` is spoken on it; empty: the receptionist's. A `practice` number is nobody's at
    Twilio: only the built-in telephones call it (app/practice.py)."""

    __tablename__ = "twilio_number"
    __table_args__ = owned_keys("twilio_number")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True, nullable=False)
    label: Mapped[str] = mapped_column(String(80), nullable=False, default="", server_default="")
    language: Mapped[str] = mapped_column(String(10), nullable=False, default="", server_default="")
    phone_sid: Mapped[str | None] = mapped_column(String(34))
    practice: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )

    tenant: Mapped[Tenant] = relationship(Tenant, viewonly=True)

    def __repr__(self) -> str:
        return self.number
