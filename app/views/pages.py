"""The base of every entity's HTML pages: list, show, add, edit, delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from flask import abort, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import ModelView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.urltools import get_filter_args, get_order_args
from flask_login import current_user
from sqlalchemy import inspect, select
from sqlalchemy.exc import DataError

from app.extensions import db
from app.models import Tenant
from app.tenancy import PLATFORM, current_scope
from app.views import sheets
from app.views.interface import FiltersPerRequest, is_id
from app.views.refusals import Refused, explained

if TYPE_CHECKING:
    from app.views.entity import Entity

LARGEST_PAGE = 100


class EntityPage(FiltersPerRequest, ModelView):
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

    list_template = "entity/list.html"

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
        filters = self.datamodel.get_inner_filters(self._filters)
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
        except (ValueError, IndexError, KeyError, TypeError, DataError):
            current_app.logger.info("A list's arguments could not be read.", exc_info=True)
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
            filters=filters, actions=actions, order_column=order_column,
            order_direction=order_direction, page=max(page or 0, 0),
            page_size=max(1, min(page_size or self.page_size, LARGEST_PAGE)), **kwargs,
        )  # fmt: skip
        shown = widgets["list"].template_args
        shown["value_columns"] = rows = list(shown["value_columns"])
        _remember_names({row["tenant_id"] for row in rows if row.get("tenant_id")})
        return widgets

    def _add(self) -> Any:
        """None when it was added; else the form. Flask-AppBuilder's own loses what was typed when
        the database refuses it, and lets the address fill in hidden columns."""
        self._need_tenant()
        form = self.add_form.refresh()
        if request.method != "POST":
            self.update_redirect()
        elif form.validate() and self._added(form):
            return None
        return self._get_add_widget(form=form)

    def _added(self, form: Any) -> bool:
        with self._refusing(form) as saving:
            self.entity.alone()
            item = self.datamodel.obj()
            form.populate_obj(item)
            self.pre_add(item)
            self.entity.verify(item)
            self.datamodel.add(item)
        if saving.done:
            self.post_add(item)
            flash(self.add_row_message, "success")
        return saving.done

    def _edit(self, pk: Any) -> Any:
        """None when it was saved; else the form."""
        self._need_tenant()
        if request.method == "POST":
            self.entity.alone()
        item = self.datamodel.get(pk) or abort(404)
        if request.method != "POST":
            self.update_redirect()
            return self._get_edit_widget(form=self.edit_form.refresh(obj=item))
        form = self.edit_form.refresh(request.form)
        if form.validate() and self._edited(form, item):
            return None
        return self._get_edit_widget(form=form)

    def _edited(self, form: Any, item: Any) -> bool:
        with self._refusing(form) as saving:
            with db.session.no_autoflush:
                form.populate_obj(item)
                self.pre_update(item)
                self.entity.verify(item)
            self.datamodel.edit(item)
        if saving.done:
            self.post_update(item)
            flash(self.edit_row_message, "success")
        return saving.done

    @contextmanager
    def _refusing(self, form: Any) -> Iterator["Saving"]:
        """What is refused is said beside its input, and nothing of it is saved."""
        saving = Saving()
        try:
            with explained(self.datamodel.obj):
                yield saving
            saving.done = True
        except Refused as refusal:
            db.session.rollback()
            if refusal.field in form:
                form[refusal.field].errors = [refusal.text]
            else:
                flash(refusal.text, "danger")

    def _delete(self, pk: Any) -> None:
        self._need_tenant()
        item = self.datamodel.get(pk) or abort(404)
        try:
            with explained(self.datamodel.obj):
                self.pre_delete(item)
                self.datamodel.delete(item)
        except Refused as refusal:
            flash(refusal.text, "danger")
        else:
            self.post_delete(item)
            flash(self.delete_row_message, "success")
        self.update_redirect()

    def post_add_redirect(self) -> Any:
        return redirect(url_for(f"{self.endpoint}.list"))

    post_edit_redirect = post_delete_redirect = post_add_redirect

    def _need_tenant(self) -> None:
        if self.entity.is_owned and current_scope() is PLATFORM:
            flash("Choose the tenant to act for first.", "warning")
            abort(redirect(url_for("ActAs.choose")))


@dataclass
class Saving:
    done: bool = False


def formatters(model: type) -> dict[str, Any]:
    """How values are written in lists and on show pages."""
    names = [*inspect(model).columns.keys(), *inspect(model).relationships.keys()]
    return {name: _written for name in names} | {"tenant_id": _tenant_name}


def _written(value: Any) -> Any:
    match value:
        case None | "" | []:
            return "—"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.strftime("%d %b %Y %H:%M")
        case time():
            return value.strftime("%H:%M")
        case list():
            return ", ".join(map(str, value))
    return value


def _remember_names(tenants: set[int]) -> None:
    """Of the tenants in a list, by one statement."""
    if tenants:
        found = db.session.execute(select(Tenant.id, Tenant.name).where(Tenant.id.in_(tenants)))
        g.tenant_names = {tenant: name for tenant, name in found}


def _tenant_name(tenant_id: int | None) -> str:
    """Of a list they are known already."""
    if tenant_id and tenant_id not in g.get("tenant_names", {}):
        _remember_names({tenant_id})
    return g.get("tenant_names", {}).get(tenant_id, "—")
