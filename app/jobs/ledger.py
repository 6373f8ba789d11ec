"""Books what jobs have used, once per key, in the caller's transaction."""

from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.models import SpendKind, SpendLedger
from app.tenancy import current_tenant_id


def book(kind: SpendKind, quantity: int, *, key: str, call_id: int | None = None) -> None:
    if quantity <= 0:
        return
    row = {
        "tenant_id": current_tenant_id(),
        "call_id": call_id,
        "kind": kind,
        "quantity": quantity,
        "key": key,
    }
    db.session.execute(
        insert(SpendLedger).values(row).on_conflict_do_nothing(constraint="uq_spend_ledger__key")
    )
