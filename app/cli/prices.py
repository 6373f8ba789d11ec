"""The prices of a new installation: the vendors' public lists, each from its day on."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import select, text

from app import create_app
from app.extensions import db
from app.models import AuditLog, Price, SpendKind
from app.tenancy import across_tenants
from config import Settings

LISTS: Final = Path(__file__).with_name("prices.yaml")
LOCK: Final = text("select pg_advisory_xact_lock(7236003)")
TOKENS: Final = (SpendKind.TOKENS_IN, SpendKind.TOKENS_OUT)


def load(settings: Settings) -> int:
    """Write them if nobody has ever kept prices here; how many were written. Whoever deleted all
    of them does not get them back."""
    with create_app(settings, admin=False).app_context(), across_tenants():
        db.session.execute(LOCK)
        if _were_kept():
            db.session.rollback()
            return 0
        made = list(listed())
        db.session.add_all(made)
        db.session.commit()
        return len(made)


def _were_kept() -> bool:
    known = select(Price.id).limit(1)
    changed = select(AuditLog.id).where(AuditLog.entity == Price.__name__).limit(1)
    return any(db.session.scalars(one).first() for one in (known, changed))


def listed() -> Iterator[Price]:
    """As prices.yaml has them."""
    content: dict[str, Any] = yaml.safe_load(LISTS.read_text(encoding="utf-8"))
    for one in content["lists"]:
        usual = {"currency": content["currency"], "note": one["note"]}
        for kind, amount in one.get("prices", {}).items():
            yield Price(
                kind=SpendKind(kind), valid_from=one["from"], amount=Decimal(amount), **usual
            )
        for model, days in one.get("models", {}).items():
            for day, amounts in days.items():
                for kind, amount in zip(TOKENS, amounts, strict=True):
                    yield Price(
                        kind=kind, model=model, valid_from=day, amount=Decimal(amount), **usual
                    )
