"""Time zones to choose from, by country; and the country that follows from a time zone."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from wtforms import SelectChoice

from app.rules import dialling

USUAL = "America/New_York"


@dataclass(frozen=True, slots=True)
class Group:
    country: str
    zones: tuple[tuple[str, str], ...]  # the zone and what it is called


def usual_name(zone: str) -> str:
    """Of a zone's several names the one in the list: Asia/Calcutta is Asia/Kolkata."""
    return str(get_global("zone_aliases").get(zone, zone))


def country_of(zone: str) -> str:
    """Two letters, or "" where no country follows (UTC)."""
    found = str(get_global("zone_territories").get(usual_name(zone), ""))
    return found if found in dialling.COUNTRIES else ""


def country_name(code: str, language: str) -> str:
    return str(_locale(language).territories.get(code, code))


def choices(language: str) -> list[SelectChoice]:
    """Under their countries, which are in order of their names."""
    return [
        SelectChoice(value=zone, label=f"{name} ({group.country})", optgroup=group.country)
        for group in _groups(language)
        for zone, name in group.zones
    ]


@lru_cache(maxsize=16)
def _groups(language: str) -> tuple[Group, ...]:
    known = available_timezones()
    by_country: dict[str, list[tuple[str, str]]] = {}
    for zone in get_global("zone_territories"):
        if zone in known and (code := country_of(zone)):
            by_country.setdefault(code, []).append((zone, _city(zone)))
    named = sorted((country_name(code, language), code) for code in by_country)
    return tuple(Group(name, tuple(sorted(by_country[code], key=_by_name))) for name, code in named)


def _by_name(pair: tuple[str, str]) -> str:
    return pair[1]


def _city(zone: str) -> str:
    """As tz data has it: "America/Indiana/Knox" is Knox, Indiana."""
    _, *where = zone.replace("_", " ").split("/")
    return ", ".join(reversed(where))


def _locale(language: str) -> Any:
    return Locale.parse(language.replace("-", "_").partition("_")[0])
