"""What the receptionist knows, and what it was asked and did not know."""

from app.models import KnowledgeEntry, KnowledgeGap
from app.rules import wording
from app.views import rules
from app.views.answering import Answering, until
from app.views.bulk import GapActions, KnowledgeActions
from app.views.entity import READ, Entity
from app.views.importing import KnowledgeImport


class KnowledgePage(Answering, KnowledgeActions, KnowledgeImport):
    """With its bulk actions, a way from a question to its answer, and one in for a spreadsheet."""


KNOWLEDGE = Entity(
    model=KnowledgeEntry, resource="knowledge", menu="Knowledge", category="Receptionist",
    icon="fa-book",
    list_columns=("question", "category", "status", "valid_until", "updated_at"),
    form_columns=(
        "question", "answer", "alternates", "category", "language", "status", "valid_until"
    ),
    show_columns=(
        "question", "answer", "alternates", "category", "language", "status", "valid_until",
        "version", "created_at", "updated_at",
    ),
    searched=("answer", "language"), low=("category", "updated_at"), written={"valid_until": until},
    exported=(
        "question", "answer", "alternates", "category", "language", "status", "valid_until"
    ),
    checks={
        "question": wording.question, "alternates": wording.question, "answer": wording.answer,
    },
    labels={"alternates": "Other ways to ask it"},
    help={
        "question": "As a caller would ask it, such as: Do you deliver?",
        "answer": f"Spoken word for word: at most {wording.LONGEST_ANSWER:,} characters.",
        "alternates": "One a line, such as: Can you bring it to my home?",
        "category": "For your own order, such as: prices.",
        "language": "Such as en or es. Empty: every language.",
        "status": "Only what is live is told to callers.",
        "valid_until": "The last day on which it holds. Empty: always.",
    },
    fieldsets={
        "Knowledge": ("question", "answer", "alternates"),
        "When it holds": ("status", "valid_until", "language", "category"),
    },
    rule=rules.knowledge, page=KnowledgePage,
)  # fmt: skip

GAPS = Entity(
    model=KnowledgeGap, resource="gaps", menu="Unanswered questions", category="Receptionist",
    icon="fa-question-circle", order=("last_asked_at", "desc"),
    list_columns=("question", "asked", "last_asked_at", "status"),
    form_columns=("status", "entry"),
    exported=("question", "asked", "last_asked_at", "status", "entry"),
    labels={"asked": "Times asked", "last_asked_at": "Last asked", "entry": "Answered by"},
    help={
        "status": "Open until you answer it by an entry of the knowledge, or ignore it.",
        "entry": "The entry that answers it now.",
    },
    may=(*READ, "edit", "delete"), page=GapActions,
)  # fmt: skip
