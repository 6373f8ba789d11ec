"""Finds the passages that may answer a question: by words always, by meaning where the encoder is.

`score` is the chance that the passage answers, after two logistic curves over how well it fits and
how far it is ahead: one for words alone, one for words and meaning. `run.py bench calibrate` draws
them, on businesses that are not those it is tested with (docs/understanding.md).
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from app.ai import lexical, meaning
from app.ai.encoder.client import Texts
from app.voice.flow.messages import Passage

ANSWER = 0.65  # from here on the entry is the answer
ASK = 0.3  # from here on it is worth asking "do you mean …?"

_QUESTION, _ALTERNATE, _ANSWER = 1.0, 1.0, 0.5  # what a word counts where it stands
_WHOLE, _TOLD, _WORDS = 0.5, 0.3, 0.8  # question with answer, answer alone, shared words
_FAR_AHEAD = 0.5  # being further ahead says no more
_BY_WORDS = 40  # passages whose words are looked at closely
_KEPT = 64  # indexes in the process


@dataclass(frozen=True, slots=True)
class Curve:
    """Chance = 1 / (1 + e^-(base + fit * how well + ahead * how far ahead))."""

    base: float
    fit: float
    ahead: float

    def chance(self, fit: float, ahead: float) -> float:
        odds = self.base + self.fit * fit + self.ahead * bounded(ahead)
        return 1 / (1 + math.exp(-odds))


def bounded(ahead: float) -> float:
    return max(-_FAR_AHEAD, min(_FAR_AHEAD, ahead))


BY_WORDS = Curve(-1.93, 4.39, 3.11)
BY_MEANING = Curve(-3.79, 3.06, 4.50)


@dataclass(frozen=True, slots=True)
class Match:
    """`score` 0..1 is the chance that the passage answers, comparable across tenants."""

    passage: Passage
    score: float


def find(
    passages: tuple[Passage, ...], words: str, limit: int = 3, language: str = "en"
) -> tuple[Match, ...]:
    """The best passages first. The index is kept for as long as the same tuple is asked about."""
    if not passages or not words.strip():
        return ()
    return _index(passages).find(words, limit, language)


def prepare(passages: tuple[Passage, ...], language: str) -> None:
    """Have everything at hand before the first question."""
    if passages:
        meaning.prepare(texts(passages), language)


def texts(passages: tuple[Passage, ...]) -> Texts:
    """What the encoder is asked about."""
    return _index(passages).texts


def learn(passages: Sequence[Passage], language: str) -> None:
    """Of passages that were saved: their texts, without an index of them."""
    meaning.prepare(Texts.of([text for one in passages for text in _texts(one)]), language)


def fits(
    passages: tuple[Passage, ...], words: str, language: str = "en"
) -> tuple[Curve, list[tuple[float, int]]]:
    """How well each passage fits, best first, and the curve it is to be read by."""
    return _index(passages).fits(words, language)


class _Passages:
    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self.passages = passages
        self._index = lexical.Index([_fields(passage) for passage in passages])
        texts = [_texts(passage) for passage in passages]
        self._ends = [len(one) for one in texts]
        self.texts = Texts.of([text for one in texts for text in one])

    def find(self, words: str, limit: int, language: str) -> tuple[Match, ...]:
        curve, ranked = self.fits(words, language)
        found = []
        for place, (fit, at) in enumerate(ranked[:limit]):
            other = ranked[0 if place else 1][0] if len(ranked) > 1 else fit
            found.append(Match(self.passages[at], round(curve.chance(fit, fit - other), 4)))
        return tuple(found)

    def fits(self, words: str, language: str) -> tuple[Curve, list[tuple[float, int]]]:
        by_words = self._index.rank(words, _BY_WORDS)
        alike = meaning.alike(words, self.texts, language)
        if alike is None:
            return BY_WORDS, by_words
        shared = {at: score for score, at in by_words}
        fit = [near + _WORDS * shared.get(at, 0.0) for at, near in enumerate(self._nearness(alike))]
        return BY_MEANING, sorted(((f, at) for at, f in enumerate(fit)), reverse=True)

    def _nearness(self, alike: Sequence[float]) -> list[float]:
        found, begin = [], 0
        for count in self._ends:
            answer, whole, *names = alike[begin : begin + count]
            found.append(max(names) + _WHOLE * whole + _TOLD * answer)
            begin += count
        return found


def _fields(passage: Passage) -> list[tuple[str, float]]:
    alternates = [(text, _ALTERNATE) for text in passage.alternates]
    return [(passage.question, _QUESTION), *alternates, (passage.answer, _ANSWER)]


def _texts(passage: Passage) -> list[str]:
    question, answer = passage.question, passage.answer
    return [answer, f"{question} {answer}", question, *passage.alternates]


# One index per version of a tenant's knowledge: facts keep the same tuple until it is edited.
_indexes: OrderedDict[int, _Passages] = OrderedDict()
_lock = Lock()


def _index(passages: tuple[Passage, ...]) -> _Passages:
    key = id(passages)
    with _lock:
        kept = _indexes.get(key)
        if kept is not None and kept.passages is passages:
            _indexes.move_to_end(key)
            return kept
    made = _Passages(passages)
    with _lock:
        _indexes[key] = made
        while len(_indexes) > _KEPT:
            _indexes.popitem(last=False)
    return made
