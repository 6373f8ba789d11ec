"""Which pinned packages have known weaknesses, by advisories in the OSV format: pure.

https://ossf.github.io/osv-schema/
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ECOSYSTEM = "PyPI"


class Undecided(Exception):
    """An advisory cannot be compared with a pin; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Advisory:
    """`aliases` are its names elsewhere, such as a CVE's; `fixed` the versions that mend it."""

    id: str
    summary: str = ""
    aliases: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


def pins(text: str) -> tuple[list[Pin], list[str]]:
    """The pins of a requirements file whatever their markers, and the lines that are none."""
    found, others = [], []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        wanted = re.sub(r"(^|\s)#.*$|\s--hash=\S+", "", line).strip()
        if not wanted or wanted.startswith(("-c ", "--constraint ")):
            continue
        pin = _pin(wanted)
        if pin:
            found.append(pin)
        else:
            others.append(wanted)
    return found, others


def _pin(wanted: str) -> Pin | None:
    try:
        requirement = Requirement(wanted)
        (only,) = requirement.specifier
        Version(only.version)
    except (InvalidRequirement, InvalidVersion, ValueError):
        return None
    exact = only.operator in ("==", "===") and not requirement.url
    return Pin(canonicalize_name(requirement.name), only.version) if exact else None


def against(pin: Pin, record: Mapping[str, Any]) -> Advisory | None:
    """What this record says of the pin; None if it is about something else, mended in this version
    or withdrawn. Raises Undecided."""
    if not any(_affects(pin, one) for one in _about(pin, record)):
        return None
    return told(pin, record)


def told(pin: Pin, record: Mapping[str, Any]) -> Advisory | None:
    """The record, if it is not withdrawn."""
    if record.get("withdrawn"):
        return None
    ranges = [r for one in _about(pin, record) for r in one.get("ranges", ())]
    events = [e for r in ranges if r.get("type") == "ECOSYSTEM" for e in r.get("events", ())]
    return Advisory(
        str(record.get("id", "?")),
        str(record.get("summary") or record.get("details") or "").partition("\n")[0][:200],
        tuple(map(str, record.get("aliases", ()))),
        tuple(str(event["fixed"]) for event in events if "fixed" in event),
    )


def names(record: Mapping[str, Any]) -> Iterable[str]:
    """Of the packages of ours that a record is about."""
    for one in record.get("affected", ()):
        package = one.get("package", {})
        if str(package.get("ecosystem", "")).partition(":")[0] == ECOSYSTEM:
            yield canonicalize_name(str(package.get("name", "")))


def _about(pin: Pin, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a record says of this package."""
    every = record.get("affected", ())
    return [one for one in every if pin.name in names({"affected": [one]})]


def _affects(pin: Pin, affected: Mapping[str, Any]) -> bool:
    """Listed, or within a range: the schema's own algorithm."""
    ours = Version(pin.version)
    if any(_version(listed) == ours for listed in affected.get("versions", ())):
        return True
    ranges = [r for r in affected.get("ranges", ()) if r.get("type") == "ECOSYSTEM"]
    if not ranges and not affected.get("versions"):
        raise Undecided("it names no versions, only commits")
    return any(_within(ours, one.get("events", ())) for one in ranges)


def _within(ours: Version, events: Iterable[Mapping[str, str]]) -> bool:
    inside = False
    for moment, kind in sorted(_moments(events)):
        if kind == "introduced" and ours >= moment:
            inside = True
        elif (kind == "fixed" and ours >= moment) or (kind == "last_affected" and ours > moment):
            inside = False
    return inside


def _moments(events: Iterable[Mapping[str, str]]) -> Iterable[tuple[Version, str]]:
    for event in events:
        for kind in ("introduced", "fixed", "last_affected"):
            if kind in event:
                yield _version(event[kind]), kind


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise Undecided(f"it speaks of a version {text!r}, which cannot be compared") from error
