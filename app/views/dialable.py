"""The numbers that a test call can be placed to, and from which one."""

from dataclasses import dataclass

import phonenumbers
from babel import Locale, UnknownLocaleError
from sqlalchemy import select

from app.extensions import db
from app.models import TwilioNumber
from app.rules import dialling
from app.views import moments
from app.voice import facts


@dataclass(frozen=True, slots=True)
class Choice:
    """A number of the tenant, what it is called, and what is spoken on it."""

    number: str
    label: str
    language: str


def choices() -> list[Choice]:
    found = facts.current()
    rows = db.session.scalars(select(TwilioNumber).order_by(TwilioNumber.id))
    return [Choice(row.number, row.label, _language(found.language_of(row.number))) for row in rows]


def example(called: list[Choice]) -> str:
    """A number of the same country that is made to be an example; "" where there is none."""
    country = dialling.country_of(called[0].number) if called else ""
    found = phonenumbers.example_number(country)
    if found is None:
        return ""
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def _language(code: str) -> str:
    """“English (United States)”, in the reader's language."""
    try:
        name = Locale.parse(code, sep="-").get_display_name(moments.language())
    except (UnknownLocaleError, ValueError):
        name = None
    return name or code
