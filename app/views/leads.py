"""Messages taken for the business, and what became of them."""

from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _

from app.models import Lead, LeadStatus, Outcome
from app.views import checks, known, persons, tones, written
from app.views.bulk import LeadActions
from app.views.entity import Entity


class LeadRules:
    """Its number is kept in one form: by it the calls of one person are found."""

    def pre_add(self, item: Lead) -> None:
        item.phone = persons.normalised(item.phone or "")

    def pre_update(self, item: Lead) -> None:
        self.pre_add(item)


class LeadPage(LeadRules, LeadActions):
    """With all calls of the same person, and the step that it is at."""

    show_template = "lead/show.html"

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.show_template:
            context |= self._shown(context["widgets"]["show"].template_args["item"])
        return super().render_template(template, **context)  # type: ignore[misc]

    def _shown(self, lead: Lead) -> dict[str, Any]:
        may = self.appbuilder.sm.has_access  # type: ignore[attr-defined]
        return {
            "lead": lead,
            "fields": known.fields(lead),
            "calls": persons.latest(lead.phone) or ([lead.call] if lead.call else []),
            "called": persons.counted([lead.phone]).get(lead.phone, 0),
            "leads": persons.leads(lead),
            "choices": [(str(one), tones.said(LeadStatus, one).text) for one in LeadStatus],
            "kinds": {"LeadStatus": LeadStatus, "Outcome": Outcome},
            "may_write": may("can_write", "Lead"),
        }


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
    page=LeadPage, api=LeadRules,
)  # fmt: skip
