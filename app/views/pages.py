"""The base of every entity's HTML pages: list, show, add, edit, delete."""

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import ModelView, expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import inspect
from sqlalchemy.exc import DataError

from app.extensions import db
from app.models import Tenant
from app.tenancy import PLATFORM, current_scope
from app.views.interface import FiltersPerRequest
from app.views.refusals import explained

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

    @expose("/download/<string:filename>")
    @has_access
    def download(self, filename: str) -> Any:
        abort(404)  # Flask-AppBuilder's serves any file of UPLOAD_FOLDER

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Any:
        self._may_act(name)
        if self.datamodel.get(pk) is None:
            abort(404)
        return super().action(name, pk)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        self._may_act(request.form.get("action", ""))
        if not all(map(self.datamodel.get, request.form.getlist("rowid"))):
            abort(404)
        return super().action_post()

    def _may_act(self, name: str) -> None:
        """Before any row is looked at: that is when whoever asks becomes known."""
        if name not in self.actions:
            abort(404)
        permission = self.get_action_permission_name(name)
        if not self.appbuilder.sm.has_access(permission, self.class_permission_name):
            abort(403)

    def _list(self) -> Any:
        try:
            return super()._list()
        except (ValueError, IndexError, KeyError, TypeError, DataError):
            current_app.logger.info("A list's arguments could not be read.", exc_info=True)
            return abort(400)

    def _get_list_widget(
        self, filters: Any, actions: Any = None, order_column: str = "", order_direction: str = "",
        page: int | None = None, page_size: int | None = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        if order_column and order_column not in self.order_columns:
            order_column = order_direction = ""
        return super()._get_list_widget(
            filters=filters, actions=actions, order_column=order_column,
            order_direction=order_direction, page=max(page or 0, 0),
            page_size=max(1, min(page_size or self.page_size, LARGEST_PAGE)), **kwargs,
        )  # fmt: skip

    def _add(self) -> Any:
        self._need_tenant()
        with explained(self.datamodel.obj):
            return super()._add()

    def _edit(self, pk: Any) -> Any:
        self._need_tenant()
        return super()._edit(pk)

    def _delete(self, pk: Any) -> None:
        self._need_tenant()
        super()._delete(pk)

    def post_add_redirect(self) -> Any:
        return redirect(url_for(f"{self.endpoint}.list"))

    post_edit_redirect = post_delete_redirect = post_add_redirect

    def _need_tenant(self) -> None:
        if self.entity.is_owned and current_scope() is PLATFORM:
            flash("Choose the tenant to act for first.", "warning")
            abort(redirect(url_for("ActAs.choose")))


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


def _tenant_name(tenant_id: int | None) -> str:
    tenant = db.session.get(Tenant, tenant_id) if tenant_id else None
    return tenant.name if tenant else "—"
