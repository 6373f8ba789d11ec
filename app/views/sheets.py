"""Lists as CSV for spreadsheets, and what a spreadsheet sends back.

A cell that begins like a formula would be run by whoever opens the file, and callers choose what is
in it: `csv_safe` puts an apostrophe before it (OWASP ASVS 1.2.10), `csv_plain` takes it off again.
Telephone numbers begin with +, so they have the apostrophe, too.
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from flask import Response, current_app
from sqlalchemy import inspect
from sqlalchemy.orm import Query, joinedload, load_only

from app import replica
from app.extensions import db
from app.tenancy import Scope, across_tenants, acting_for, current_scope
from app.views.interface import light

MOST_ROWS = 50_000
_CHUNK = 500
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n\0＝＋－＠]")  # noqa: RUF001 the full-width forms count, too


def csv_safe(value: Any) -> str:
    """One cell. Numbers stay numbers; text never begins like a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case Enum():
            return str(value.value)
        case list():
            value = "\n".join(map(str, value))
    text = str(value).replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) else text


def csv_plain(text: str) -> str:
    """What `csv_safe` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def sheet(query: Query[Any], columns: tuple[str, ...], name: str) -> Response:
    """The rows of a query as a file, sent while they are read: on a connection and in a scope of
    its own, because those of the request end before the file does."""
    model = query.column_descriptions[0]["entity"]
    mapper = inspect(model)
    relations = [getattr(model, name) for name in columns if name in mapper.relationships]
    plain = [getattr(model, name) for name in columns if name in mapper.columns]
    query = query.options(
        load_only(*plain),
        *(joinedload(relation).options(*light(relation)) for relation in relations),
    )
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    lines = _lines(app, current_scope(), query.limit(MOST_ROWS), columns)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(lines, mimetype="text/csv; charset=utf-8", headers=headers)


def _lines(app: Any, scope: Scope, query: Query[Any], columns: tuple[str, ...]) -> Iterator[str]:
    yield "\ufeff" + line(columns)  # the mark tells Excel that it is UTF-8
    entered = acting_for(scope) if isinstance(scope, int) else across_tenants()
    with app.app_context(), entered, replica.reading():
        found = db.session.scalars(query.statement, execution_options={"yield_per": _CHUNK})
        for n, row in enumerate(found, 1):
            yield line(getattr(row, column) for column in columns)
            if n == MOST_ROWS:
                yield line([f"No more than {MOST_ROWS:,} rows fit: narrow the search."])


def line(cells: Any) -> str:
    """As RFC 4180 has it, each cell made safe: the one way a cell gets into a file."""
    written = io.StringIO()
    csv.writer(written).writerow([csv_safe(cell) for cell in cells])
    return written.getvalue()
