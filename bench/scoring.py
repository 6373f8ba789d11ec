"""What came of a call beside what its row expects."""

import re
from dataclasses import dataclass, field
from typing import Any

from bench import machine
from bench.callers import Row

OUTCOMES = ("lead", "transferred", "answered", "abandoned", "blocked", "failed")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one call; `problem` is why it was not played to its end, `lacks` what a
    finished call should have and this one has not."""

    id: str
    outcome: str
    department: str | None = None
    faq_ids: tuple[str, ...] = ()
    lead: dict[str, str] | None = None
    turns: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    fillers: int = 0
    problem: str = ""
    lacks: tuple[str, ...] = ()
    words: tuple[str, ...] = field(default=(), repr=False)

    def prediction(self) -> dict[str, Any]:
        """As score.py reads it."""
        found: dict[str, Any] = {"id": self.id, "outcome": self.outcome}
        if self.department is not None:
            found["department"] = self.department
        if self.faq_ids:
            found["faq_ids"] = list(self.faq_ids)
        return found | ({"lead": self.lead} if self.lead else {})


def shown(
    rows: list[Row],
    results: list[Result],
    words: bool,
    figures: dict[str, str],
    where: dict[str, Any],
) -> str:
    head = ("id", "expected", "got", "details", "turns", "seconds", "slowest", "")
    body, notes = [], []
    order = sorted(zip(rows, results, strict=True), key=lambda pair: _rank(pair[0]))
    for row, r in order:
        mark = "ok" if whole(row, r) else "WRONG" if row.expected else ""
        body.append((r.id, row.expected.get("outcome", "-"), r.outcome, details(row, r),
                     r.turns, f"{r.seconds:.2f}", f"{r.slowest:.2f}", mark))  # fmt: skip
        notes += [f"{r.id}: {note}" for note in (*r.lacks, r.problem) if note]
        if words and mark == "WRONG":
            notes += ["", f"{r.id}, expected {row.expected}", *(f"  {line}" for line in r.words)]
    counts = [f"{name}: {value}" for name, value in figures.items()]
    parts = [machine.table(head, body), "", *counts, "", machine.show(where)]
    return "\n".join([*parts, *(["", *notes] if notes else [])])


def _rank(row: Row) -> int:
    outcome = row.expected.get("outcome", "")
    return OUTCOMES.index(outcome) if outcome in OUTCOMES else len(OUTCOMES)


def summary(rows: list[Row], results: list[Result]) -> dict[str, str]:
    """By score.py's rules, outcome by outcome."""
    pairs = list(zip(rows, results, strict=True))
    found = {}
    for outcome in OUTCOMES:
        mine = [(w, r) for w, r in pairs if w.expected.get("outcome") == outcome]
        if mine:
            right = sum(r.outcome == outcome for _, r in mine)
            found[outcome] = (
                f"{right}/{len(mine)} ended so, {_wholes(mine)}/{len(mine)} wholly right"
            )
    leads = [(w, r) for w, r in pairs if w.expected.get("lead")]
    rights = [lead_rights(w, r) for w, r in leads]
    for name in rights[0] if rights else ():
        found[f"lead's {name}"] = f"{sum(right[name] for right in rights)}/{len(leads)} right"
    found["all"] = f"{_wholes(pairs)}/{len(pairs)} wholly right"
    complete = sum(not r.problem and not r.lacks for r in results)
    found["complete"] = f"{complete}/{len(results)} ended, with full transcript and jobs"
    return found


def _wholes(pairs: list[tuple[Row, Result]]) -> int:
    return sum(whole(row, result) for row, result in pairs)


def details(row: Row, result: Result) -> str:
    match row.expected.get("outcome"):
        case "lead":
            rights = lead_rights(row, result).items()
            return ", ".join(f"{name} {'ok' if right else 'WRONG'}" for name, right in rights)
        case "transferred":
            return f"{result.department or '-'} for {row.expected.get('department', '-')}"
        case "answered":
            missing = set(row.expected.get("faq_ids") or ()) - set(result.faq_ids)
            told = len(result.faq_ids)
            return f"{told} told" + (f", missing {', '.join(sorted(missing))}" if missing else "")
    return ""


def whole(row: Row, result: Result) -> bool:
    """Outcome and its details; a lead's reason is not counted."""
    if result.outcome != row.expected.get("outcome"):
        return False
    match result.outcome:
        case "lead":
            rights = lead_rights(row, result)
            return rights["name"] and rights["phone"]
        case "transferred":
            return result.department == row.expected.get("department")
        case "answered":
            return set(row.expected.get("faq_ids") or ()) <= set(result.faq_ids)
    return True


def lead_rights(row: Row, result: Result) -> dict[str, bool]:
    want, got = row.expected.get("lead") or {}, result.lead or {}
    digits = re.sub(r"\D", "", got.get("phone", ""))
    reason = _folded(got.get("reason"))
    phone = want.get("phone_digits", "")
    return {
        "name": _folded(got.get("name")) == _folded(want.get("name")),
        "phone": digits in (phone, "1" + phone),
        "reason": all(_folded(word) in reason for word in want.get("reason_contains") or ()),
    }


def _folded(text: str | None) -> str:
    return re.sub(r"[^a-z0-9]", "", (text or "").casefold())
