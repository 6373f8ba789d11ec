"""What operators are told of: how each alert stands, what it is told at, and who was told."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import Boolean, DateTime, Double, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Timestamped
from app.tenancy import PlatformOnly


def _moment() -> Mapped[datetime | None]:
    return mapped_column(DateTime(timezone=True))


class Alert(PlatformOnly, Timestamped, Model):
    """One row per alert of app/alerts/rules.py, by `name`.

    `threshold`: empty, the rule's own. `value` and `detail` are as last measured, at `measured_at`
    (empty: it does not apply); `turning_since` is since when they say otherwise than `firing`,
    which is believed after a while. By each of two ways, mail and webhook: when it was last told,
    and whether of a firing alert. `telling_until`: a process is telling, and may die of it.
    """

    __tablename__ = "alert"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True, nullable=False)
    active: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=True, server_default="true"
    )
    threshold: Mapped[float | None] = mapped_column(Double)
    value: Mapped[float | None] = mapped_column(Double)
    detail: Mapped[str] = mapped_column(String(300), nullable=False, default="", server_default="")
    measured_at: Mapped[datetime | None] = _moment()
    firing: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    since: Mapped[datetime | None] = _moment()
    turning_since: Mapped[datetime | None] = _moment()
    muted_until: Mapped[datetime | None] = _moment()
    mailed_at: Mapped[datetime | None] = _moment()
    mailed_firing: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    posted_at: Mapped[datetime | None] = _moment()
    posted_firing: Mapped[bool] = mapped_column(
        Boolean, nullable=False, default=False, server_default="false"
    )
    telling_until: Mapped[datetime | None] = _moment()

    def __repr__(self) -> str:
        return self.name
