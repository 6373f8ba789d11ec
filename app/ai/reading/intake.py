"""Answers that a caller gave before a business's own question was asked."""

import re
from datetime import date
from itertools import pairwise

from app.ai import wording
from app.ai.reading import days, numbers

_HOW_MANY = re.compile(
    r"\b(?:how (?:many|much|big|large)|what size|cu[aá]nt[oa]s)\b(?P<of>[^?]*)", re.IGNORECASE
)
_WHICH_DAY = re.compile(
    r"\b(?:what|which) (?:day|date)\b|\bwhen\b|\bqu[eé] (?:d[ií]a|fecha)\b|\bcu[aá]ndo\b",
    re.IGNORECASE,
)
_ANY_DAY = date(2024, 1, 1)


def already(question: str, said: str) -> str:
    """The caller's own words that answer `question`, or ""."""
    if found := _HOW_MANY.search(question):
        return _counted(found["of"], said)
    if _WHICH_DAY.search(question):
        sentences = re.split(r"[.?!]", said)
        return next((s.strip() for s in sentences if days.mentioned(s, _ANY_DAY)), "")
    return ""


def _counted(of: str, said: str) -> str:
    """ "How many people will come?" is answered by "for six people"."""
    things = set(wording.content(of))
    spoken = [token for token in numbers.tokens(said) if token.digits or token.text.isalpha()]
    for token, following in pairwise(spoken):
        if token.digits and set(wording.content(following.text)) & things:
            return f"{token.text} {following.text}"
    return ""
