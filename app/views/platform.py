"""Behind the calls: webhooks of tenants, work in the outbox, what was used, who changed what."""

from marshmallow import validate

from app.models import AuditLog, Job, SpendLedger, WebhookEndpoint
from app.views import checks
from app.views.entity import READ, Entity
from app.views.fields import Words
from app.views.forms import SecretField

CATEGORY = "Platform"
EVENTS = ("call.ended", "lead.created", "transfer.failed", "gap.found")

WEBHOOKS = Entity(
    model=WebhookEndpoint, resource="webhooks", menu="Webhooks", category="Access",
    icon="fa-share-alt",
    list_columns=("url", "events", "active", "updated_at"),
    form_columns=("url", "events", "active", "secret"),
    secrets=("secret",),
    checks={"url": checks.web_address, "events": checks.one_of(EVENTS)},
    special={
        "secret": Words(load_only=True, allow_none=True, validate=validate.Length(16, 200)),
    },
    inputs={"secret": SecretField("Secret")},
)  # fmt: skip

JOBS = Entity(
    model=Job, resource="jobs", menu="Jobs", category=CATEGORY, icon="fa-tasks",
    list_columns=("kind", "status", "attempts", "run_at", "finished_at", "last_error"),
    show_columns=(
        "kind", "key", "status", "attempts", "run_at", "finished_at", "last_error", "args",
        "result", "created_at",
    ),
    may=READ, platform=True,
)  # fmt: skip

USAGE = Entity(
    model=SpendLedger, resource="usage", menu="Usage", category=CATEGORY, icon="fa-bar-chart",
    list_columns=("created_at", "kind", "quantity", "call"),
    may=READ,
)  # fmt: skip

AUDIT = Entity(
    model=AuditLog, resource="audit", menu="Audit log", category=CATEGORY, icon="fa-history",
    list_columns=("created_at", "actor", "action", "entity", "entity_id", "address"),
    show_columns=("created_at", "actor", "action", "entity", "entity_id", "address", "changes"),
    may=READ, platform=True,
)  # fmt: skip
