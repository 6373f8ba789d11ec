"""How far a tenant's calls may go, and what is done with callers who are doubtful."""

from datetime import date
from enum import StrEnum

from flask_appbuilder import Model
from sqlalchemy import BigInteger, Boolean, Date, Integer, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Timestamped, choice, owned_keys
from app.tenancy import TenantOwned

MOST_CENTS = 10_000_000


class Treatment(StrEnum):
    ANSWER = "answer"  # as ever
    MESSAGE = "message"  # only a message is taken: nobody is rung, no model is asked
    REJECT = "reject"  # before answering, which costs nothing


def _bounded(least: int, most: int) -> Mapped[int | None]:
    return mapped_column(Integer, info={"between": (least, most)})


class CallLimits(TenantOwned, Timestamped, Model):
    """One row per tenant. Empty: the installation's setting of that name (LIMIT_…) holds. Calls and
    money of the tenant are held down by the operator's ceilings besides (Tenant.most_…). Cents are
    hundredths of the currency that the prices are in; a day and a month are the tenant's own."""

    __tablename__ = "call_limits"
    __table_args__ = (
        *owned_keys("call_limits"),
        UniqueConstraint("tenant_id", name="uq_call_limits__tenant"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    calls_at_once: Mapped[int | None] = _bounded(1, 10_000)
    calls_per_minute: Mapped[int | None] = _bounded(1, 100_000)
    caller_at_once: Mapped[int | None] = _bounded(1, 10_000)
    caller_per_minute: Mapped[int | None] = _bounded(1, 100_000)
    call_seconds: Mapped[int | None] = _bounded(60, 14_400)
    talk_seconds: Mapped[int | None] = _bounded(60, 14_400)
    call_tokens: Mapped[int | None] = _bounded(0, 10_000_000)
    call_cents: Mapped[int | None] = _bounded(0, MOST_CENTS)
    caller_day_cents: Mapped[int | None] = _bounded(0, MOST_CENTS)
    day_cents: Mapped[int | None] = _bounded(0, MOST_CENTS)
    month_cents: Mapped[int | None] = _bounded(0, MOST_CENTS)
    withheld: Mapped[str] = choice(Treatment, Treatment.ANSWER, name="ck_call_limits__withheld")
    unverified: Mapped[str] = choice(
        Treatment, Treatment.MESSAGE, name="ck_call_limits__unverified"
    )
    robocalls: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=True, server_default="true"
    )

    def __repr__(self) -> str:
        return "Limits"


class SpendAccount(TenantOwned, Model):
    """What a tenant has spent today and this month, with what is reserved for calls that go on: in
    millionths of the currency. `…_told`: of how many percent of the limit its people were told."""

    __tablename__ = "spend_account"
    __table_args__ = (
        *owned_keys("spend_account"),
        UniqueConstraint("tenant_id", name="uq_spend_account__tenant"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    day: Mapped[date] = mapped_column(Date, nullable=False)
    day_spent: Mapped[int] = mapped_column(BigInteger, nullable=False, server_default="0")
    day_told: Mapped[int] = mapped_column(SmallInteger, nullable=False, server_default="0")
    month: Mapped[date] = mapped_column(Date, nullable=False)
    month_spent: Mapped[int] = mapped_column(BigInteger, nullable=False, server_default="0")
    month_told: Mapped[int] = mapped_column(SmallInteger, nullable=False, server_default="0")
