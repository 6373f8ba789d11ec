"""Flask-AppBuilder's way to the rows of one model, with its leaks closed."""

import copy
from collections.abc import Iterable
from typing import Any

from flask import g, has_request_context
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy.orm import selectinload

from app.views.fields import LARGEST
from app.views.filters import FilterConverter
from app.views.refusals import explained


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
        return query.options(*(selectinload(getattr(self.obj, name)) for name in self.named))

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
