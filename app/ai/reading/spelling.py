"""Letters said one by one: "k, y, l, e", "Hotel Alfa Romeo", "n as in November", codes."""

import re

_PHONETIC = {
    "alfa", "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india",
    "juliet", "juliett", "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo",
    "sierra", "tango", "uniform", "victor", "whiskey", "whisky", "xray", "yankee", "zulu",
}  # fmt: skip
_AS_IN = re.compile(
    r"\b([a-z])[\s,]+(?:as in|for|like|de)\s+\1[a-z]+\b|\b([a-z])[\s,]+as in\s+[a-z]+\b",
    re.IGNORECASE,
)
_LETTER_NAMES = (
    (re.compile(r"\bdouble[\s-]+(?:u|you)\b", re.IGNORECASE), "w"),
    (re.compile(r"\b(?:zed|zee)\b(?=\W+\w\b)|(?<=\b\w )\b(?:zed|zee)\b", re.IGNORECASE), "z"),
    (re.compile(r"\bx[\s-]ray\b", re.IGNORECASE), "x"),
    (re.compile(r"(?<=\b\w )apostrophe (?=\w\b)", re.IGNORECASE), ""),
    (re.compile(r"\b(?:capital|upper ?case|the letter) (?=\w\b)", re.IGNORECASE), ""),
)
_DOUBLE = re.compile(r"\bdouble[\s-]+([a-z])\b", re.IGNORECASE)


def plain_letters(text: str) -> str:
    """ "n as in November" becomes "n", "double l" becomes "l l"; all else stays."""
    for pattern, letter in _LETTER_NAMES:
        text = pattern.sub(letter, text)
    text = _AS_IN.sub(lambda m: m.group(1) or m.group(2), text)
    return _DOUBLE.sub(r"\1 \1", text)


def word(text: str) -> str:
    """The word that is spelled, in lower case, or "" when nobody is spelling."""
    parts = re.findall(r"[^\W\d_]+", plain_letters(text).lower())
    if len(parts) < 3:
        return ""
    if all(part in _PHONETIC or len(part) == 1 for part in parts):
        return "".join(part[0] for part in parts)
    # Recognisers glue neighbours together: "a l e xa n dr a".
    loose = sum(map(len, parts)) / len(parts) <= 1.75 and sum(len(p) == 1 for p in parts) >= 2
    return "".join(parts) if loose else ""


def trailing(text: str) -> tuple[str, str]:
    """What comes before a spelled ending, and the ending: "Jon Smyth s m y t h"."""
    parts = plain_letters(text).replace(",", " ").replace("-", " ").split()
    at = len(parts)
    while at and (len(parts[at - 1].strip(".")) == 1 and parts[at - 1][0].isalpha()):
        at -= 1
    if len(parts) - at < 3:
        return text, ""
    return " ".join(parts[:at]), "".join(part[0] for part in parts[at:]).lower()


def code(text: str) -> str:
    """A reference code: its letters and digits in upper case."""
    return re.sub(r"[\W_]", "", plain_letters(text)).upper()
