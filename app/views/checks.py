"""What may be in a field: each check returns the value as it is stored, or raises ValueError."""

import re
from collections.abc import Callable
from enum import StrEnum
from zoneinfo import available_timezones

import phonenumbers
from flask import current_app

from app import outside

Check = Callable[[str], str]


def phone(value: str) -> str:
    """E.164, as Twilio has it. A possible number suffices: 555-01xx are nobody's and welcome."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError("Not a telephone number in international form, such as +12125550100.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+", value) or len(value) > 254:
        raise ValueError("Not an e-mail address.")
    return value


def time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("Not a time zone, such as America/New_York.")
    return value


def slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise ValueError("Use lower-case letters, digits and single hyphens.")
    return value


def account_sid(value: str) -> str:
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
        raise ValueError("Not an account SID: AC and 32 hexadecimal digits.")
    return value


def filled(value: str) -> str:
    if not value.strip():
        raise ValueError("Must not be empty.")
    return value


def web_address(value: str) -> str:
    """https only, and a name of the outside world: we shall send there what callers said."""
    try:
        outside.target(value, current_app.extensions["settings"].webhook_allow_hosts)
    except outside.OutsideError as error:
        raise ValueError(
            f"Not a public https address, such as https://hooks.example.com/calls ({error.reason})."
        ) from error
    return value


def one_of(values: type[StrEnum] | tuple[str, ...]) -> Check:
    allowed = [str(value) for value in values]

    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"Must be one of: {', '.join(allowed)}.")
        return value

    return check
