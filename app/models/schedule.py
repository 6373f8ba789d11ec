"""When a tenant, or one of its departments, is open."""

from datetime import date, time

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, Index, Integer, String, Time
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Timestamped, owned_keys
from app.models.department import Department
from app.tenancy import TenantOwned, owned_reference


class OpeningHours(TenantOwned, Timestamped, Model):
    """One span of a weekday (0 is Monday), local time. An end at or before the start runs past
    midnight. Without a department it is the tenant's."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        *owned_keys("opening_hours", "department_id"),
        owned_reference("department_id", "department"),
        CheckConstraint("weekday between 0 and 6", name="ck_opening_hours__weekday"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    department_id: Mapped[int | None] = mapped_column(Integer)
    weekday: Mapped[int] = mapped_column(Integer, nullable=False)
    opens: Mapped[time] = mapped_column(Time, nullable=False)
    closes: Mapped[time] = mapped_column(Time, nullable=False)

    department: Mapped[Department | None] = relationship(
        Department,
        foreign_keys=[department_id],
        primaryjoin="OpeningHours.department_id == Department.id",
    )


class Holiday(TenantOwned, Timestamped, Model):
    """A day that differs from the week: closed, or open only from `opens` to `closes`."""

    __tablename__ = "holiday"
    __table_args__ = (
        *owned_keys("holiday", "department_id"),
        owned_reference("department_id", "department"),
        CheckConstraint("(opens is null) = (closes is null)", name="ck_holiday__opens"),
        Index("ix_holiday__day", "tenant_id", "day"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    department_id: Mapped[int | None] = mapped_column(Integer)
    day: Mapped[date] = mapped_column(Date, nullable=False)
    name: Mapped[str] = mapped_column(String(80), nullable=False)
    opens: Mapped[time | None] = mapped_column(Time)
    closes: Mapped[time | None] = mapped_column(Time)

    department: Mapped[Department | None] = relationship(
        Department,
        foreign_keys=[department_id],
        primaryjoin="Holiday.department_id == Department.id",
    )

    def __repr__(self) -> str:
        return self.name
