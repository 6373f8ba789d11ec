"""What the processes have counted, added up; and how it stood minute by minute."""

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import DateTime, Double, Integer, String, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.tenancy import PlatformOnly


class MetricTotal(PlatformOnly, Model):
    """One series of /metrics, of the whole installation since it began. `labels` are the values of
    its labels as a JSON list, in the order of app/metrics/catalogue.py."""

    __tablename__ = "metric_total"
    __table_args__ = (UniqueConstraint("name", "labels", name="uq_metric_total__series"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), nullable=False)
    labels: Mapped[str] = mapped_column(String(300), nullable=False)
    value: Mapped[float] = mapped_column(Double, nullable=False)


class MetricSample(PlatformOnly, Model):
    """The totals that alerts compare, as they stood at a moment: what happened since is the
    difference."""

    __tablename__ = "metric_sample"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, unique=True, server_default=func.now()
    )
    totals: Mapped[dict[str, Any]] = mapped_column(JSONB, nullable=False)
