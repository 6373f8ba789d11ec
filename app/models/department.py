"""Where callers can be connected to."""

from flask_appbuilder import Model
from sqlalchemy import Boolean, FetchedValue, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Timestamped, owned_keys, strings
from app.tenancy import TenantOwned


class Department(TenantOwned, Timestamped, Model):
    """`numbers` (E.164) ring all at once for `ring_seconds`, or (`ring_in_order`) one after the
    other, each that long. Without hours of its own it keeps the tenant's. `position` is its key on
    the telephone, from 1 and without gaps; no two share one. A new row without it comes last, and
    what a deleted one leaves is closed, by triggers; whoever sets it makes room first."""

    __tablename__ = "department"
    __table_args__ = (
        *owned_keys("department"),
        UniqueConstraint("tenant_id", "name", name="uq_department__name"),
        UniqueConstraint(
            "tenant_id", "position", name="uq_department__position",
            deferrable=True, initially="DEFERRED",
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), nullable=False)
    description: Mapped[str] = mapped_column(Text, nullable=False, default="", server_default="")
    numbers: Mapped[list[str]] = strings(announced=True)
    position: Mapped[int] = mapped_column(
        Integer, nullable=False, server_default=FetchedValue(), info={"between": (1, 999)}
    )
    operator: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    ring_seconds: Mapped[int] = mapped_column(
        Integer, nullable=False, default=20, server_default="20", info={"between": (5, 120)}
    )
    ring_in_order: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    summary_recipients: Mapped[list[str]] = strings()
    lead_recipients: Mapped[list[str]] = strings()
    urgent_recipients: Mapped[list[str]] = strings()

    def __repr__(self) -> str:
        return self.name
