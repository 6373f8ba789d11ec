"""Who changed what: an append-only log that outlives the rows and tenants it speaks of."""

import hashlib
import hmac
from datetime import datetime
from typing import Any

from flask import current_app, g, has_request_context, request
from flask_appbuilder import Model
from sqlalchemy import DateTime, Index, Integer, String, event, func, inspect, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.tenancy import CURRENT_TENANT, TenantOwned, current_tenant_id

SYSTEM = "system"


class AuditLog(Model):
    """One change by a person or script. `changes` maps field names to keyed hashes of the new
    values: enough to prove what was set, nothing to read. No foreign key: it stays when its tenant
    goes. The application's roles may insert and read, never update or delete."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log__created_at", "tenant_id", "created_at"),
        Index("ix_audit_log__entity", "tenant_id", "entity", "entity_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(Integer, server_default=text(CURRENT_TENANT))
    actor: Mapped[str] = mapped_column(String(80), nullable=False)
    address: Mapped[str] = mapped_column(String(45), nullable=False, default="", server_default="")
    action: Mapped[str] = mapped_column(String(20), nullable=False)
    entity: Mapped[str] = mapped_column(String(60), nullable=False)
    entity_id: Mapped[int | None] = mapped_column(Integer)
    changes: Mapped[dict[str, Any]] = mapped_column(
        JSONB, nullable=False, default=dict, server_default="{}"
    )
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), nullable=False, server_default=func.now()
    )


# What people set up and decide. What calls and jobs write by themselves has its own history.
AUDITED = frozenset(
    {
        "Tenant", "User", "ApiKey", "ReceptionistConfig", "TwilioNumber", "Department",
        "OpeningHours", "Holiday", "KnowledgeEntry", "KnowledgeGap", "Lead", "WebhookEndpoint",
        "Block", "Recording", "Price", "CallSession", "DataRequest", "CallLimits",
    }
)  # fmt: skip
_UNTOLD = frozenset({"last_login", "login_count", "fail_login_count", "updated_at", "changed_on"})


def record(
    action: str,
    entity: str,
    entity_id: int | None,
    changes: dict[str, str],
    *,
    tenant_id: int | None = None,
) -> AuditLog:
    """An audit row for the current actor; the caller adds it to its own transaction."""
    return AuditLog(
        tenant_id=tenant_id if tenant_id is not None else current_tenant_id(),
        actor=actor(),
        address=address(),
        action=action,
        entity=entity,
        entity_id=entity_id,
        changes=changes,
    )


def address() -> str:
    """Of whoever asks; "" where nobody does."""
    return (request.remote_addr or "") if has_request_context() else ""


def keyed_hash(value: object) -> str:
    """HMAC-SHA256 of a value, shortened: equal values can be matched, none can be read."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, repr(value).encode(), hashlib.sha256).hexdigest()[:32]


def actor() -> str:
    """`user:` or `key:` and a name; `system` when neither asks."""
    user = g.get("user")
    name = getattr(user, "username", None)
    return f"user:{name}" if name else str(g.get("audit_actor", SYSTEM))


def _changed(row: Any) -> dict[str, str]:
    state = inspect(row)
    return {
        column.key: keyed_hash(getattr(row, column.key))
        for column in state.mapper.column_attrs
        if column.key not in _UNTOLD and state.attrs[column.key].history.has_changes()
    }


def _audit_flush(session: Session, _context: Any) -> None:
    if actor() == SYSTEM:  # calls, jobs and migrations write their own history
        return
    for action, rows in (
        ("add", session.new),
        ("edit", session.dirty),
        ("delete", session.deleted),
    ):
        for row in rows:
            if type(row).__name__ not in AUDITED:
                continue
            changes = {} if action == "delete" else _changed(row)
            if action == "edit" and not changes:
                continue
            tenant_id = (
                row.tenant_id
                if isinstance(row, TenantOwned)
                else (row.id if type(row).__name__ == "Tenant" else getattr(row, "tenant_id", None))
            )
            entry = record(action, type(row).__name__, row.id, changes, tenant_id=tenant_id)
            session.execute(
                AuditLog.__table__.insert().values(
                    {
                        c: getattr(entry, c)
                        for c in (
                            "tenant_id",
                            "actor",
                            "address",
                            "action",
                            "entity",
                            "entity_id",
                            "changes",
                        )
                    }
                )
            )


def install() -> None:
    """Write an audit row with every flush of audited entities by a person or script."""
    # after_flush: keys of new rows are known, attribute histories are not reset yet.
    if not event.contains(Session, "after_flush", _audit_flush):
        event.listen(Session, "after_flush", _audit_flush)
