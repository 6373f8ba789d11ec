"""The fields of a lead, each with how it is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from app.models import Lead
from app.views import written

OWN: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "name": (_("Name"), str),
    "phone": (_("Phone"), written.phone),
    "email": (_("E-mail"), written.mail),
    "reason": (_("What they want"), str),
}
HOW = {
    "confirmed": ("ok", _("confirmed")),
    "keyed": ("info", _("keyed")),
    "caller_id": ("info", _("caller ID")),
    "heard": ("warn", _("heard")),
}


@dataclass(frozen=True, slots=True)
class Field:
    label: Any
    value: Any
    how: Any = ""  # a badge, or nothing: somebody typed it


def fields(lead: Lead) -> list[Field]:
    """Its own and the answers to the business's questions; what is empty is left out."""
    known, answers = lead.known or {}, lead.answers or {}
    found = [
        Field(label, write(getattr(lead, name)), _how(known.get(name)))
        for name, (label, write) in OWN.items()
        if getattr(lead, name)
    ]
    return found + [Field(key, str(value), _how(known.get(key))) for key, value in answers.items()]


def _how(value: Any) -> Any:
    tone, text = HOW.get(str(value), ("", ""))
    return written.badge(tone, text) if tone else ""
