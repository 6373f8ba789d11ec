"""Messages taken for the business, and what became of them."""

from functools import partial

from flask_babel import lazy_gettext as _

from app.models import Lead
from app.views import checks, written
from app.views.bulk import LeadActions
from app.views.entity import Entity

LEADS = Entity(
    model=Lead, resource="leads", menu="Leads", category="Calls", icon="fa-user-plus",
    list_columns=("name", "phone", "reason", "status", "due", "created_at", "urgent", "test"),
    low=("urgent", "test"),
    written={
        "due": written.due,
        "urgent": partial(written.flag, "warn", _("Urgent")),
        "test": partial(written.flag, "outline", _("Test")),
    },
    form_columns=("name", "phone", "email", "reason", "status", "due", "notes", "department"),
    show_columns=(
        "name", "phone", "email", "reason", "status", "call", "department", "due", "notes",
        "answers", "known", "confirmed", "urgent", "test", "created_at", "updated_at",
    ),
    searched=("email", "notes", "department"),
    exported=(
        "created_at", "name", "phone", "email", "reason", "status", "due", "notes", "department",
        "urgent", "confirmed", "test",
    ),
    checks={"email": checks.email_or_none},
    labels={
        "created_at": "Came in", "reason": "What they want", "due": "Call back by",
        "test": "Test call",
    },
    help={
        "phone": "As the caller gave it.",
        "reason": "What the caller wants.",
        "status": "New until somebody has called back.",
        "due": "When somebody should have called back.",
        "notes": "For your colleagues; callers never hear it.",
        "department": "Who takes care of it.",
    },
    fieldsets={
        "Caller": ("name", "phone", "email", "reason"),
        "Follow-up": ("status", "due", "department", "notes"),
    },
    page=LeadActions,
)  # fmt: skip
