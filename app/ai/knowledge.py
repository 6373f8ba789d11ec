"""Finds the passages that may answer a question: by words always, by meaning where the encoder is.

`score` is the chance that the passage answers, and not another one and not none at all: evidence is
weighed and shared out among the passages and "none of them" (a conditional logit; McFadden 1974).
`run.py bench calibrate` draws the weights, on other businesses than those they are tested with
(docs/understanding.md).
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from app.ai import lexical, meaning, wording
from app.ai.encoder.client import Texts
from app.voice.flow.messages import Passage

ANSWER = 0.49  # from here on the entry is the answer
ASK = 0.25  # from here on it is worth asking "do you mean …?"

_IN_DOUBT = 0.45  # at most, by words alone, when half of a short question is not known at all
_QUESTION, _ALTERNATE, _ANSWER = 1.0, 1.0, 0.5  # what a word counts where it stands
_BY_WORDS = 40  # passages whose words are looked at closely
_RIVALS = (
    10  # best passages that share the chance: a large knowledge base is not drowned by its size
)
_KEPT = 64  # indexes in the process

Evidence = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each kind of evidence counts, and what must be outweighed for there to be an answer."""

    none: float
    each: Evidence

    def fit(self, evidence: Evidence) -> float:
        return sum(weight * part for weight, part in zip(self.each, evidence, strict=True))

    def chances(self, fits: Sequence[float]) -> list[float]:
        """Of each fit to be the answer; `fits` are the best ones, best first."""
        odds = [math.exp(fit - self.none) for fit in fits[:_RIVALS]]
        whole = 1 + sum(odds)
        return [share / whole for share in odds]


BY_WORDS = Weights(3.86, (12.14,))  # shared words
# nearest phrasing, the next nearest, question with answer, answer, shared words
BY_MEANING = Weights(6.90, (5.03, 4.01, 3.05, 3.27, 3.23))


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


def evidence(
    passages: tuple[Passage, ...], words: str, language: str = "en"
) -> tuple[Weights, list[Evidence]]:
    """What speaks for each passage, in their order, and the weights it is to be read by."""
    return _index(passages).evidence(words, language)


class _Passages:
    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self.passages = passages
        self._index = lexical.Index([_fields(passage) for passage in passages])
        texts = [_texts(passage) for passage in passages]
        self._ends = [len(one) for one in texts]
        self.texts = Texts.of([text for one in texts for text in one])

    def find(self, words: str, limit: int, language: str) -> tuple[Match, ...]:
        weights, found = self.evidence(words, language)
        ranked = sorted(
            ((weights.fit(one), at) for at, one in enumerate(found) if any(one)), reverse=True
        )
        chances = weights.chances([fit for fit, _ in ranked])
        if weights is BY_WORDS and self._index.half_known(wording.asked(words)):
            chances = [min(chance, _IN_DOUBT) for chance in chances]
        return tuple(
            Match(self.passages[at], round(chance, 4))
            for (_, at), chance in zip(ranked[:limit], chances, strict=False)
        )

    def evidence(self, words: str, language: str) -> tuple[Weights, list[Evidence]]:
        words = wording.asked(words)
        shared = {at: score for score, at in self._index.rank(words, _BY_WORDS)}
        by_words = [shared.get(at, 0.0) for at in range(len(self.passages))]
        alike = meaning.alike(words, self.texts, language)
        if alike is None:
            return BY_WORDS, [(score,) for score in by_words]
        near = self._nearness(alike)
        return BY_MEANING, [(*one, score) for one, score in zip(near, by_words, strict=True)]

    def _nearness(self, alike: Sequence[float]) -> list[Evidence]:
        found: list[Evidence] = []
        begin = 0
        for count in self._ends:
            answer, whole, *names = alike[begin : begin + count]
            nearest, *others = sorted(names, reverse=True)
            found.append((nearest, others[0] if others else nearest, whole, answer))
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
