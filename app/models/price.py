"""What the installation asks for what is used: prices, each from a day on."""

from datetime import date
from decimal import Decimal
from typing import Final

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, Integer, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Timestamped, choice
from app.models.control import SpendKind

# How much of the ledger's quantity a price is for, and how people call it.
UNITS: Final = {
    SpendKind.CALLS: (1, "call"),
    SpendKind.CALL_SECONDS: (60, "minute"),
    SpendKind.TRANSFERS: (1, "transfer"),
    SpendKind.TRANSFER_SECONDS: (60, "minute"),
    SpendKind.RECORDING_SECONDS: (60, "minute"),
    SpendKind.TOKENS_IN: (1_000_000, "million tokens"),
    SpendKind.TOKENS_OUT: (1_000_000, "million tokens"),
    SpendKind.MAILS: (1, "mail"),
    SpendKind.NUMBERS: (1, "number and month"),
}


class Price(Timestamped, Model):
    """The platform's: holds from `valid_from` (a day, in the zone of whoever uses) until a later
    one of the same kind and model does, so past months keep what they cost. Of tokens a price
    without a model is for those that have none of their own. `note` says where it comes from."""

    __tablename__ = "price"
    __table_args__ = (
        UniqueConstraint("kind", "model", "valid_from", name="uq_price__kind"),
        CheckConstraint("amount >= 0", name="ck_price__amount"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = choice(SpendKind, SpendKind.CALL_SECONDS, name="ck_price__kind")
    model: Mapped[str] = mapped_column(String(80), nullable=False, default="", server_default="")
    valid_from: Mapped[date] = mapped_column(Date, nullable=False)
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 6), nullable=False)
    currency: Mapped[str] = mapped_column(
        String(3), nullable=False, default="USD", server_default="USD"
    )
    note: Mapped[str] = mapped_column(String(200), nullable=False, default="", server_default="")

    @property
    def unit(self) -> str:
        return UNITS[SpendKind(self.kind)][1]

    def __repr__(self) -> str:
        return f"{self.amount} {self.currency} a {self.unit}"
