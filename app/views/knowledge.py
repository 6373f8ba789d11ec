"""What the receptionist knows, and what it was asked and did not know."""

from app.models import KnowledgeEntry, KnowledgeGap
from app.views import checks
from app.views.entity import READ, Entity

KNOWLEDGE = Entity(
    model=KnowledgeEntry, resource="knowledge", menu="Knowledge", category="Receptionist",
    icon="fa-book",
    list_columns=("question", "category", "status", "updated_at"),
    form_columns=(
        "question", "answer", "alternates", "category", "language", "status", "valid_until"
    ),
    show_columns=(
        "question", "answer", "alternates", "category", "language", "status", "valid_until",
        "version", "created_at", "updated_at",
    ),
    checks={"question": checks.filled, "answer": checks.filled},
)  # fmt: skip

GAPS = Entity(
    model=KnowledgeGap, resource="gaps", menu="Unanswered questions", category="Receptionist",
    icon="fa-question-circle", order=("last_asked_at", "desc"),
    list_columns=("question", "asked", "last_asked_at", "status"),
    form_columns=("status", "entry"),
    may=(*READ, "edit"),
)  # fmt: skip
