"""What the receptionist understands without a model, row by row of a JSONL file, for score.py.

The file may hold questions, requests for departments, spoken values, answers to yes/no questions or
whole calls; its fields tell. Each row goes through what a call uses. Only calls need databases.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import calls, encoding, skills
from bench.callers import BadFile, read_jsonl
from config import Settings

Row = dict[str, Any]


def main(argv: list[str], settings: Settings) -> int:
    arguments = parser().parse_args(argv)
    try:
        rows = list(read_jsonl(arguments.file))
        kind = kind_of(arguments.file, rows)
        if kind == "calls":
            return calls.main(as_calls(arguments), settings)
        with encoding.encoder(not arguments.no_encoder):
            began = time.monotonic()
            found = list(answered(arguments, kind, rows))
            spent = time.monotonic() - began
        write(found, arguments.output)
    except (BadFile, encoding.NoEncoder) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"{kind}: {len(rows)} rows, {1000 * spent / len(rows):.1f} ms a row", file=sys.stderr)
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="run.py bench understand", description=__doc__)
    made.add_argument("file", type=Path, metavar="FILE")
    made.add_argument("--kb", type=Path, metavar="FAQ_KB", help="default: faq_kb.jsonl beside FILE")
    made.add_argument("--no-encoder", action="store_true", help="match by words alone")
    made.add_argument("--no-aliases", action="store_true", help="load no other phrasings")
    made.add_argument(
        "-o", "--output", type=Path, help="write predictions there, not to the screen"
    )
    return made


def as_calls(arguments: argparse.Namespace) -> list[str]:
    """Whole calls are played against the running product: `run.py bench calls`."""
    found = [str(arguments.file)]
    found += ["--kb", str(arguments.kb)] if arguments.kb else []
    found += ["--no-aliases"] if arguments.no_aliases else []
    found += ["--no-encoder"] if arguments.no_encoder else []
    return found + (["-o", str(arguments.output)] if arguments.output else [])


def kind_of(path: Path, rows: list[tuple[int, Row]]) -> str:
    """Raises BadFile for rows of no known form, or of several."""
    if not rows:
        raise BadFile(f"{path} holds no rows.")
    first = ""
    for number, row in rows:
        kind = form(row)
        if not kind:
            raise BadFile(f"{path}:{number}: {skills.FORMS}")
        if kind != (first := first or kind):
            raise BadFile(f"{path}:{number}: the row is one of {kind}, those before of {first}.")
        if not isinstance(row.get("id"), str):
            raise BadFile(f'{path}:{number}: "id" is missing or not a string.')
    return first


def form(row: Row) -> str:
    if isinstance(row.get("business"), dict):
        return "calls"
    if "query" in row:
        return "faq"
    if "utterance" not in row:
        return ""
    if "departments" in row:
        return "routing"
    return "entities" if "type" in row else "yesno"


def answered(
    arguments: argparse.Namespace, kind: str, rows: list[tuple[int, Row]]
) -> Iterator[Row]:
    understand = understanding(arguments, kind)
    for number, row in rows:
        try:
            yield {"id": row["id"]} | understand(row)
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            what = f"{arguments.file}:{number} ({row['id']}): cannot be read: {problem!r}"
            raise BadFile(what) from problem


def understanding(arguments: argparse.Namespace, kind: str) -> Callable[[Row], Row]:
    if kind == "faq":
        kb = arguments.kb or arguments.file.with_name("faq_kb.jsonl")
        return skills.questions(kb, with_aliases=not arguments.no_aliases)
    return {"routing": skills.routing, "entities": skills.entities}.get(kind, skills.yes_or_no)


def write(predictions: list[Row], output: Path | None) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in predictions)
    if output is None:
        sys.stdout.write(lines)
        return
    try:
        output.write_text(lines, encoding="utf-8")
    except OSError as problem:
        raise BadFile(f"{output} cannot be written: {problem.strerror}") from problem
