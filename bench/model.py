"""Callers of a JSONL file, played against the running product with a real model.

Any server that speaks OpenAI's Chat Completions will do; the key comes from --api-key or
OPENAI_API_KEY. Prints the same table as `bench calls`, then what the model cost and how often its
reply was set aside, and why.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

from app.phone.kept import Kept
from app.phone.rest import RestError
from bench import calls, product
from bench.callers import BadFile, load
from config import Settings

NO_KEY = "A model needs a key: --api-key, or OPENAI_API_KEY. A server of your own takes any word."


def main(argv: list[str], settings: Settings) -> int:
    arguments = parser().parse_args(argv)
    key = arguments.api_key or os.environ.get("OPENAI_API_KEY", "")
    if not key:
        print(NO_KEY, file=sys.stderr)
        return 2
    asked = {"OPENAI_BASE_URL": arguments.base_url, "OPENAI_API_KEY": key,
             "OPENAI_MODEL": arguments.model}  # fmt: skip
    spent = Spent()
    try:
        rows = load(arguments.file, arguments.kb, with_aliases=not arguments.no_aliases)
        with product.running({name: value for name, value in asked.items() if value}) as running:
            results = calls.play_all(rows, running, arguments.jobs, spent.note)
    except (BadFile, RestError, product.NotRunning) as problem:
        print(problem, file=sys.stderr)
        return 2
    calls.report(arguments, rows, results, "model", spent.figures())
    return 1 if any(result.problem or result.lacks for result in results) else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="run.py bench model", description=__doc__)
    made.add_argument("file", type=Path, metavar="FILE", help="calls, as bench calls takes them")
    calls.add_common(made)
    made.add_argument("--base-url", default="", help="of the model's server; default: OpenAI's")
    made.add_argument("--model", default="", help="default: the product's")
    made.add_argument("--api-key", default="", help="default: OPENAI_API_KEY")
    return made


class Spent:
    """What the calls cost, added up at the end; they end in threads, but `append` is atomic."""

    def __init__(self) -> None:
        self._kept: list[Kept] = []

    def note(self, found: Kept) -> None:
        self._kept.append(found)

    def figures(self) -> dict[str, str]:
        count = max(1, len(self._kept))
        tokens = {
            side: sum(int(found.call.get(f"tokens_{side}") or 0) for found in self._kept)
            for side in ("in", "out")
        }
        understood = [
            row.get("evidence") or {}
            for found in self._kept
            for row in found.transcripts
            if (row.get("evidence") or {}).get("tier")
        ]
        by_model = sum(evidence["tier"] == "model" for evidence in understood)
        reasons = Counter(
            evidence["instead_of_model"]
            for evidence in understood
            if "instead_of_model" in evidence
        )
        aside = ", ".join(f"{reason} {times}" for reason, times in reasons.most_common())
        return {
            "tokens per call": f"{tokens['in'] / count:.0f} in, {tokens['out'] / count:.0f} out",
            "turns understood by the model": f"{by_model}/{len(understood)}",
            "replies set aside": aside or "none",
        }
