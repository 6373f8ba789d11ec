"""What may be in a field: each check returns the value as it is stored, or raises ValueError."""

import re
from collections.abc import Callable
from enum import StrEnum
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from flask import current_app

from app import outside
from app.rules import dialling
from app.rules.wording import filled as filled
from app.voice import spoken

Check = Callable[[str], str]
# Names that no place has; PostgreSQL, which finds the months of usage by them, knows them not.
NOWHERE = {"localtime", "Factory"}


def phone(value: str) -> str:
    return dialling.e164(value)


def country(value: str) -> str:
    code = value.strip().upper()
    if code not in dialling.COUNTRIES:
        raise ValueError(f"{_quoted(value)} is not a country code of two letters, such as US.")
    return code


def area_code(value: str) -> str:
    if not re.fullmatch(r"[0-9]{0,5}", value):
        raise ValueError("Give an area code in digits, such as 212, or none.")
    return value


def email(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+", value) or len(value) > 254:
        raise ValueError(f"Not an e-mail address: {_quoted(value)}. Write name@example.com.")
    return value


def email_or_none(value: str) -> str:
    return email(value) if value else value


def time_zone(value: str) -> str:
    zones = available_timezones() - NOWHERE
    if value not in zones:
        wanted = value.casefold().replace(" ", "_")
        alike = sorted(zone for zone in zones if wanted and wanted in zone.casefold())[:3]
        hint = f"Did you mean {' or '.join(alike)}?" if alike else "Write it as America/New_York."
        raise ValueError(f"Not a time zone: {_quoted(value)}. {hint}")
    return value


def _quoted(value: str) -> str:
    return f"“{value[:40]}”"


def slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise ValueError("Use lower-case letters, digits and single hyphens.")
    return value


def language(value: str) -> str:
    """One that there are sentences for: English, or a folder of translations/."""
    if value and spoken.speech(value).locale.language != value.split("-")[0].lower():
        raise ValueError(f"{_quoted(value)} is not spoken here. Try en-US or es-US.")
    return value


def account_sid(value: str) -> str:
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
        raise ValueError("Not an account SID: AC and 32 hexadecimal digits.")
    return value


def currency(value: str) -> str:
    code = value.strip().upper()
    if code not in list_currencies():
        raise ValueError(f"{_quoted(value)} is not a currency of three letters, such as USD.")
    return code


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
