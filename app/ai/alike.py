"""Which questions ask the same thing: by the words, meanings and letters they share."""

from collections.abc import Sequence

from app.ai import lexical

ALIKE = 0.55  # each of two questions must cover the other so far
_NEAREST = 24  # looked at for each question


def groups(texts: Sequence[str]) -> list[list[int]]:
    """The positions of `texts`, those that ask the same together under the first of them. A text
    joins what its group began with, so that a chain of small differences does not run on."""
    index = lexical.Index([[(text, lexical.NAME)] for text in texts])
    near = [{at: score for score, at in index.rank(text, _NEAREST)} for text in texts]
    found: dict[int, list[int]] = {}
    for at in range(len(texts)):
        fits = {first: _both(near, first, at) for first in found if first in near[at]}
        best = max(fits, key=fits.__getitem__, default=at)
        joins = best != at and fits[best] >= ALIKE
        found.setdefault(best if joins else at, []).append(at)
    return list(found.values())


def _both(near: list[dict[int, float]], one: int, other: int) -> float:
    return min(near[one].get(other, 0.0), near[other].get(one, 0.0))
