"""Lines of a spreadsheet beside the answers there are: new, changed, the same, or refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from marshmallow import ValidationError

from app.models import EntryStatus, KnowledgeEntry
from app.views import rules
from app.views.tables import Cells


class Kind(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Line:
    """`number` as an editor counts; `values` are what the file says, `changes` what of it differs
    from `entry`; `refused` says why the line is left out."""

    number: int
    kind: Kind
    question: str
    values: dict[str, Any]
    entry: KnowledgeEntry | None = None
    changes: tuple[Change, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Of all that is done with it, and of the very entry that it is done to."""
        where = (self.entry.id, self.entry.version) if self.entry else ()
        return repr((self.number, str(self.kind), sorted(self.values.items()), where))


def compared(
    lines: Iterable[tuple[int, Cells | None]], schema: Any, entries: Iterable[KnowledgeEntry]
) -> list[Line]:
    known = {folded(entry.question): entry for entry in entries}
    first: dict[str, int] = {}
    return [_line(number, cells, schema, known, first) for number, cells in lines]


def folded(question: str) -> str:
    """An entry that asks the same is the same."""
    return " ".join(question.casefold().split())


def _line(
    number: int,
    cells: Cells | None,
    schema: Any,
    known: dict[str, KnowledgeEntry],
    first: dict[str, int],
) -> Line:
    if cells is None:
        text = _("It has not as many cells as the header. Are there commas without quotes?")
        return Line(number, Kind.REFUSED, "", {}, refused=(text,))
    values: dict[str, Any] = dict(cells)
    if "alternates" in cells:
        values["alternates"] = [one.strip() for one in cells["alternates"].splitlines()]
    question = cells.get("question", "")
    try:
        row = schema.load(values)
    except ValidationError as error:
        return Line(number, Kind.REFUSED, question, {}, refused=_said(error.messages))
    before = first.setdefault(folded(row["question"]), number)
    if before != number:
        text = _("It repeats the question of line %(line)s.", line=before)
        return Line(number, Kind.REFUSED, question, {}, refused=(text,))
    entry = known.get(folded(row["question"]))
    if problem := _unfilled(row, entry):
        return Line(number, Kind.REFUSED, question, {}, refused=(problem,))
    if entry is None:
        return Line(number, Kind.NEW, question, row)
    changes = tuple(
        Change(column, getattr(entry, column), value)
        for column, value in row.items()
        if getattr(entry, column) != value
    )
    return Line(number, Kind.CHANGED if changes else Kind.SAME, question, row, entry, changes)


def _unfilled(row: dict[str, Any], entry: KnowledgeEntry | None) -> str:
    """By the entity's rule, of what the entry would be."""
    before = {} if entry is None else {"status": entry.status, "answer": entry.answer}
    after = {"status": EntryStatus.LIVE, "answer": ""} | before | row
    return rules.unfilled(after["status"], row["question"], after["answer"])


def _said(messages: Any) -> tuple[str, ...]:
    """One sentence for each column at fault."""
    return tuple(f"{column}: {_first(of_column)}" for column, of_column in messages.items())


def _first(messages: Any) -> str:
    while not isinstance(messages, str):
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
    return messages
