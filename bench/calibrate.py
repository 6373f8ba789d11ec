"""Draws the weights of app/ai/knowledge.py from files of questions, business by business.

Each business is read by weights drawn on the others only: what it prints of answers right, wrong
and refused is therefore to be expected of a business nobody has seen. Those of all come last.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.ai import knowledge
from bench import encoding, machine, skills
from bench.callers import BadFile, read_jsonl
from config import Settings

Array = NDArray[np.float64]

THRESHOLDS = (0.25, 0.3, 0.35, 0.4, 0.44, 0.46, 0.48, 0.5, 0.55, 0.6, 0.7)
_STEPS, _STRIDE = 40, 2.0  # Newton's steps, and the longest of them: a longer one may never return
_TAME = 0.001  # a little doubt about every weight: keeps them finite where all is clear


@dataclass(frozen=True, slots=True)
class Seen:
    """One question: the evidence for each passage, which one answers it (None: none does), and
    which ones would do."""

    business: str
    evidence: Array
    right: int | None
    good: frozenset[int]

    @property
    def choices(self) -> Array:
        """A row per passage, and one for "none", which only the last weight speaks for."""
        count, kinds = self.evidence.shape
        rows = np.zeros((count + 1, kinds + 1))
        rows[:count, :kinds] = self.evidence
        rows[count, kinds] = 1.0
        return rows


@dataclass(frozen=True, slots=True)
class Read:
    """What comes of a question: the best passage is the right one, would do, and how sure it is."""

    in_scope: bool
    first: bool
    good: bool
    chance: float


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench calibrate", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--kb", type=Path, metavar="FAQ_KB", help="default: beside each FILE")
    parser.add_argument("--no-encoder", action="store_true", help="the weight of words alone")
    arguments = parser.parse_args(argv)
    try:
        with encoding.encoder(not arguments.no_encoder):
            bare, full = (list(everything(arguments, aliases)) for aliases in (False, True))
    except (BadFile, encoding.NoEncoder, KeyError) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(shown(bare, full))
    return 0


def everything(arguments: argparse.Namespace, aliases: bool) -> Iterable[Seen]:
    for file in arguments.files:
        yield from seen(file, arguments.kb or file.with_name("faq_kb.jsonl"), aliases)


def seen(file: Path, kb: Path, aliases: bool) -> Iterable[Seen]:
    known = skills.entries(kb, with_aliases=aliases)
    for _, row in read_jsonl(file):
        passages = known[row["business"]]
        places = {passage.id: at for at, passage in enumerate(passages)}
        _, found = knowledge.evidence(passages, row["query"])
        right = None if row["expected_id"] is None else places[row["expected_id"]]
        good = () if right is None else (row["expected_id"], *(row.get("acceptable_ids") or ()))
        yield Seen(row["business"], np.array(found), right, frozenset(places[one] for one in good))


def drawn(rows: Sequence[Seen]) -> Array:
    """The weight of each kind of evidence, and last that of "none": most likely ones by Newton's
    method, each business having the same say."""
    share = Counter(one.business for one in rows)
    found = np.zeros(rows[0].evidence.shape[1] + 1)
    choices = [one.choices for one in rows]
    for _ in range(_STEPS):
        slope, bend = -_TAME * found, _TAME * np.eye(len(found))
        for one, x in zip(rows, choices, strict=True):
            odds = np.exp(x @ found - (x @ found).max())
            chance = odds / odds.sum()
            mean = chance @ x
            chosen = x[-1 if one.right is None else one.right]
            slope = slope + (chosen - mean) / share[one.business]
            bend = bend + ((x.T * chance) @ x - np.outer(mean, mean)) / share[one.business]
        step = np.linalg.solve(bend, slope)
        found = found + step * min(1.0, _STRIDE / float(np.linalg.norm(step) or 1.0))
    return found


def read(weights: Array, rows: Iterable[Seen]) -> Iterable[Read]:
    scale = knowledge.Weights(float(weights[-1]), tuple(float(weight) for weight in weights[:-1]))
    for one in rows:
        fits = one.evidence @ weights[:-1]
        order = np.argsort(-fits, kind="stable")
        best = int(order[0])
        chance = scale.chances([float(fits[at]) for at in order])[0]
        yield Read(one.right is not None, best == one.right, best in one.good, chance)


def shown(bare: list[Seen], full: list[Seen]) -> str:
    names = list(dict.fromkeys(one.business for one in full))
    unseen = {name: drawn([one for one in bare + full if one.business != name]) for name in names}
    parts = []
    for title, rows in (("with other phrasings", full), ("without", bare)):
        found = [
            one
            for name in names
            for one in read(unseen[name], [row for row in rows if row.business == name])
        ]
        inside = [one for one in found if one.in_scope]
        first = sum(one.first for one in inside) / (len(inside) or 1)
        parts += [f"{title}: right entry first {first:.3f}", table(found)]
    *each, none = drawn(bare + full)
    weights = ", ".join(f"{value:.2f}" for value in each)
    return "\n\n".join([*parts, f"Weights({none:.2f}, ({weights}))"])


def table(found: list[Read]) -> str:
    inside = sum(one.in_scope for one in found) or 1
    outside = sum(not one.in_scope for one in found) or 1
    lines = []
    for least in THRESHOLDS:
        spoken = [one for one in found if one.chance >= least]
        right = sum(one.good for one in spoken)
        wrong = sum(one.in_scope and not one.good for one in spoken)
        refused = outside - sum(not one.in_scope for one in spoken)
        rates = (right / inside, wrong / inside, refused / outside)
        lines.append((f"{least:.2f}", *(f"{rate:.3f}" for rate in rates)))
    return machine.table(("threshold", "right", "wrong", "refused"), lines)
