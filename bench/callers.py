"""Reads files of callers: a business, what one of its callers says, and what is expected."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.phone import TransferResult
from app.phone.business import ALWAYS, NEVER, Business, Department, Entry
from app.phone.conversation import Caller
from app.phone.leg import Heard
from app.phone.script import Step


class BadFile(Exception):
    """The file cannot be played; the message says which line and why."""


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    business: Business
    transfer: TransferResult
    opening: str
    turns: tuple[str, ...]
    on_ask: dict[str, str]
    expected: dict[str, Any]

    @property
    def by_slot(self) -> bool:
        return "name" in self.on_ask

    def caller(self) -> Caller:
        """By slot: the opening, then what is asked; else the turns in order. Who runs out of
        words stays silent, so that the product has to end the call, and in the end hangs up."""
        if self.by_slot:
            opening = (Step(Heard(words=self.opening)),)
            return Caller(opening, self.on_ask, opening=self.opening, patience=4)
        return Caller(tuple(Step(Heard(words=words)) for words in self.turns))


def load(path: Path, kb: Path | None = None, with_aliases: bool = True) -> list[Row]:
    """Raises BadFile. The knowledge file is read only when a row refers to one."""
    found = list(read_jsonl(path))
    names = {row["business"].get("kb_ref") for _, row in found if "business" in row} - {None}
    knowledge = load_knowledge(kb or path.with_name("faq_kb.jsonl"), with_aliases) if names else {}
    rows = []
    for number, data in found:
        try:
            rows.append(read_row(data, knowledge))
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise BadFile(f"{path}:{number}: cannot be played: {problem!r}") from problem
    if not rows:
        raise BadFile(f"{path} holds no calls.")
    return rows


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFile(f"{path} cannot be read: {problem}") from problem
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as problem:
                raise BadFile(f"{path}:{number}: not JSON: {problem}") from problem
            if not isinstance(row, dict):
                raise BadFile(f"{path}:{number}: not a JSON object")
            yield number, row


def load_knowledge(path: Path, with_aliases: bool) -> dict[str, tuple[Entry, ...]]:
    try:
        return {
            row["business"]: tuple(
                Entry(
                    entry["id"],
                    entry["question"],
                    entry["answer"],
                    tuple(entry.get("aliases") or ()) if with_aliases else (),
                )
                for entry in row["kb"]
            )
            for _, row in read_jsonl(path)
        }
    except (KeyError, TypeError) as problem:
        raise BadFile(f"{path} is no knowledge file: {problem!r}") from problem


def read_row(data: dict[str, Any], knowledge: dict[str, tuple[Entry, ...]]) -> Row:
    given, turns = data["business"], tuple(data.get("turns") or ())
    kb_ref = given.get("kb_ref")
    if kb_ref is not None and kb_ref not in knowledge:
        raise ValueError(f"no knowledge of {kb_ref!r}")
    business = Business(
        name=words_of(given["name"]),
        departments=tuple(
            Department(d["id"], words_of(d.get("name") or d["id"]), d.get("description", ""))
            for d in given.get("departments") or ()
        ),
        entries=knowledge[kb_ref] if kb_ref is not None else (),
        hours=hours_of(given),
        timezone=given.get("timezone", "America/New_York"),
    )
    return Row(
        id=data["id"],
        business=business,
        transfer=TransferResult(given.get("transfer_result") or TransferResult.ANSWERED),
        opening=data.get("opening") or (turns[0] if turns else ""),
        turns=turns,
        on_ask=data.get("on_ask") or {},
        expected=data.get("expected") or {},
    )


def words_of(identifier: str) -> str:
    """`table_reservations` as an administrator would name it."""
    spaced = identifier.replace("_", " ")
    return spaced if spaced != spaced.lower() else spaced.capitalize()


def hours_of(business: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Round the clock, unless the row says otherwise: `open` false, or `hours` as closed, never,
    always, or rows of weekday, opens and closes."""
    hours = business.get("hours", "always" if business.get("open", True) else "never")
    if isinstance(hours, list):
        return tuple({key: row[key] for key in ("weekday", "opens", "closes")} for row in hours)
    return {"always": ALWAYS, "never": NEVER, "closed": NEVER}[hours or "closed"]
