"""The base of every entity's HTML pages: list, show, add, edit, delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import abort, current_app, redirect, request, url_for
from flask_appbuilder import ModelView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.urltools import get_filter_args, get_order_args
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Text, inspect, select
from sqlalchemy.exc import DataError

from app.extensions import db
from app.tenancy import PLATFORM, current_scope
from app.views import sheets, written
from app.views.filters import SameRecord
from app.views.interface import FiltersPerRequest, is_id
from app.views.matching import LISTED
from app.views.narrowing import Narrowed, Tools
from app.views.saving import SavesRows
from app.views.words import Words
from app.views.written import PHONES

if TYPE_CHECKING:
    from app.views.entity import Entity

LARGEST_PAGE = 100
RELATED = 10  # rows shown below the one they belong to


@dataclass(frozen=True, slots=True)
class Related:
    title: Any
    html: Markup


class EntityPage(Narrowed, SavesRows, FiltersPerRequest, ModelView):
    entity: "Entity"

    @property
    def list_columns(self) -> list[str]:
        """Across tenants, whose row it is comes first."""
        columns = list(self.entity.list_columns)
        across = self.entity.is_owned and current_scope() is PLATFORM
        return ["tenant_id", *columns] if across else columns

    @list_columns.setter
    def list_columns(self, value: list[str]) -> None:
        """Flask-AppBuilder fills in what is not set; ours always is."""

    search_widget = Tools

    @property
    def words(self) -> Words:
        return self.entity.words

    def title_of(self, item: Any) -> str:
        """What a row is called: by itself, else by its kind and number."""
        name = self.entity.titled(item)
        return f"{str(self.words.one).capitalize()} {item.id}" if name[:1] in ("", "<") else name

    def cell_class(self, column: str) -> str:
        """Where a phone's card has this cell."""
        if column in ("status", "outcome"):
            return "state"
        columns = inspect(self.entity.model).columns
        plain = column in PHONES or (column in columns and isinstance(columns[column].type, Text))
        return "bare-cell" if plain else ""

    @expose("/csv", methods=["GET"])
    @has_access
    @permission_name("read")
    def sheet(self) -> Any:
        """The list as it is filtered and ordered, all pages of it."""
        with self._reading_arguments():
            query = self._as_filtered()
            query.limit(1).all()  # what cannot be compared fails here, before the file begins
        return sheets.sheet(query, self.entity.sheet, self.entity.resource)

    def _as_filtered(self) -> Any:
        model = self.datamodel.obj
        get_filter_args(self._filters)
        order, direction = get_order_args().get(type(self).__name__, self.base_order)
        if order not in self.order_columns:
            order, direction = self.base_order
        column = getattr(model, order)
        filters = self.datamodel.get_inner_filters(self.searched(self._filters))
        query = filters.apply_all(db.session.query(model))
        return query.order_by(column.desc() if direction == "desc" else column, model.id)

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.list_template:
            asked = request.query_string.decode("ascii", "replace")
            context["sheet_url"] = url_for(f"{self.endpoint}.sheet") + (asked and f"?{asked}")
            if hasattr(self, "importing") and self.appbuilder.sm.has_access(
                "can_write", self.class_permission_name
            ):
                context["import_url"] = url_for(f"{self.endpoint}.importing")
        return super().render_template(template, **context)

    @contextmanager
    def _reading_arguments(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, IndexError, KeyError, TypeError, DataError) as error:
            # Without its trace: the error quotes the argument.
            kind = type(error).__name__
            current_app.logger.info("a list's arguments could not be read", extra={"error": kind})
            abort(400)

    @expose("/download/<string:filename>")
    @has_access
    def download(self, filename: str) -> Any:
        abort(404)  # Flask-AppBuilder's serves any file of UPLOAD_FOLDER

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Any:
        return self._allowed_action(name).func(self._visible([pk])[0])

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        chosen = self._allowed_action(request.form.get("action", ""))
        return chosen.func(self._visible(request.form.getlist("rowid")))

    def _allowed_action(self, name: str) -> Any:
        """Asked first: Flask-AppBuilder reads the rows before anybody is proven."""
        if not current_user.is_authenticated:
            abort(redirect(self.appbuilder.get_url_for_login))
        if name not in self.actions:
            abort(404)
        permission = self.get_action_permission_name(name)
        if not self.appbuilder.sm.has_access(permission, self.class_permission_name):
            abort(403)
        return self.actions[name]

    def _visible(self, pks: list[str]) -> list[Any]:
        """All of these rows, by one statement; one that is not to be seen makes it 404."""
        if not pks or len(pks) > LARGEST_PAGE or not all(map(is_id, pks)):
            abort(404)
        model, wanted = self.datamodel.obj, set(map(int, pks))
        found = db.session.scalars(select(model).where(model.id.in_(wanted))).all()
        if len(found) < len(wanted):
            abort(404)
        return list(found)

    def _list(self) -> Any:
        with self._reading_arguments():
            return super()._list()

    def _get_list_widget(
        self, filters: Any, actions: Any = None, order_column: str = "", order_direction: str = "",
        page: int | None = None, page_size: int | None = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        if order_column and order_column not in self.order_columns:
            order_column = order_direction = ""
        widgets = super()._get_list_widget(
            filters=self.searched(filters), actions=actions, order_column=order_column,
            order_direction=order_direction, page=max(page or 0, 0),
            page_size=max(1, min(page_size or self.page_size, LARGEST_PAGE)), view=self, **kwargs,
        )  # fmt: skip
        shown = widgets["list"].template_args
        shown["value_columns"] = rows = list(shown["value_columns"])
        written.remember_tenants({row["tenant_id"] for row in rows if row.get("tenant_id")})
        return widgets

    def _get_search_widget(
        self, form: Any = None, exclude_cols: Any = None, widgets: Any = None
    ) -> Any:
        known = self._filters.get_search_filters()
        widgets["search"] = self.search_widget(
            form=form, view=self,
            include_cols=[name for name in self.search_columns if name in known],
            search_filters={
                name: [flt.name for flt in known[name] if flt.arg_name not in LISTED]
                for name in known
            },
        )  # fmt: skip
        return widgets

    def _get_show_widget(self, pk: Any, item: Any, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_show_widget(pk, item, *args, **kwargs)
        found["show"].template_args.update(view=self, item=item)
        return found

    def related_lists(self, item: Any) -> list[Related]:
        """The first rows that belong to this one, of each kind that whoever asks may read."""
        pages = {type(view).__name__: view for view in self.appbuilder.baseviews}
        found = self.entity.related.items()
        return [
            self._related(pages[f"{name}Page"], relation, item)
            for name, relation in found
            if self.appbuilder.sm.has_access("can_read", name)
        ]

    def _related(self, view: Any, relation: str, item: Any) -> Related:
        filters = view.datamodel.get_filters()
        filters.add_filter(relation, SameRecord, item.id)
        found = view._get_list_widget(filters=filters, page_size=RELATED)["list"]
        columns = found.template_args["include_columns"]
        found.template_args["include_columns"] = [c for c in columns if c != relation]
        every = url_for(f"{view.endpoint}.list", **{f"_flt_0_{relation}": item.id})
        return Related(view.list_title, Markup(found(related=every)))
