"""Sets up a business through REST, with everything a call to it needs."""

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.phone.rest import Rest, RestError

AREAS = ("202", "212", "303", "312", "404", "415", "512", "617", "702", "813", "916")
DEPARTMENTS_AREA = "718"
TAKEN = (409, 422)
ALWAYS = tuple({"weekday": day, "opens": "00:00", "closes": "00:00"} for day in range(7))
NEVER: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Department:
    """`key` is what the caller of `install` knows it by."""

    key: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    question: str
    answer: str
    alternates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Business:
    """`hours` are rows of the hours resource; none of them: never open. `receptionist` are fields
    of its resource, departments by their key."""

    name: str
    departments: tuple[Department, ...] = ()
    entries: tuple[Entry, ...] = ()
    hours: tuple[dict[str, Any], ...] = ALWAYS
    timezone: str = "America/New_York"
    receptionist: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Installed:
    """A business that can be called. The maps lead from the database's ids to the keys."""

    tenant_id: int
    number: str
    account_sid: str
    auth_token: str
    departments: dict[int, str]
    entries: dict[int, str]


def install(rest: Rest, business: Business) -> Installed:
    """`rest` is a super admin's. Every number is of the range kept for fiction (555-01xx)."""
    account_sid, auth_token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
    slug = "".join(c if c.isalnum() else "-" for c in business.name.lower())[:40]
    tenant_id = rest.create(
        "tenants",
        name=business.name,
        slug=f"{slug}-{secrets.token_hex(4)}",
        timezone=business.timezone,
        account_sid=account_sid,
        auth_token=auth_token,
    )
    tenant = rest.acting_for(tenant_id)
    number = _free_number(tenant)
    desks = {
        tenant.create(
            "departments",
            name=department.name,
            description=department.description,
            numbers=[fictional(DEPARTMENTS_AREA, index)],
        ): department.key
        for index, department in enumerate(business.departments)
    }
    if business.receptionist:
        _set_up(tenant, business.receptionist, {key: pk for pk, key in desks.items()})
    for hours in business.hours:
        tenant.create("hours", **hours)
    entries = {
        tenant.create(
            "knowledge",
            question=entry.question,
            answer=entry.answer,
            alternates=list(entry.alternates),
        ): entry.key
        for entry in business.entries
    }
    return Installed(tenant_id, number, account_sid, auth_token, desks, entries)


def _set_up(tenant: Rest, fields: Mapping[str, Any], desks: Mapping[str, int]) -> None:
    named = {"on_call", "staff_first"}
    values = {name: desks[value] if name in named else value for name, value in fields.items()}
    tenant.change("receptionists", int(tenant.find("receptionists")[0]["id"]), **values)


def fictional(area: str, index: int) -> str:
    return f"+1{area}55501{index % 100:02}"


def _free_number(tenant: Rest) -> str:
    """A number belongs to one tenant of the installation; others may have come before us."""
    every = list(itertools.product(AREAS, range(100)))
    secrets.SystemRandom().shuffle(every)
    for area, index in every[:50]:
        number = fictional(area, index)
        try:
            tenant.create("numbers", number=number)
        except RestError as error:
            if error.status not in TAKEN:
                raise
            refusal = error
            continue
        return number
    raise refusal
