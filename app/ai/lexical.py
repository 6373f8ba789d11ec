"""Ranks texts by the words, meanings and letters they share with a question. No service needed."""

import math
from array import array
from collections.abc import Iterable, Sequence

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from app.ai import wording

NAME = 1.0  # from this weight on a field is what a text is called by
_MEANING = 0.65  # a shared meaning counts less than the shared word
_TYPO = 0.7
_SAME_WORD = 0.92
_LOOK_UPS = 8_000  # postings read per question: bounds the time, rarest words first
_RERANKED = 24


class Index:
    """Postings of weighted words over texts that have several fields of unequal weight."""

    def __init__(self, fields: Sequence[Sequence[tuple[str, float]]]) -> None:
        postings: dict[str, dict[int, float]] = {}
        self._names: list[list[str]] = []
        for at, parts in enumerate(fields):
            for term, weight in _weighted(parts).items():
                postings.setdefault(term, {})[at] = weight
            self._names.append([text for text, weight in parts if weight >= NAME])
        self._count = len(fields)
        self._ids = {term: array("I", found) for term, found in postings.items()}
        self._weights = {term: array("f", found.values()) for term, found in postings.items()}
        self._vocabulary: dict[str, list[str]] = {}
        for term in postings:
            if term[0] not in "#~" and len(term) > 3:
                self._vocabulary.setdefault(term[0], []).append(term)
        self._grams: dict[int, list[frozenset[str]]] = {}

    def rank(self, words: str, limit: int) -> list[tuple[float, int]]:
        """(score, position) of the best texts, best first."""
        terms = self._terms(words)
        known = sum(weight for _, weight in terms)
        if not known:
            return []
        found: dict[int, float] = {}
        left = _LOOK_UPS
        for term, weight in sorted(terms, key=lambda t: len(self._ids.get(t[0], ()))):
            ids = self._ids.get(term, ())
            if left <= 0:
                break
            for at, share in zip(ids[:left], self._weights.get(term, ()), strict=False):
                found[at] = found.get(at, 0.0) + weight * share
            left -= len(ids)
        best = sorted(found, key=found.__getitem__, reverse=True)[: max(limit, _RERANKED)]
        pieces = wording.grams(words)
        scored = [(self._score(found[at], known, at, pieces), at) for at in best]
        return sorted(scored, key=lambda pair: -pair[0])[:limit]

    def _score(self, matched: float, known: float, at: int, pieces: frozenset[str]) -> float:
        """How much of the question the text covers, and how alike the two are, letter by letter."""
        covered = matched / known
        alike = max((_dice(pieces, name) for name in self._pieces(at)), default=0.0)
        return min(1.0, 0.7 * covered + 0.35 * alike)

    def _pieces(self, at: int) -> list[frozenset[str]]:
        if at not in self._grams:
            self._grams[at] = [wording.grams(name) for name in self._names[at]]
        return self._grams[at]

    def _terms(self, words: str) -> list[tuple[str, float]]:
        """What to look up, and what it counts: rare words more. Unknown words count as well, as
        something that no text covers."""
        stems = dict.fromkeys(wording.content(words))
        terms: dict[str, float] = {}
        for stem in stems:
            near = stem if stem in self._ids else self._nearest(stem) or stem
            share = 1.0 if near == stem else _TYPO
            terms[near] = max(terms.get(near, 0.0), share * self._rarity(near))
            for meaning in wording.meanings(near):
                terms[meaning] = max(terms.get(meaning, 0.0), _MEANING * self._rarity(meaning))
        return list(terms.items())

    def half_known(self, words: str) -> bool:
        """One or two words, and one of them stands in no text: "repair" what?"""
        stems = set(wording.content(words))
        return len(stems) <= 2 and not all(map(self._is_known, stems))

    def _is_known(self, stem: str) -> bool:
        means = (meaning in self._ids for meaning in wording.meanings(stem))
        return stem in self._ids or bool(self._nearest(stem)) or any(means)

    def _rarity(self, term: str) -> float:
        seen = len(self._ids.get(term, ()))
        return math.log(1 + (self._count - seen + 0.5) / (seen + 0.5)) + 0.2

    def _nearest(self, stem: str) -> str:
        """The known word that a misheard or mistyped one stands for, or ""."""
        if len(stem) < 4 or stem[0].isdigit():
            return ""
        known = self._vocabulary.get(stem[0], ())
        found = process.extractOne(
            stem, known, scorer=JaroWinkler.similarity, score_cutoff=_SAME_WORD
        )
        return str(found[0]) if found else ""


def _weighted(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Each term of a text, with the weight of the best field it stands in."""
    weights: dict[str, float] = {}
    for text, weight in parts:
        for stem in wording.content(text):
            for term in (stem, *wording.meanings(stem)):
                weights[term] = max(weights.get(term, 0.0), weight)
    return weights


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
