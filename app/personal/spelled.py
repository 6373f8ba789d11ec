"""A telephone number in all its spellings: written in any way, or said in words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import phonenumbers

from app.ai.reading import numbers, private, runs
from app.ai.reading.private import Span

ERASED = "[erased]"
# Fewer digits and words for digits than this are no whole number; most texts are not read further.
_FEWEST = 8
_DIGITISH = re.compile(
    r"\d|\b(?:" + "|".join((*numbers.UNITS, *numbers.TEENS, *numbers.TENS)) + r")\b", re.IGNORECASE
)


class NotANumber(ValueError):
    """What was given is no telephone number; the message says so to a person."""


@dataclass(frozen=True, slots=True)
class Number:
    """`digits` are the ways to write it, without anything between them."""

    e164: str
    digits: frozenset[str]


def number(text: str, region: str = "") -> Number:
    """Read as in `region` when it has no country code. Raises NotANumber."""
    try:
        parsed = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        raise NotANumber(_UNREADABLE) from error
    if not phonenumbers.is_possible_number(parsed):
        raise NotANumber(_UNREADABLE)
    national = phonenumbers.national_significant_number(parsed)
    whole = f"{parsed.country_code}{national}"
    ways = {national, whole, f"0{national}", f"00{whole}", f"011{whole}"}
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(e164, frozenset(ways))


_UNREADABLE = (
    "This is no telephone number. Write it with + and the country code, such as +12125550100."
)


def spans(text: str, sought: Number) -> list[Span]:
    """Where it stands. Costs some 5 µs where there is no number at all."""
    if len(text) < _FEWEST or len(_DIGITISH.findall(text)) < _FEWEST // 2:
        return []
    found: list[Span] = []
    for run in runs.runs(numbers.tokens(text), announced=False):
        found += (_with_its_marks(text, span) for span in _inside(run, sought))
    return found


def _with_its_marks(text: str, span: Span) -> Span:
    """Also the plus, or the bracket of an area code, before it."""
    before = text[: span.start].rstrip()[-1:]
    if before == "+" or (before == "(" and ")" in text[span.start : span.end]):
        return Span(text.rindex(before, 0, span.start), span.end, span.mark)
    return span


def _inside(run: runs.Run, sought: Number) -> Iterator[Span]:
    longest, past = max(map(len, sought.digits)), -1
    for first in range(len(run.chunks)):
        digits = ""
        for last in range(first, len(run.chunks)):
            digits += run.chunks[last].digits
            if len(digits) > longest:
                break
            if digits in sought.digits and first > past:
                past = last
                yield Span(run.chunks[first].start, run.chunks[last].end, ERASED)


def mentioned(value: Any, sought: Number) -> bool:
    """In a text, or in any text inside of JSON."""
    match value:
        case str():
            return bool(spans(value, sought))
        case dict():
            return any(mentioned(one, sought) for pair in value.items() for one in pair)
        case list() | tuple():
            return any(mentioned(one, sought) for one in value)
    return False


def without(value: Any, sought: Number) -> Any:
    """The same with ERASED where it stood."""
    match value:
        case str():
            return private.marked(value, spans(value, sought))
        case dict():
            return {without(key, sought): without(one, sought) for key, one in value.items()}
        case list() | tuple():
            return [without(one, sought) for one in value]
    return value
