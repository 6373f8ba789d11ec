"""Values dictated bit by bit, over several turns: digits of a number, parts of an address."""

import re

from app.ai.reading import numbers
from app.voice.flow.messages import Ask

_ADDRESS_WORDS = re.compile(
    r"@|\b(?:dot|at|underscore|dash|hyphen|gmail|hotmail|yahoo|outlook|com|org|net|arroba|punto"
    r"|guion|guión)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"\b[a-z]\b", re.IGNORECASE)
_MOST_WORDS = 14  # a piece is short: a sentence is something else


def begun(words: str, asking: str) -> str:
    """`words` when they can be the beginning, or the next part, of what was asked for; else ""."""
    if len(words.split()) > _MOST_WORDS or words.strip().endswith("?"):
        return ""
    match asking:
        case Ask.PHONE:
            return words if 2 <= len(numbers.digits_in(words)) <= 12 else ""
        case Ask.EMAIL:
            spelled = len(_LETTER.findall(words)) >= 2
            return words if spelled or _ADDRESS_WORDS.search(words) else ""
        case Ask.NAME:
            letters = re.findall(r"\w+", words)
            only = letters and all(len(letter) == 1 and letter.isalpha() for letter in letters)
            return words if only and len(letters) < 3 else ""
    return ""


def joined(pieces: str, words: str) -> str:
    """All of it; only the newest when the caller began again from the start."""
    if not pieces:
        return words
    before, now = numbers.digits_in(pieces), numbers.digits_in(words)
    if before and len(now) > len(before) and now.startswith(before):
        return words
    return f"{pieces} {words}"
