"""Flask-AppBuilder's way to the rows of one model, with its leaks closed."""

import copy
from typing import Any

from flask import g, has_request_context
from flask_appbuilder.models.sqla.interface import SQLAInterface

from app.views.fields import LARGEST
from app.views.filters import FilterConverter
from app.views.refusals import explained


class Rows(SQLAInterface):
    """Errors come in words, and an id that cannot be one finds nothing."""

    filter_converter_class = FilterConverter

    def get(self, id: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(id).isascii() or not str(id).isdecimal() or int(id) > LARGEST:
            return None
        return super().get(int(id), *args, **kwargs)

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
