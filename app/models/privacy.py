"""What people ask about themselves: everything kept of a telephone number, taken out or erased."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import DateTime, Integer, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Timestamped, choice, owned_keys
from app.models.sealed import seal, unseal
from app.tenancy import TenantOwned


class RequestKind(StrEnum):
    EXPORT = "export"
    ERASE = "erase"


class DataRequest(TenantOwned, Timestamped, Model):
    """One request, and the receipt of what was done. The number itself is kept, sealed, only until
    it is done; then there is its keyed hash, by which somebody who has the number can find the
    receipt again, and its last two digits. `receipt` counts by store."""

    __tablename__ = "data_request"
    __table_args__ = owned_keys("data_request", "phone_hash")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_id: Mapped[str] = mapped_column(
        String(32), nullable=False, default=lambda: uuid.uuid4().hex
    )
    kind: Mapped[str] = choice(RequestKind, RequestKind.EXPORT, name="ck_data_request__kind")
    sealed_phone: Mapped[str | None] = mapped_column(String(500))
    phone_hash: Mapped[str] = mapped_column(String(32), nullable=False)
    ends_in: Mapped[str] = mapped_column(String(2), nullable=False)
    requested_by: Mapped[str] = mapped_column(String(80), nullable=False)
    receipt: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def phone(self) -> str | None:
        """None once it is done."""
        return self.sealed_phone and unseal(self.sealed_phone, self._place())

    @phone.setter
    def phone(self, number: str | None) -> None:
        self.sealed_phone = seal(number, self._place()) if number else None

    def _place(self) -> str:
        self.public_id = self.public_id or uuid.uuid4().hex
        return f"data_request:{self.public_id}:phone"

    def __repr__(self) -> str:
        return f"{self.kind} {self.id}"
