"""How a list is narrowed on its page: one search, one-tap chips, and filters chosen from a form.

All of it is in the address, so that a view can be sent to a colleague.
"""

import re
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.widgets import FormWidget
from flask_babel import gettext, ngettext
from sqlalchemy import String, Text, inspect, or_

from app.extensions import db
from app.views import behind, tones, written
from app.views.fields import storable
from app.views.interface import is_id
from app.views.matching import Equal, containing

LONGEST_SEARCH = 80
COUNTED = 10_000  # beyond, nobody needs to know how many exactly


class Containing(BaseFilter):
    """Rows with these words in one of their texts; a telephone number however it is written."""

    arg_name = None

    def __init__(self, columns: tuple[str, ...], datamodel: Any) -> None:
        super().__init__(",".join(columns), datamodel)
        self.columns = columns

    def apply(self, query: Any, value: str) -> Any:
        return query.filter(or_(*containing(self.model, self.columns, value)))


@dataclass(frozen=True, slots=True)
class Chip:
    label: Any
    url: str
    is_on: bool = False


@dataclass(frozen=True, slots=True)
class Chips:
    label: Any
    choices: list[Chip]


class Tools(FormWidget):
    """The tools above a list. Flask-AppBuilder's renders every input twice."""

    template = "appbuilder/general/widgets/search.html"


class Narrowed:
    """Mixed into the pages of an entity."""

    entity: Any
    endpoint: str
    label_columns: dict[str, Any]

    def asked(self) -> str:
        if request.endpoint != f"{self.endpoint}.list":
            return ""
        try:
            return storable(request.args.get("q", "").strip()[:LONGEST_SEARCH])
        except ValueError:
            return ""

    def is_narrowed(self) -> bool:
        return bool(self.asked() or self._filters.values or behind.asked(self))  # type: ignore[attr-defined]

    def searched(self, filters: Any) -> Any:
        """These filters, the search, and the figure that led here."""
        figure = behind.asked(self)
        if not self.asked() and not figure:
            return filters
        found, rows = filters.copy(), self.datamodel  # type: ignore[attr-defined]
        if self.asked():
            found.filters.append(Containing(self._texts(), rows))
            found.values.append(self.asked())
        if figure:
            found.filters.append(behind.Counted(rows))
            found.values.append(figure)
        return found

    def _texts(self) -> tuple[str, ...]:
        columns = inspect(self.entity.model).columns
        names = dict.fromkeys((*self.entity.list_columns, *self.entity.shown))
        return tuple(
            name for name in names
            if name in columns and isinstance(columns[name].type, String | Text)
            and "choices" not in columns[name].info
        )  # fmt: skip

    def chips(self) -> Chips | None:
        """The state of its rows, if they have one."""
        columns = inspect(self.entity.model).columns
        name = next((n for n in ("status", "outcome") if n in self.entity.list_columns), "")
        kind = columns[name].info.get("choices") if name in columns else None
        number = self._equal(name) if kind else None
        if kind is None or number is None:
            return None
        argument = f"_flt_{number}_{name}"
        on = request.args.get(argument)
        every = [Chip(gettext("All"), self._url(argument), on is None)]
        every += [
            Chip(tones.said(kind, value).text, self._url(argument, str(value)), on == str(value))
            for value in kind
        ]
        return Chips(self.label_columns.get(name, name), every)

    def _equal(self, name: str) -> int | None:
        known = self._filters.get_search_filters().get(name, [])  # type: ignore[attr-defined]
        return next((n for n, flt in enumerate(known) if type(flt) is Equal), None)

    def _url(self, argument: str, value: str | None = None) -> str:
        return self._without(argument, **({argument: value} if value else {}))

    def _without(self, *arguments: str, **others: Any) -> str:
        kept: dict[str, Any] = {
            key: values for key, values in request.args.to_dict(flat=False).items()
            if key not in arguments and not key.startswith("page_")
        }  # fmt: skip
        return url_for(f"{self.endpoint}.list", **kept | others)

    def filters_set(self) -> list[tuple[str, int, str]]:
        """Column, number of the operation, value: of each filter in the address."""
        return [(c, n, str(v)) for c, n, v, _argument in self._in_address()]

    def filters_chosen(self) -> list[Chip]:
        """What the chips do not show, each with the address of the list without it."""
        chips = self.chips()
        state = next((n for n in ("status", "outcome") if n in self.entity.list_columns), "")
        figures = [Chip(text, self._without(*names)) for text, names in behind.told(self)]
        return figures + [
            Chip(self._said(column, number, value), self._url(argument))
            for column, number, value, argument in self._in_address()
            if not (chips and column == state and number == self._equal(state))
        ]

    def _in_address(self) -> list[tuple[str, int, str, str]]:
        known = self._filters.get_search_filters()  # type: ignore[attr-defined]
        found = []
        for argument, value in request.args.items(multi=True):
            matched = re.fullmatch(r"_flt_(\d)_(\w+)", argument)
            if matched and len(known.get(matched[2], ())) > int(matched[1]):
                found.append((matched[2], int(matched[1]), value, argument))
        return found

    def _said(self, column: str, number: int, value: str) -> str:
        operation = self._filters.get_search_filters()[column][number].name  # type: ignore[attr-defined]
        label = self.label_columns.get(column, column)
        return f"{label}: {operation} {self._value(column, value)}"

    def _value(self, column: str, value: str) -> Any:
        mapper = inspect(self.entity.model)
        if column in mapper.relationships:
            model = mapper.relationships[column].mapper.class_
            row = db.session.get(model, int(value)) if is_id(value) else None
            return value if row is None else str(row)
        kind = mapper.columns[column].info.get("choices") if column in mapper.columns else None
        return tones.said(kind, value).text if kind else value

    def counted(self, page: int, size: int, count: int) -> str:
        """“1–25 of 285 calls”."""
        first, last = page * size + 1, min((page + 1) * size, count)
        words = self.entity.words
        if count > COUNTED:
            return gettext(
                "%(first)s–%(last)s of more than %(count)s %(many)s", first=written.number(first),
                last=written.number(last), count=written.number(COUNTED), many=words.many,
            )  # fmt: skip
        return ngettext(
            "%(first)s–%(last)s of %(num)s %(one)s", "%(first)s–%(last)s of %(num)s %(many)s",
            count, first=first, last=last, one=words.one, many=words.many,
        )  # fmt: skip
