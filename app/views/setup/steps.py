"""The steps, in their order, and what each is called."""

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _


class Step(StrEnum):
    """As kept in `Setup.steps`, and as the address has it."""

    BUSINESS = "business"
    HOURS = "hours"
    DEPARTMENTS = "departments"
    KNOWLEDGE = "knowledge"
    RECIPIENTS = "recipients"
    NUMBER = "number"


STEPS = tuple(Step)
NAMES: dict[Step, Any] = {
    Step.BUSINESS: _("Business"),
    Step.HOURS: _("Opening hours"),
    Step.DEPARTMENTS: _("Departments"),
    Step.KNOWLEDGE: _("Answers"),
    Step.RECIPIENTS: _("Messages"),
    Step.NUMBER: _("Phone number"),
}
QUESTIONS: dict[Step, Any] = {
    Step.BUSINESS: _("What is your business?"),
    Step.HOURS: _("When are you open?"),
    Step.DEPARTMENTS: _("Who can callers be put through to?"),
    Step.KNOWLEDGE: _("What should callers be told?"),
    Step.RECIPIENTS: _("Where do messages go?"),
    Step.NUMBER: _("Which number is answered?"),
}
TRADES: dict[str, Any] = {
    "auto_repair": _("Auto repair"),
    "dental_practice": _("Dental practice"),
    "fitness_studio": _("Fitness studio"),
    "hair_salon": _("Hair salon"),
    "home_services": _("Plumber or other home services"),
    "law_office": _("Law office"),
    "medical_practice": _("Medical practice"),
    "real_estate": _("Real estate"),
    "restaurant": _("Restaurant"),
    "veterinary_clinic": _("Veterinary clinic"),
    "general": _("Something else"),
}


def before(step: Step) -> Step | None:
    at = STEPS.index(step)
    return STEPS[at - 1] if at else None


def after(step: Step) -> Step | None:
    at = STEPS.index(step) + 1
    return STEPS[at] if at < len(STEPS) else None
