"""Corrections of a noted name in one breath: "it's Millar with an a", "two l's", "spelled …"."""

import re
from difflib import SequenceMatcher

from app.ai.reading import names, spelling

_WITH = re.compile(
    r"\bwith (?:an? )?(?:letter )?(?P<new>[a-z])\b"
    r"(?:[^.]*?\b(?:not|instead of|rather than|and no) (?:with )?(?:an? )?(?P<old>[a-z])\b)?",
    re.IGNORECASE,
)
_TWICE = re.compile(r"\b(?:with )?(?:two|double)[ -](?P<letter>[a-z])(?:'?s)?\b", re.IGNORECASE)
_ONCE = re.compile(
    r"\b(?:with )?(?:only |just )?(?:one|a single) (?P<letter>[a-z])\b", re.IGNORECASE
)
_CUT = re.compile(r"\b(?:with|spelled|spelt|double|two|one|a single|only|just)\b.*", re.IGNORECASE)
_VOWELS = "aeiouy"
_ALIKE = 0.5


def corrected(name: str, words: str) -> str:
    """The whole name with the one part changed; "" when this is no such correction."""
    if not name:
        return ""
    part, letters = _meant(name, words), spelling.trailing(words)[1]
    if letters:
        return _put(name, letters)
    found = _WITH.search(words)
    if found and part:
        return _changed(name, _with(part, found["new"].lower(), (found["old"] or "").lower()))
    if part and (found := _TWICE.search(words)):
        letter = found["letter"].lower()
        return _changed(name, re.sub(f"{letter}+", letter * 2, part, count=1, flags=re.IGNORECASE))
    if part and (found := _ONCE.search(words)):
        letter = found["letter"].lower()
        return _changed(name, re.sub(f"{letter}+", letter, part, count=1, flags=re.IGNORECASE))
    return ""


def _meant(name: str, words: str) -> str:
    """The part of the name that is spoken of: as it was just said, else the last one."""
    said = re.findall(r"[^\W\d_]+", _CUT.sub(" ", words))
    pairs = [(_ratio(one, part), one) for part in name.split() for one in said if len(one) > 2]
    ratio, heard = max(pairs, default=(0.0, ""))
    if ratio >= _ALIKE:
        return heard.capitalize()
    return name.split()[-1] if not pairs or _is_only_talk(words) else ""


def _is_only_talk(words: str) -> bool:
    return not names.read(_CUT.sub(" ", words), asked=False)


def _with(part: str, new: str, old: str) -> str:
    """ "Miller with an a": in place of the letter named, else of the last vowel (or consonant) that
    may be it, unless the recogniser wrote it rightly already."""
    if old and old in part.lower():
        return re.sub(old, new, part, count=1, flags=re.IGNORECASE)
    if new in part.lower():
        return part
    vowel = new in _VOWELS
    places = [at for at, letter in enumerate(part) if (letter.lower() in _VOWELS) == vowel]
    at = places[-1] if vowel and places else 0
    return (part[:at] + new + part[at + 1 :]).capitalize()


def _changed(name: str, part: str) -> str:
    return _put(name, part.lower())


def _put(name: str, part: str) -> str:
    words = name.split()
    at = max(range(len(words)), key=lambda at: (_ratio(words[at], part), at))
    new = part.capitalize()
    return " ".join(new if place == at else word for place, word in enumerate(words))


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()
