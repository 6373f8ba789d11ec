"""Flask-AppBuilder's way to the rows of one model, with its leaks closed."""

import copy
from collections.abc import Iterable
from typing import Any

from flask import g, has_request_context
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import defer, selectinload

from app.views.fields import LARGEST
from app.views.filters import FilterConverter, Said
from app.views.refusals import explained

COUNTED = 10_000  # rows; of more it is only known that there are more


class MoreThan(int):
    """A count that ended: rows there are at least. In a page it says so."""

    def __str__(self) -> str:
        return _("more than %(number)s", number=f"{COUNTED:,}")


class Rows(SQLAInterface):
    """Errors come in words, and an id that cannot be one finds nothing."""

    filter_converter_class = FilterConverter

    def __init__(self, obj: type, named: Iterable[str] = ()) -> None:
        super().__init__(obj)
        self.named = tuple(named)

    def get(self, id: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_id(id):
            return None
        return super().get(int(id), *args, **kwargs)

    def apply_all(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Also the rows that a list names beside its own: once for the page, not once a row."""
        query = super().apply_all(query, *args, **kwargs)
        named = [getattr(self.obj, name) for name in self.named]
        return query.options(*(selectinload(name).options(*light(name)) for name in named))

    def query(
        self, filters: Any = None, order_column: str = "", order_direction: str = "",
        page: int | None = None, page_size: int | None = None,
        select_columns: list[str] | None = None, outer_default_load: bool = False,
    ) -> tuple[int, list[Any]]:  # fmt: skip
        """The rows of a page and how many there are in all: see `MoreThan`. A page that is not
        full tells by itself; Flask-AppBuilder counts every row each time, before it reads."""
        query = self.session.query(self.obj)
        found = self.apply_all(
            query, filters, order_column, order_direction, page, page_size, select_columns,
            outer_default_load,
        ).all()  # fmt: skip
        before = (page or 0) * (page_size or 0)
        seen = before + len(found)
        if not page_size or (len(found) < page_size and (found or not before)):
            return seen, found
        count = self.query_count(query, filters)
        if count <= COUNTED:
            return count, found
        # Whoever goes on page by page learns at each that there is another.
        return MoreThan(max(count, seen + (len(found) == page_size))), found

    def query_count(
        self, query: Any, filters: Any = None, select_columns: list[str] | None = None
    ) -> int:
        """No further than COUNTED + 1."""
        ids = self.apply_filters(query, self.get_inner_filters(filters)).with_entities(
            self.get_pk()
        )
        return int(ids.limit(COUNTED + 1).count())

    def get_inner_filters(self, filters: Any) -> Any:
        """All of them, as none is of a column with a dot; what looks at the rows that the others
        leave comes last. (Flask-AppBuilder makes every filter of every column anew for this.)"""
        if filters is None:
            return None
        inner = copy.copy(filters)
        pairs = list(zip(filters.filters, filters.values, strict=True))
        pairs.sort(key=lambda pair: isinstance(pair[0], Said))
        inner.filters, inner.values = [f for f, _v in pairs], [v for _f, v in pairs]
        return inner

    def add(self, item: Any, commit: bool = True) -> None:
        self._change(self.session.add, item, commit)

    def edit(self, item: Any, commit: bool = True) -> None:
        self._change(self.session.merge, item, commit)

    def delete(self, item: Any, commit: bool = True) -> None:
        self._change(self.session.delete, item, commit)

    def _change(self, change: Any, item: Any, commit: bool) -> None:
        with explained(self.obj):
            change(item)
            if commit:
                self.session.commit()
            else:
                self.session.flush()


def light(relation: Any) -> list[Any]:
    """Loads its rows without their JSON, which no list shows and which is most of a call."""
    mapper = relation.property.mapper
    heavy = [column.key for column in mapper.columns if isinstance(column.type, JSONB)]
    return [defer(getattr(mapper.class_, name)) for name in heavy]


def is_id(value: Any) -> bool:
    text = str(value)
    return text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= LARGEST


class FiltersPerRequest:
    """Flask-AppBuilder keeps one mutable Filters per view for the whole process, so that two
    threads mix their searches (upstream #2366). Each request gets its own."""

    @property
    def _filters(self) -> Any:
        shared = self.__dict__.get("_shared_filters")
        if shared is None or not has_request_context():
            return shared
        own = g.setdefault("filters_by_view", {})
        if id(self) not in own:
            own[id(self)] = copy.copy(shared)
            own[id(self)].clear_filters()
        return own[id(self)]

    @_filters.setter
    def _filters(self, value: Any) -> None:
        self.__dict__["_shared_filters"] = value
