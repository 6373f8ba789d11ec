"""What happened, as rows of the outbox: one for each endpoint of the tenant that wants to know.

The fields are those of REST (a test compares them), as they were when it happened. Nothing here
commits: the rows belong to the transaction that causes the event.
"""

import secrets
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text

from app.extensions import db
from app.jobs import outbox
from app.models import (
    CallSession,
    Channel,
    JobKind,
    KnowledgeGap,
    Lead,
    TransferAttempt,
    WebhookEvent,
)

FIELDS = {
    WebhookEvent.CALL_ENDED: (
        "id", "call_sid", "channel", "outcome", "state", "started_at", "ended_at", "duration",
        "caller", "called", "number", "turn", "answers",
    ),
    WebhookEvent.LEAD_CREATED: (
        "id", "name", "phone", "email", "reason", "status", "call", "department", "due", "answers",
        "known", "confirmed", "urgent", "test", "created_at",
    ),
    WebhookEvent.TRANSFER_FAILED: (
        "id", "call", "department", "turn", "numbers", "status", "seconds", "created_at",
        "ended_at",
    ),
    WebhookEvent.GAP_FOUND: ("id", "question", "asked", "status", "last_asked_at"),
}  # fmt: skip
RELATIONS = frozenset({"call", "department", "number"})  # their ids

# Made once, as every call asks it.
_WANTING = text("""
    select id from webhook_endpoint
    where tenant_id = :tenant and active and events @> array[:event]::text[]
""")


def call_ended(call: CallSession) -> None:
    _tell(WebhookEvent.CALL_ENDED, call, call_id=call.id, test=call.channel == Channel.TEST)


def lead_created(lead: Lead) -> None:
    _tell(WebhookEvent.LEAD_CREATED, lead, call_id=lead.call_id, test=lead.test)


def transfer_failed(attempt: TransferAttempt, call: CallSession) -> None:
    _tell(WebhookEvent.TRANSFER_FAILED, attempt, call_id=call.id, test=call.channel == Channel.TEST)


def gap_found(gap: KnowledgeGap) -> None:
    """Never of a test call: these leave no gaps."""
    _tell(WebhookEvent.GAP_FOUND, gap, call_id=gap.call_id, test=False)


def _tell(event: WebhookEvent, row: Any, *, call_id: int | None, test: bool) -> None:
    asked = {"tenant": row.tenant_id, "event": str(event)}
    endpoints = db.session.scalars(_WANTING, asked).all()
    if not endpoints:
        return
    told = {
        "event": str(event),
        "event_id": f"evt_{secrets.token_hex(12)}",
        "occurred_at": _plain(datetime.now(UTC)),
        "test": test,
        "data": {name: _value(row, name) for name in FIELDS[event]},
    }
    for endpoint_id in endpoints:
        outbox.add(
            JobKind.WEBHOOK_OUT,
            key=f"{event}:{row.id}:{endpoint_id}",
            call_id=call_id,
            webhook_id=endpoint_id,
            delivery=f"dlv_{secrets.token_hex(12)}",
            **told,
        )


def _value(row: Any, name: str) -> Any:
    return _plain(getattr(row, f"{name}_id" if name in RELATIONS else name))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
