"""Which department an utterance is for, by their names and descriptions: by words always, by
meaning where the encoder is."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.ai import meaning, wording
from app.ai.encoder.client import Texts
from app.voice.flow.messages import Department

OFFER = 0.2  # from here on it is worth asking "shall I connect you with …?"
SURE = 0.3  # from here on the caller is connected
CLEAR = 0.5  # from here on it outweighs an entry that only may be meant

_WORD, _MEANING, _TYPED = 1.0, 0.65, 0.6
_MIDDLE, _STEEP = 0.6, 5.0  # where meaning and words together speak for it as much as against
_THINGS = re.compile(r"[,;.]| and | y ")
_EVERYWHERE = 0.35  # what evidence counts that fits every department
_MEANT = 0.42  # cosines together, from which on the meaning alone speaks for it


@dataclass(frozen=True, slots=True)
class Fit:
    """`spoken_of`: one of its own words was said, or all of them mean it. Without, what speaks for
    it is a word that may stand for another ("repair" a bicycle, a "broken" tooth): enough for a
    wish, not for a question, which may as well be about something that nobody here does."""

    department: Department
    score: float
    spoken_of: bool = True


def fit(words: str, departments: tuple[Department, ...], language: str = "en") -> Fit | None:
    """The department with the most in its favour; None when nothing speaks for any."""
    by_words = _by_words(words, departments)
    near = _nearness(words, departments, language) or []
    scores = [_chance(n + w) for n, w in zip(near, by_words, strict=True)] if near else by_words
    best = max(range(len(scores)), key=scores.__getitem__, default=None)
    if best is None or not scores[best]:
        return None
    stems, known = wording.content(words), _Known(departments[best])
    named = any(known.share(stem) == _WORD for stem in stems)
    meant = near[best] >= _MEANT if near else scores[best] >= CLEAR
    return Fit(departments[best], round(scores[best], 4), named or meant)


def prepare(departments: Sequence[Department], language: str) -> None:
    """Have everything at hand before the first question."""
    meaning.prepare(texts(departments), language)


def texts(departments: Sequence[Department]) -> Texts:
    """What the encoder is asked about: each department as a whole, and each thing it does."""
    return Texts.of([text for department in departments for text in _texts(department)])


def _texts(department: Department) -> list[str]:
    name = department.name.replace("_", " ")
    things = [thing.strip() for thing in _THINGS.split(department.description)]
    whole = f"{name}: {department.description}" if department.description else name
    return [whole, *(thing for thing in things if thing)] if any(things) else [whole, name]


def _nearness(words: str, departments: tuple[Department, ...], language: str) -> list[float] | None:
    says_something = wording.content(words)  # vectors have an opinion on anything
    alike = meaning.alike(words, texts(departments), language) if says_something else None
    if alike is None:
        return None
    found, begin = [], 0
    for department in departments:
        end = begin + len(_texts(department))
        found.append(alike[begin] + max(alike[begin + 1 : end]))
        begin = end
    return found


def _chance(fits: float) -> float:
    return 1 / (1 + math.exp(-_STEEP * (fits - _MIDDLE)))


def _by_words(words: str, departments: tuple[Department, ...]) -> list[float]:
    """0..1 for each: how many words speak for it and not for all."""
    known = [_Known(department) for department in departments]
    totals = [0.0] * len(known)
    for stem in dict.fromkeys(wording.content(words)):
        shares = {at: share for at, one in enumerate(known) if (share := one.share(stem))}
        strongest = max(shares.values(), default=0.0)
        for at, share in shares.items():
            rivals = sum(other >= share for other in shares.values()) - 1
            apart = 1 - (1 - _EVERYWHERE) * rivals / max(1, len(known) - 1)
            totals[at] += share * apart * (1.0 if share == strongest else 0.5)
    return [1 - math.exp(-total) for total in totals]


class _Known:
    """The words of one department, and what they can mean."""

    def __init__(self, department: Department) -> None:
        stems = wording.content(f"{department.name.replace('_', ' ')} {department.description}")
        self._stems = set(stems)
        self._meanings = {meaning for stem in stems for meaning in wording.meanings(stem)}

    def share(self, stem: str) -> float:
        if stem in self._stems:
            return _WORD
        if not self._meanings.isdisjoint(wording.meanings(stem)):
            return _MEANING
        return _TYPED if any(_alike(stem, known) for known in self._stems) else 0.0


def _alike(one: str, other: str) -> bool:
    """The same word with one letter wrong, or the beginning of the longer one."""
    if min(len(one), len(other)) < 5:
        return False
    if one.startswith(other) or other.startswith(one):
        return True
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1
