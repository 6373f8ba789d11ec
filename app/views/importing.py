"""Knowledge from a spreadsheet: every line is well, or nothing is saved."""

import csv
import io
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from marshmallow import ValidationError
from sqlalchemy import select

from app.extensions import db
from app.models import KnowledgeEntry
from app.views.fields import Schemas
from app.views.refusals import explained
from app.views.sheets import csv_plain

LARGEST_FILE = 2_000_000
MOST_LINES = 5_000
MOST_ERRORS = 50
NEEDED = ("question", "answer")


class NotReadable(ValueError):
    """The file as a whole cannot be used."""


class KnowledgeImport:
    """A page with a form for the file."""

    @expose("/import", methods=["GET", "POST"])
    @has_access
    @permission_name("write")
    def importing(self) -> Any:
        self._need_tenant()  # type: ignore[attr-defined]
        errors: list[str] = []
        if request.method == "POST":
            upload = request.files.get("file") or abort(400)
            errors = self._read(upload.read(LARGEST_FILE + 1))
            if not errors:
                return redirect(url_for(f"{self.endpoint}.list"))  # type: ignore[attr-defined]
        return self.render_template(  # type: ignore[attr-defined]
            "entity/import.html",
            errors=errors,
            columns=self.entity.exported,  # type: ignore[attr-defined]
        )

    def _read(self, content: bytes) -> list[str]:
        entity = self.entity  # type: ignore[attr-defined]
        schema = Schemas(self.datamodel, entity.special, entity.checks, {}).convert(  # type: ignore[attr-defined]
            list(entity.form_columns)
        )
        try:
            lines = table(content, entity.form_columns)
        except NotReadable as error:
            return [str(error)]
        rows, errors = _checked(lines, schema)
        if errors:
            return errors[:MOST_ERRORS] + ["…"] * (len(errors) > MOST_ERRORS)
        with explained(KnowledgeEntry):
            added, changed = _save(rows)
        flash(f"{added} added, {changed} updated.", "success")
        return []


def table(content: bytes, known: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells by column. The lines count as an editor counts them."""
    if len(content) > LARGEST_FILE:
        raise NotReadable(f"The file is larger than {LARGEST_FILE // 1_000_000} MB. Divide it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadable("The file is not UTF-8: save it as “CSV UTF-8”.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found = []
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, known)
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((begins, _by_column(header, cells, begins)))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise NotReadable(f"Line {reader.line_num} is not CSV: {error}.") from None
    if len(found) > MOST_LINES:
        raise NotReadable(f"The file has more than {MOST_LINES:,} lines. Divide it.")
    if not found:
        raise NotReadable("The file has no line below its header.")
    return found


def _check_header(header: list[str], known: tuple[str, ...]) -> None:
    if missing := [name for name in NEEDED if name not in header]:
        raise NotReadable(f"The first line must name the columns; not found: {', '.join(missing)}.")
    if unknown := [name for name in header if name not in known]:
        raise NotReadable(f"Not a column: “{unknown[0][:40]}”. Known are: {', '.join(known)}.")
    if len(set(header)) < len(header):
        raise NotReadable("A column is named twice.")


def _by_column(header: list[str], cells: list[str], begins: int) -> dict[str, str]:
    if len(cells) != len(header):
        raise NotReadable(f"Line {begins} has {len(cells)} cells; the header has {len(header)}.")
    plain = (csv_plain(cell).strip() for cell in cells)
    return {name: cell for name, cell in zip(header, plain, strict=True) if cell}


def _checked(
    lines: list[tuple[int, dict[str, str]]], schema: Any
) -> tuple[list[dict[str, Any]], list[str]]:
    rows, errors, seen = [], [], dict[str, int]()
    for begins, cells in lines:
        values: dict[str, Any] = dict(cells)
        if "alternates" in cells:
            values["alternates"] = [one.strip() for one in cells["alternates"].splitlines()]
        try:
            row = schema.load(values)
        except ValidationError as error:
            errors += [f"Line {begins}: {said}" for said in _said(error.messages)]
            continue
        first = seen.setdefault(folded(row["question"]), begins)
        if first != begins:
            errors.append(f"Line {begins}: repeats the question of line {first}.")
        rows.append(row)
    return rows, errors


def _said(messages: Any) -> list[str]:
    """One sentence for each column at fault."""
    return [f"{column}: {_first(of_column)}" for column, of_column in messages.items()]


def _first(messages: Any) -> str:
    while not isinstance(messages, str):
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
    return messages


def folded(question: str) -> str:
    return " ".join(question.casefold().split())


def _save(rows: list[dict[str, Any]]) -> tuple[int, int]:
    """An entry that asks the same is updated by what the file says of it."""
    known = {folded(entry.question): entry for entry in db.session.scalars(select(KnowledgeEntry))}
    changed = 0
    for row in rows:
        entry = known.get(folded(row["question"]))
        if entry is None:
            db.session.add(KnowledgeEntry(**row))
            continue
        changed += 1
        for column, value in row.items():
            setattr(entry, column, value)
    db.session.commit()
    return len(rows) - changed, changed
