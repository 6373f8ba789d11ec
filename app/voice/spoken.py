"""How values sound: phone numbers in groups, e-mail addresses in words, days and times of day."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from app.voice.flow.messages import DayHours, Facts

TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"
_ENGLISH = Locale("en", "US")
LONGEST_VALUE = 300  # read back: some twenty seconds of listening


def _(message: str) -> str:
    """Marks a sentence for `pybabel extract`; it is translated when it is spoken."""
    return message


_OPEN_NOW = _("We are open now.")
_CLOSED_NOW = _("We are closed right now.")
_OPEN_ON = _("We are open {day} {spans}.")
_OPEN_ALL_DAY = _("We are open {day} around the clock.")
_CLOSED_ON = _("We are closed {day}.")
_CLOSED_FOR = _("We are closed {day}: {note}.")
_IS_OPEN_AT = _("Yes, {day} at {time} we are open.")
_IS_CLOSED_AT = _("No, {day} at {time} we are closed.")
_SPAN = _("from {start} to {end}")
_AND = _("{first} and {second}")
_TODAY, _TOMORROW = _("today"), _("tomorrow")
_ON = _("on {day}")
_PLUS = _("plus")
_IN_ADDRESS = {
    "@": _("at"),
    ".": _("dot"),
    "_": _("underscore"),
    "-": _("dash"),
    "+": _("plus"),
}


@dataclass(frozen=True, slots=True)
class Speech:
    """A language to speak: its catalogue, and its ways of saying days and times."""

    locale: Locale
    catalogue: NullTranslations

    def tell(self, sentence: str, **values: str) -> str:
        """A value that ends in a full stop ("p.m.") does not bring a second one."""
        return self.catalogue.gettext(sentence).format(**values).replace("..", ".")


@cache
def speech(language: str) -> Speech:
    """`language` is a tag such as "es-US". What we do not speak falls back to English, since a
    caller must hear something."""
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = _ENGLISH
    catalogue = _catalogue(locale.language)
    if locale.language != _ENGLISH.language and not isinstance(catalogue, Translations):
        locale = _ENGLISH  # or French days would stand in English sentences
    return Speech(locale, catalogue)


@cache
def _catalogue(language: str) -> NullTranslations:
    """Compiled from the .po in memory: a fresh clone speaks Spanish without a build step, and what
    is heard can never be older than what a translator wrote."""
    source = TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    if not source.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def phone(value: str, region: str, speech: Speech) -> str:
    """Digit by digit in the groups of its country, so that it can be checked by ear."""
    try:
        number = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        return _digits(value)
    home = phonenumbers.country_code_for_region(region) if region else None
    if number.country_code == home:
        style = phonenumbers.PhoneNumberFormat.NATIONAL
        return _digits(phonenumbers.format_number(number, style))
    style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return f"{speech.tell(_PLUS)} {_digits(phonenumbers.format_number(number, style))}"


def _digits(text: str) -> str:
    groups = "".join(c if c.isdigit() else " " for c in text).split()
    return ", ".join(" ".join(group) for group in groups) or text


def email(value: str, speech: Speech) -> str:
    return "".join(
        f" {speech.tell(_IN_ADDRESS[c])} " if c in _IN_ADDRESS else c for c in value
    ).strip()


def letters(value: str, speech: Speech) -> str:
    """Letter by letter, the symbols of an address by their names."""
    named = {sign: speech.tell(name) for sign, name in _IN_ADDRESS.items()}
    words = (
        ", ".join(named.get(c, c.upper()) for c in word if c.isalnum() or c in named)
        for word in value.split()
    )
    return "; ".join(words)


def shortened(value: str) -> str:
    """Without the full stop that the sentence around it brings, and bearable to listen to."""
    value = " ".join(value.split()).rstrip(".")
    if len(value) <= LONGEST_VALUE:
        return value
    return value[:LONGEST_VALUE].rsplit(" ", 1)[0]


def hours(days: tuple[date, ...], facts: Facts, speech: Speech) -> str:
    """The hours of these days; of none in particular: now, today and the next day it opens."""
    if days:
        wanted = [day for day in facts.hours if day.day in days]
        return " ".join(_day(day, facts.today, speech) for day in wanted)
    later = [day for day in facts.hours[1:] if day.spans][:1]
    told = [*facts.hours[:1], *([] if facts.is_open else later)]
    now = speech.tell(_OPEN_NOW if facts.is_open else _CLOSED_NOW)
    return " ".join([now, *(_day(day, facts.today, speech) for day in told)])


def open_at(days: tuple[date, ...], at: time, facts: Facts, speech: Speech) -> str:
    """Whether it is open at this time of the first of these days, and that day's hours."""
    day = days[0]
    verdict = _IS_OPEN_AT if is_open_at(day, at, facts) else _IS_CLOSED_AT
    clock_time = clock(f"{at:%H:%M}", speech)
    told = speech.tell(verdict, day=day_name(day, facts.today, speech), time=clock_time)
    return f"{told} {hours(days, facts, speech)}"


def is_open_at(day: date, at: time, facts: Facts) -> bool:
    """By the clock on the wall, as voice/hours.py has it; a night before may run into the day."""
    known = {one.day: one.spans for one in (facts.yesterday, *facts.hours) if one}
    minute, before = f"{at:%H:%M}", known.get(day - timedelta(days=1), ())
    return any(
        start <= minute and (minute < end or end <= start) for start, end in known.get(day, ())
    ) or any(end <= start and minute < end for start, end in before)


def _day(hours: DayHours, today: date | None, speech: Speech) -> str:
    day = day_name(hours.day, today, speech)
    if not hours.spans:
        closed = _CLOSED_FOR if hours.note else _CLOSED_ON
        return speech.tell(closed, day=day, note=hours.note.rstrip("."))
    if any(
        start in (end, "00:00") and end in (start, "00:00", "24:00") for start, end in hours.spans
    ):
        return speech.tell(_OPEN_ALL_DAY, day=day)
    spans = [
        speech.tell(_SPAN, start=clock(start, speech), end=clock(end, speech))
        for start, end in hours.spans
    ]
    text = spans[0]
    for span in spans[1:]:
        text = speech.tell(_AND, first=text, second=span)
    return speech.tell(_OPEN_ON, day=day, spans=text)


def day_name(day: date, today: date | None, speech: Speech) -> str:
    """A bare weekday only within the week: "on Monday" two weeks ahead would mislead."""
    ahead = (day - today).days if today else None
    if ahead == 0:
        return speech.tell(_TODAY)
    if ahead == 1:
        return speech.tell(_TOMORROW)
    if ahead is not None and 0 < ahead < 7:
        return speech.tell(_ON, day=format_date(day, "EEEE", locale=speech.locale))
    in_month = format_skeleton("MMMMd", day, locale=speech.locale)
    weekday = format_date(day, "EEEE", locale=speech.locale)
    return speech.tell(_ON, day=f"{weekday}, {in_month}")


def clock(value: str, speech: Speech) -> str:
    hour, minute = (int(part) for part in value.split(":"))
    text = format_time(time(hour % 24, minute), "short", locale=speech.locale)
    return text.replace("\u202f", " ").replace("\xa0", " ")  # the voice stumbles over narrow spaces
