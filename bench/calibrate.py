"""Draws the curves of app/ai/knowledge.py from a file of questions, business by business.

Each business is read by curves drawn on the others only: what it prints of answers right, wrong and
refused is therefore to be expected of a business nobody has seen. The curves of all come last.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.ai import knowledge
from bench import encoding, machine, skills
from bench.callers import BadFile, read_jsonl
from config import Settings

Array = NDArray[np.float64]

THRESHOLDS = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
_STEPS = 50
_TAME = 1.0  # as if one more question of each kind had been seen: keeps the curves from extremes


@dataclass(frozen=True, slots=True)
class Seen:
    """One question: how well the best entry fits, how far it is ahead, and whether it answers."""

    business: str
    in_scope: bool
    right: bool
    fit: float
    ahead: float


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench calibrate", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--kb", type=Path, metavar="FAQ_KB")
    parser.add_argument("--no-encoder", action="store_true", help="the curve for words alone")
    arguments = parser.parse_args(argv)
    kb = arguments.kb or arguments.file.with_name("faq_kb.jsonl")
    try:
        with encoding.encoder(not arguments.no_encoder):
            rows = [row for _, row in read_jsonl(arguments.file)]
            bare, full = (list(seen(rows, kb, aliases)) for aliases in (False, True))
    except (BadFile, encoding.NoEncoder, KeyError) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(shown(bare, full))
    return 0


def seen(rows: list[dict[str, Any]], kb: Path, aliases: bool) -> Iterable[Seen]:
    known = skills.entries(kb, with_aliases=aliases)
    for row in rows:
        passages = known[row["business"]]
        _, ranked = knowledge.fits(passages, row["query"])
        (best, at), (second, _) = (*ranked, (0.0, 0), (0.0, 0))[:2]
        good = {row["expected_id"], *(row.get("acceptable_ids") or ())}
        in_scope = row["expected_id"] is not None
        right = in_scope and bool(ranked) and passages[at].id in good
        yield Seen(row["business"], in_scope, right, best, knowledge.bounded(best - second))


def drawn(rows: Iterable[Seen]) -> Array:
    """Logistic regression by Newton's method: base, fit, ahead."""
    listed = list(rows)
    x = np.array([(1.0, one.fit, one.ahead) for one in listed])
    y = np.array([one.right for one in listed], float)
    tame = np.diag([0.0, _TAME, _TAME])
    found = np.zeros(3)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-x @ found))
        slope = x.T @ (y - chance) - tame @ found
        found += np.linalg.solve((x.T * (chance * (1 - chance))) @ x + tame, slope)
    return found


def chances(curve: Array, rows: list[Seen]) -> list[float]:
    read = knowledge.Curve(*curve)
    return [read.chance(one.fit, one.ahead) for one in rows]


def shown(bare: list[Seen], full: list[Seen]) -> str:
    names = list(dict.fromkeys(one.business for one in full))
    parts = []
    for title, rows in (("with other phrasings", full), ("without", bare)):
        read: list[tuple[Seen, float]] = []
        for name in names:
            others = [one for one in bare + full if one.business != name]
            mine = [one for one in rows if one.business == name]
            read += zip(mine, chances(drawn(others), mine), strict=True)
        parts += [title, table(read)]
    curve = ", ".join(f"{value:.2f}" for value in drawn(bare + full))
    return "\n\n".join([*parts, f"Curve({curve})"])


def table(read: list[tuple[Seen, float]]) -> str:
    inside = sum(one.in_scope for one, _ in read) or 1
    outside = sum(not one.in_scope for one, _ in read) or 1
    lines = []
    for least in THRESHOLDS:
        spoken = [one for one, chance in read if chance >= least]
        right = sum(one.right for one in spoken)
        wrong = sum(one.in_scope and not one.right for one in spoken)
        refused = outside - sum(not one.in_scope for one in spoken)
        rates = (right / inside, wrong / inside, refused / outside)
        lines.append((f"{least:.2f}", *(f"{rate:.3f}" for rate in rates)))
    return machine.table(("threshold", "right", "wrong", "refused"), lines)
