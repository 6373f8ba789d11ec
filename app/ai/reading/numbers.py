"""Digits as people say them: "oh", "double five", "forty three", "nine hundred", "plus one"."""

import re
from dataclasses import dataclass

UNITS = {
    "zero": 0, "oh": 0, "o": 0, "nought": 0, "naught": 0, "nil": 0,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "fower": 4, "fife": 5, "niner": 9,
    "cero": 0, "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6,
    "siete": 7, "ocho": 8, "nueve": 9,
}  # fmt: skip
TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "diez": 10, "doce": 12, "trece": 13, "catorce": 14, "quince": 15,
    "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19,
    "veintiuno": 21, "veintidos": 22, "veintitres": 23, "veinticuatro": 24, "veinticinco": 25,
    "veintiseis": 26, "veintisiete": 27, "veintiocho": 28, "veintinueve": 29,
}  # fmt: skip
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
    "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70,
    "ochenta": 80, "noventa": 90,
}  # fmt: skip
TIMES = {"double": 2, "doble": 2, "triple": 3, "treble": 3, "quadruple": 4}
HUNDREDS = {"hundred": "00", "thousand": "000"}

_TOKEN = re.compile(r"\+|\d+|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[.,;:!?@]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word in lower case, or a digit group as it was said. `digits` is empty for other words;
    `start` and `end` are its place in the utterance."""

    text: str
    digits: str = ""
    start: int = 0
    end: int = 0


def tokens(text: str) -> list[Token]:
    """The utterance with every spoken number replaced by its digits, in order."""
    places = [match.span() for match in _TOKEN.finditer(text)]
    raw = [text[start:end].lower().replace("\u2019", "'") for start, end in places]
    found: list[Token] = []
    at = 0
    while at < len(raw):
        digits, used = _digits(raw, at)
        start, end = places[at][0], places[at + used - 1][1]
        found.append(Token(" ".join(raw[at : at + used]), digits, start, end))
        at += used
    return found


def digits_in(text: str) -> str:
    """Every digit of the utterance, in order, whatever stands between."""
    return "".join(token.digits for token in tokens(text))


def value(word: str) -> int | None:
    """A small number as a word or as digits."""
    if word.isascii() and word.isdigit():
        return int(word)
    found, used = _digits(word.split(), 0) if word else ("", 0)
    return int(found) if found and used == len(word.split()) else None


def _digits(raw: list[str], at: int) -> tuple[str, int]:
    """The digits that begin at `at`, and how many tokens they take."""
    word = _plain(raw[at])
    following = _plain(raw[at + 1]) if at + 1 < len(raw) else ""
    if word in TIMES and following:
        repeated, used = _digits(raw, at + 1)
        if len(repeated) == 1:
            return repeated * TIMES[word], 1 + used
    if word in TENS:
        if UNITS.get(following):
            return str(TENS[word] + UNITS[following]), 2
        joined = _plain(raw[at + 2]) if following == "y" and at + 2 < len(raw) else ""
        if UNITS.get(joined):
            return str(TENS[word] + UNITS[joined]), 3
        return str(TENS[word]), 1
    if word in TEENS:
        return str(TEENS[word]), 1
    digit = word if word.isascii() and word.isdigit() else str(UNITS.get(word, ""))
    if len(digit) == 1 and digit != "0" and following in HUNDREDS:
        return digit + HUNDREDS[following], 2
    return (digit, 1) if digit else (word if word.isascii() and word.isdigit() else "", 1)


_ACCENTS = str.maketrans("áéíóúü", "aeiouu")


def _plain(word: str) -> str:
    return word.translate(_ACCENTS)
