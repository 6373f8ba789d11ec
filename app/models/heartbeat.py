"""Signs of life of the processes that work behind the web."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import DateTime, Integer, String, func
from sqlalchemy.orm import Mapped, mapped_column

from app.tenancy import PlatformOnly


class Heartbeat(PlatformOnly, Model):
    """A process that was alive at `seen_at`; its row goes with it when it ends as it should."""

    __tablename__ = "heartbeat"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True, nullable=False)
    kind: Mapped[str] = mapped_column(String(20), nullable=False)
    host: Mapped[str] = mapped_column(String(80), nullable=False)
    seen_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )
