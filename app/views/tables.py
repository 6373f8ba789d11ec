"""A CSV file as rows of cells, each with the number of its line."""

import csv
import io

from flask_babel import gettext as _

from app.views.sheets import csv_plain

LARGEST_FILE = 1_000_000
MOST_LINES = 5_000
NEEDED = ("question", "answer")
Cells = dict[str, str]


class NotReadable(ValueError):
    """The file as a whole cannot be used."""


def table(content: bytes, known: tuple[str, ...]) -> list[tuple[int, Cells | None]]:
    """Line number and cells by column; None where the line has not as many as the header. The lines
    count as an editor counts them."""
    if len(content) > LARGEST_FILE:
        raise NotReadable(
            _("The file is larger than %(size)s MB. Divide it.", size=LARGEST_FILE // 1_000_000)
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadable(_("The file is not UTF-8: save it as “CSV UTF-8”.")) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, Cells | None]] = []
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, known)
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((begins, _by_column(header, cells)))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise NotReadable(
            _("Line %(line)s is not CSV: %(error)s.", line=reader.line_num, error=error)
        ) from None
    if len(found) > MOST_LINES:
        raise NotReadable(
            _("The file has more than %(most)s lines. Divide it.", most=f"{MOST_LINES:,}")
        )
    if not found:
        raise NotReadable(_("The file has no line below its header."))
    return found


def _check_header(header: list[str], known: tuple[str, ...]) -> None:
    if missing := [name for name in NEEDED if name not in header]:
        raise NotReadable(
            _(
                "The first line must name the columns; not found: %(names)s.",
                names=", ".join(missing),
            )
        )
    if unknown := [name for name in header if name not in known]:
        raise NotReadable(
            _(
                "Not a column: “%(name)s”. Known are: %(known)s.",
                name=unknown[0][:40],
                known=", ".join(known),
            )
        )
    if len(set(header)) < len(header):
        raise NotReadable(_("A column is named twice."))


def _by_column(header: list[str], cells: list[str]) -> Cells | None:
    """An empty cell says nothing of its column."""
    if len(cells) != len(header):
        return None
    plain = (csv_plain(cell).strip() for cell in cells)
    return {name: cell for name, cell in zip(header, plain, strict=True) if cell}
