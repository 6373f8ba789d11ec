"""Which numbers a call may be connected to: ordinary telephones in countries that are allowed.

Whoever can enter a number here can make the installation ring it, at the installation's cost: so
nothing that bills whoever rings it, and nothing outside any country.
"""

import re
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType as Kind

COUNTRIES: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
NOWHERE: Final = "001"  # how libphonenumber calls satellites and other codes without a country
_COSTLY: Final = {
    Kind.PREMIUM_RATE: "a premium-rate number",
    Kind.SHARED_COST: "a shared-cost number, which bills whoever rings it",
    Kind.PERSONAL_NUMBER: "a personal number, which bills like a premium-rate one",
    Kind.UAN: "a number for which its holder sets the price",
    Kind.PAGER: "a pager",
}
# Where toll fraud sends calls because they look cheap and are not: Caribbean area codes of +1 and
# countries that the FTC (2017) and the FCC (2019) warn of calling back. Reviewed November 2026.
# A business there may ring its own country; nobody else may, though the country be allowed.
HIGH_RISK: Final = {
    "+1268": "Antigua and Barbuda",
    "+1284": "the British Virgin Islands",
    "+1473": "Grenada",
    "+1649": "the Turks and Caicos Islands",
    "+1664": "Montserrat",
    "+1767": "Dominica",
    "+1809": "the Dominican Republic",
    "+1829": "the Dominican Republic",
    "+1849": "the Dominican Republic",
    "+1876": "Jamaica",
    "+1658": "Jamaica",
    "+222": "Mauritania",
    "+232": "Sierra Leone",
}
# Within +1, of which the types know nothing: carriers' own services, and the exchange 976.
_PAY_PER_CALL: Final = re.compile(r"\+1(700\d{7}|\d{3}976\d{4})")


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
    if _PAY_PER_CALL.fullmatch(number):
        return _COSTLY[Kind.PREMIUM_RATE]
    return _COSTLY.get(phonenumbers.number_type(parsed))


def refusal(
    number: str, countries: frozenset[str], home: frozenset[str] = frozenset()
) -> str | None:
    """Why this number (E.164) may not be rung; None if it may. Without countries none is asked for.
    `home`: those in which the business is itself."""
    if wrong := costly(number):
        return f"{number} is {wrong}. Give an ordinary telephone number."
    country = country_of(number)
    if countries and country not in countries:
        return (
            f"{number} is in {country}, but calls are connected to {_all_of(countries)} only. "
            "Give another number, or add the country under Receptionist."
        )
    place = next((name for prefix, name in HIGH_RISK.items() if number.startswith(prefix)), "")
    if place and country not in home:
        return (
            f"{number} is in {place}, where calls are often sent to defraud whoever pays for them."
            " It is not rung from elsewhere. Give another number."
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
