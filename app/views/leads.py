"""Messages taken for the business, and what became of them."""

from app.models import Lead
from app.views.entity import READ, Entity

LEADS = Entity(
    model=Lead, resource="leads", menu="Leads", category="Calls", icon="fa-user-plus",
    list_columns=("created_at", "name", "phone", "reason", "status", "due", "urgent", "test"),
    form_columns=("name", "phone", "email", "reason", "status", "due", "notes", "department"),
    show_columns=(
        "name", "phone", "email", "reason", "status", "call", "department", "due", "notes",
        "answers", "known", "confirmed", "urgent", "test", "created_at", "updated_at",
    ),
    may=(*READ, "edit"),
)  # fmt: skip
