"""How far a business has come in setting up."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import DateTime, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Timestamped, owned_keys, strings
from app.tenancy import TenantOwned


class Setup(TenantOwned, Timestamped, Model):
    """One row per tenant that has begun with it. `trade` names its starter (app/starters), `steps`
    are those that were saved. Of its own, because a tenant may hardly write its own row, and calls
    need not hear of it, as they do of a change of the receptionist."""

    __tablename__ = "setup"
    __table_args__ = (
        *owned_keys("setup"),
        UniqueConstraint("tenant_id", name="uq_setup__tenant"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    trade: Mapped[str] = mapped_column(String(40), nullable=False, default="", server_default="")
    steps: Mapped[list[str]] = strings()
    dismissed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def __repr__(self) -> str:
        return "Setup"
