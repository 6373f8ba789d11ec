"""Callers of a JSONL file, played against the running product.

Each business is set up through REST and called over HTTP with the offline interpreter. The caller
never reads what a row expects; that is only printed beside what came of it.
"""

import argparse
import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.phone import CallDropped, How, Line
from app.phone import kept as kept_rows
from app.phone.business import Installed, install
from app.phone.checks import incomplete
from app.phone.conversation import Played, play
from app.phone.kept import Kept, id_of
from app.phone.rest import Rest, RestError
from bench import machine, product
from bench.callers import BadFile, Row, load
from bench.scoring import OUTCOMES, Result, shown, summary, whole
from config import Settings

CALLERS = "+1917555{:04}"
FIRST_CALLER = 100  # 555-0100 to 555-0199 belong to nobody


def main(argv: list[str], settings: Settings) -> int:
    arguments = parser().parse_args(argv)
    try:
        rows = load(arguments.file, arguments.kb, with_aliases=not arguments.no_aliases)
        with chosen_product(arguments) as running:
            results = play_all(rows, running, arguments.jobs)
    except (BadFile, RestError, product.NotRunning) as problem:
        print(problem, file=sys.stderr)
        return 2
    report(arguments, rows, results)
    return 1 if any(result.problem or result.lacks for result in results) else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="run.py bench calls", description=__doc__)
    made.add_argument("file", type=Path, metavar="FILE")
    add_common(made)
    made.add_argument("--base-url", help="a running product instead of one of our own")
    made.add_argument("--no-encoder", action="store_true", help="match by words alone (ours only)")
    made.add_argument("--admin-user")
    made.add_argument("--admin-password")
    return made


def add_common(made: argparse.ArgumentParser) -> None:
    made.add_argument("--kb", type=Path, metavar="FAQ_KB", help="default: faq_kb.jsonl beside FILE")
    made.add_argument("--no-aliases", action="store_true", help="load no other phrasings")
    made.add_argument("-o", "--output", type=Path, help="write predictions for score.py")
    made.add_argument("--jobs", type=int, default=4, help="calls at a time (default 4)")
    made.add_argument("--json", action="store_true", help="print the result as JSON")
    made.add_argument("--words", action="store_true", help="print what was said on the wrong ones")
    made.add_argument("--save", action="store_true", help="keep the result in bench/results")


@contextlib.contextmanager
def chosen_product(arguments: argparse.Namespace) -> Iterator[product.Product]:
    if arguments.base_url:
        user, password = arguments.admin_user or "", arguments.admin_password or ""
        yield product.Product(arguments.base_url, user, password)
        return
    with product.running({"ENCODER": "false"} if arguments.no_encoder else None) as ours:
        yield ours


Note = Callable[[Kept], None]


def unnoted(found: Kept) -> None:
    pass


def play_all(
    rows: list[Row], running: product.Product, jobs: int, note: Note = unnoted
) -> list[Result]:
    """`note` is told what the product kept of each call."""
    rest = running.log_in()
    places: dict[str, Installed] = {}
    for row in rows:
        if (key := repr(row.business)) not in places:
            places[key] = install(rest, row.business)
    if not running.has_learnt():
        print("Entries are still being learnt: some are matched by words.", file=sys.stderr)
    progress = Progress(len(rows))

    def one(numbered: tuple[int, Row]) -> Result:
        number, row = numbered
        who = places[repr(row.business)]
        tenant = rest.acting_for(who.tenant_id)
        result = play_one(row, who, tenant, running.base_url, number, note)
        progress.step()
        return result

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        return list(pool.map(one, enumerate(rows)))


class Progress:
    def __init__(self, total: int) -> None:
        self.total, self.done, self.lock = total, 0, threading.Lock()

    def step(self) -> None:
        with self.lock:
            self.done += 1
            if sys.stderr.isatty():
                end = "\n" if self.done == self.total else ""
                print(f"\r{self.done} of {self.total} calls", end=end, file=sys.stderr, flush=True)


def play_one(
    row: Row, who: Installed, rest: Rest, base_url: str, number: int, note: Note = unnoted
) -> Result:
    line = Line(
        base_url,
        who.account_sid,
        who.auth_token,
        called=who.number,
        caller=CALLERS.format(FIRST_CALLER + number % 100),
        transfer_result=row.transfer,
    )
    played, problem = None, ""
    try:
        played = play(line, row.caller())
    except CallDropped as dropped:
        problem = dropped.reason
    try:
        found = kept_rows.of_call(rest, line.call_sid)
    except RestError as error:
        return Result(row.id, "failed", problem=problem or str(error))
    note(found)
    return result_of(row, who, played, found, problem or "; ".join(line.warnings))


def result_of(row: Row, who: Installed, played: Played | None, found: Kept, problem: str) -> Result:
    turns = played.turns if played else ()
    outcome = found.outcome if found.outcome in OUTCOMES else "failed"
    return Result(
        id=row.id,
        outcome=str(outcome),
        department=department_of(found, who),
        faq_ids=tuple(who.entries[i] for i in found.entries if i in who.entries),
        lead=lead_of(found),
        turns=len([turn for turn in turns if turn.how != How.CALLER]),
        seconds=round(sum(turn.seconds for turn in turns), 3),
        slowest=round(max((f.seconds for turn in turns for f in turn.fetches), default=0.0), 3),
        fillers=sum(turn.fillers for turn in turns),
        problem=problem,
        lacks=tuple(incomplete(played, found)) if played else (),
        words=tuple(f"{line['speaker']}: {line['text']}" for line in found.transcripts),
    )


def department_of(found: Kept, who: Installed) -> str | None:
    """Of the transfer that was answered, else of the first one tried."""
    answered = [row for row in found.transfers if row.get("status") == "answered"]
    tried = [*answered, *found.transfers]
    return who.departments.get(id_of(tried[0].get("department")) or 0) if tried else None


def lead_of(found: Kept) -> dict[str, str] | None:
    if not found.leads:
        return None
    lead = found.leads[-1]
    return {name: lead.get(name) or "" for name in ("name", "phone", "reason")}


def report(
    arguments: argparse.Namespace,
    rows: list[Row],
    results: list[Result],
    name: str = "calls",
    more: Mapping[str, str] | None = None,
) -> None:
    """`more` are figures besides those of the calls."""
    figures = summary(rows, results) | dict(more or {})
    result: dict[str, Any] = {
        "bench": name,
        "file": str(arguments.file),
        "where": machine.facts(),
        "summary": figures,
        "calls": [asdict(r) | {"whole": whole(w, r)} for w, r in zip(rows, results, strict=True)],
    }
    if arguments.output:
        lines = [json.dumps(r.prediction(), ensure_ascii=False) + "\n" for r in results]
        arguments.output.write_text("".join(lines), encoding="utf-8")
    print(json.dumps(result, ensure_ascii=False, indent=1) if arguments.json
          else shown(rows, results, arguments.words, figures, result["where"]))  # fmt: skip
    if arguments.save:
        print(f"Saved as {machine.save(name, result)}", file=sys.stderr)
