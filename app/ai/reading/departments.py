"""Which department an utterance is for, by the words of their names and descriptions."""

import math
from dataclasses import dataclass

from app.ai import wording
from app.voice.flow.messages import Department

SURE = 0.3  # from here on the caller is connected
CLEAR = 0.5  # from here on it outweighs an entry that only may be meant

_WORD, _MEANING, _TYPED = 1.0, 0.65, 0.6
_EVERYWHERE = 0.35  # what evidence counts that fits every department


@dataclass(frozen=True, slots=True)
class Fit:
    department: Department
    score: float


def fit(words: str, departments: tuple[Department, ...]) -> Fit | None:
    """The department with the most words in its favour; None when no word speaks for any."""
    known = [_Known(department) for department in departments]
    totals = dict.fromkeys(range(len(known)), 0.0)
    for stem in dict.fromkeys(wording.content(words)):
        shares = {at: share for at, one in enumerate(known) if (share := one.share(stem))}
        strongest = max(shares.values(), default=0.0)
        for at, share in shares.items():
            rivals = sum(other >= share for other in shares.values()) - 1
            apart = 1 - (1 - _EVERYWHERE) * rivals / max(1, len(known) - 1)
            totals[at] += share * apart * (1.0 if share == strongest else 0.5)
    best = max(totals, key=totals.__getitem__, default=None)
    if best is None or not totals[best]:
        return None
    return Fit(departments[best], round(1 - math.exp(-totals[best]), 4))


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
