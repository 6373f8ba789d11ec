"""Which numbers a call may be connected to: ordinary telephones in countries that are allowed.

Whoever can enter a number here can make the installation ring it, at the installation's cost: so
nothing that bills whoever rings it, and nothing outside any country.
"""

from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType as Kind

COUNTRIES: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
NOWHERE: Final = "001"  # how libphonenumber calls satellites and other codes without a country
_COSTLY: Final = {
    Kind.PREMIUM_RATE: "a premium-rate number",
    Kind.SHARED_COST: "a shared-cost number, which bills whoever rings it",
    Kind.PERSONAL_NUMBER: "a personal number, which bills like a premium-rate one",
    Kind.PAGER: "a pager",
}


def e164(value: str, country: str = "") -> str:
    """Raises ValueError. A possible number suffices: 555-01xx are nobody's and welcome. With a
    `country` (two letters) it may be written as people there do."""
    parsed = _parsed(value, country)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def country_of(number: str) -> str:
    """Two letters, or NOWHERE. A number that is not in service counts to its country code."""
    parsed = _parsed(number)
    found = phonenumbers.region_code_for_number(parsed)
    return found or phonenumbers.region_code_for_country_code(parsed.country_code or 0)


def costly(number: str) -> str | None:
    """What is wrong with ringing this number at all, in any country."""
    parsed = _parsed(number)
    if country_of(number) == NOWHERE:
        return "a satellite or other number outside any country"
    return _COSTLY.get(phonenumbers.number_type(parsed))


def refusal(number: str, countries: frozenset[str]) -> str | None:
    """Why this number may not be rung; None if it may. Without countries none is asked for."""
    if wrong := costly(number):
        return f"{number} is {wrong}. Give an ordinary telephone number."
    country = country_of(number)
    if countries and country not in countries:
        return (
            f"{number} is in {country}, but calls are connected to {_all_of(countries)} only. "
            "Give another number, or add the country under Receptionist."
        )
    return None


def _parsed(value: str, country: str = "") -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(value, country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not phonenumbers.is_possible_number(number):
        raise ValueError(
            "Not a telephone number in international form: "
            "write + and the country code, such as +12125550100."
        )
    return number


def _all_of(countries: frozenset[str]) -> str:
    return ", ".join(sorted(countries))
