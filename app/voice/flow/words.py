"""Whether somebody's words hold one of a tenant's: urgent words, what a question is asked for."""

import re

_NOT = frozenset(
    ("no", "not", "isn't", "isnt", "aren't", "never", "without", "nothing", "don't", "sin", "nada")
)
_NEAR = 3  # words between a "not" and what it denies


def holds(said: str, phrase: str) -> bool:
    """All words of `phrase` in a row, whole words, a plural counting as its singular."""
    return bool(_places(_words(said), _words(phrase)))


def urgent(said: str, phrases: tuple[str, ...]) -> bool:
    """One of `phrases` is said, and not denied: "it is no emergency" is not urgent."""
    heard = _words(said)
    return any(
        _NOT.isdisjoint(heard[max(0, at - _NEAR) : at])
        for phrase in phrases
        for at in _places(heard, _words(phrase))
    )


def _places(said: list[str], phrase: list[str]) -> list[int]:
    size = len(phrase)
    starts = range(len(said) - size + 1) if size else range(0)
    return [at for at in starts if said[at : at + size] == phrase]


def _words(text: str) -> list[str]:
    found = re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.casefold().replace("\u2019", "'"))
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found]
