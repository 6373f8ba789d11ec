"""Declare an entity once; get its admin pages, its REST API and its permissions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_appbuilder import AppBuilder, Model
from marshmallow import fields
from sqlalchemy import ARRAY, Time, func, inspect, select
from sqlalchemy.dialects.postgresql import JSONB

from app.extensions import db
from app.tenancy import current_tenant_id
from app.views import forms, words, written
from app.views.api import EntityApi
from app.views.checks import Check
from app.views.interface import Rows
from app.views.pages import EntityPage

READ = ("list", "show")
WRITE = ("add", "edit", "delete")
ROUTES = {
    "list": ("get_list", "info"), "show": ("get",), "add": ("post",), "edit": ("put",),
    "delete": ("delete",),
}  # fmt: skip
# One permission for the page and for REST; roles.py speaks of these two.
Rule = Callable[[Any], None]
PERMISSIONS = {"list": "read", "show": "read", "add": "write", "edit": "write", "delete": "write"}
RULED = 0x5275_6C65  # the first key of the advisory lock that saves rows by rule, one by one
NOBODY = "nothing"  # a permission that no entity has: FAB answers 403 and hides the button


@dataclass(frozen=True, kw_only=True)
class Entity:
    model: type[Model]
    resource: str  # the name in /api/v1/<resource>/
    menu: str
    category: str
    icon: str = "fa-table"
    list_columns: tuple[str, ...]
    form_columns: tuple[str, ...] = ()
    edit_columns: tuple[str, ...] = ()  # default: what the form has
    show_columns: tuple[str, ...] = ()  # default: the list's and the form's
    secrets: tuple[str, ...] = ()  # write-only
    order: tuple[str, str] = ("id", "desc")
    may: tuple[str, ...] = READ + WRITE
    platform: bool = False  # lists answer without a tenant, too
    also: tuple[str, ...] = ()  # further permissions, of extra endpoints
    actions: Mapping[str, str] = field(default_factory=dict)  # of the page: method -> permission
    labels: Mapping[str, str] = field(default_factory=dict)
    help: Mapping[str, str] = field(default_factory=dict)  # beside the input, and in OpenAPI
    fieldsets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of forms, by title
    searched: tuple[str, ...] = ()  # besides what the list shows: relations, too
    loaded: tuple[str, ...] = ()  # relations that what a list shows is made from
    exported: tuple[str, ...] = ()  # columns of its CSV; default: the list's
    titled: Callable[[Any], str] = str  # what a row is called
    low: tuple[str, ...] = ()  # of the list, those a narrow screen does without
    written: Mapping[str, Any] = field(default_factory=dict)  # columns written otherwise
    related: Mapping[str, str] = field(default_factory=dict)  # below a row: model -> its relation
    rule: Rule | None = None  # what must hold of a row as a whole: raises Refused
    checks: Mapping[str, Check] = field(default_factory=dict)
    special: Mapping[str, fields.Field] = field(default_factory=dict)  # REST fields of their own
    inputs: Mapping[str, Any] = field(default_factory=dict)  # form fields of their own
    page: type = object  # mixin: actions, hooks of the HTML pages
    api: type = object  # mixin: extra endpoints, hooks of the REST API

    @property
    def name(self) -> str:
        return self.model.__name__

    @property
    def words(self) -> words.Words:
        return words.of(self.name)

    @property
    def is_owned(self) -> bool:
        return hasattr(self.model, "tenant_id")

    @property
    def sheet(self) -> tuple[str, ...]:
        """The columns of its CSV."""
        return self.exported or self.list_columns

    @property
    def shown(self) -> tuple[str, ...]:
        columns = self.show_columns or tuple(
            dict.fromkeys((*self.list_columns, *self.form_columns))
        )
        return tuple(column for column in columns if column not in self.secrets)

    def alone(self) -> None:
        """Until the commit nobody else saves what this entity's rule looks at: of two changes that
        would clash, the second sees the first."""
        if self.rule:
            db.session.execute(select(func.pg_advisory_xact_lock(RULED, current_tenant_id())))

    def verify(self, item: Any) -> None:
        """Raises Refused."""
        if self.rule:
            self.rule(item)

    def register(self, appbuilder: AppBuilder) -> None:
        page = self._class("Page", self.page, EntityPage, self._page_settings())
        appbuilder.add_view(page, self.menu, icon=self.icon, category=self.category)
        appbuilder.add_api(self._class("Api", self.api, EntityApi, self._api_settings()))

    def _class(self, suffix: str, mixin: type, base: type, settings: dict[str, Any]) -> type:
        shared = {
            "entity": self,
            "class_permission_name": self.name,
            "base_permissions": self._permissions(),
            "add_columns": list(self.form_columns),
            "edit_columns": list(self.edit_columns or self.form_columns),
            "label_columns": {"tenant_id": "Tenant"} | dict(self.labels),
            "description_columns": dict(self.help),
            "base_order": self.order,
        }
        bases = (base,) if mixin is object else (mixin, base)
        return type(self.name + suffix, bases, shared | settings)

    def _permissions(self) -> list[str]:
        names = dict.fromkeys([*(PERMISSIONS[verb] for verb in self.may), *self.also])
        return [f"can_{name}" for name in names]

    def _page_settings(self) -> dict[str, Any]:
        named = tuple(dict.fromkeys((*self.form_columns, *self.edit_columns)))
        inputs = forms.fields_of(self.model, named, self.checks, self.labels, self.help)
        search = [column for column in self._plain() if column in self.list_columns]
        search += [column for column in self.searched if column not in search]
        inputs |= forms.described(self.inputs, self.help)
        lookups = forms.lookups_of(self.model, tuple(search), self.labels)
        return {
            "add_fieldsets": self._fieldsets(self.form_columns),
            "edit_fieldsets": self._fieldsets(self.edit_columns or self.form_columns),
            "datamodel": Rows(
                self.model,
                (*self.loaded, *(r for r in self._relations() if r in self.list_columns)),
            ),
            "list_title": self.menu,
            "show_columns": list(self.shown),
            "order_columns": [column for column in self._plain() if column in self.list_columns],
            "search_columns": search,
            "search_form_extra_fields": lookups,
            "add_form_extra_fields": inputs,
            "edit_form_extra_fields": inputs,
            "formatters_columns": written.formatters(self.model) | dict(self.written),
            "add_title": self.words.add,
            "add_row_message": self.words.saved,
            "edit_row_message": self.words.saved,
            "delete_row_message": self.words.deleted,
            "method_permission_name": self._method_permissions(),
            "page_size": 25,
        }

    def _fieldsets(self, columns: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]] | None:
        """What no set names comes first, without a title of its own but the entity's."""
        if not self.fieldsets or not columns:
            return None
        named = {column for group in self.fieldsets.values() for column in group}
        rest = tuple(column for column in columns if column not in named)
        groups = {self.menu: rest} | dict(self.fieldsets)
        kept = {title: [c for c in group if c in columns] for title, group in groups.items()}
        return [(title, {"fields": group}) for title, group in kept.items() if group]

    def _method_permissions(self) -> dict[str, str]:
        """Also of the page's own: bulk actions write; what else it adds says so itself."""
        names = {verb: PERMISSIONS[verb] if verb in self.may else NOBODY for verb in PERMISSIONS}
        actions = {name for name in dir(self.page) if hasattr(getattr(self.page, name), "_action")}
        names |= dict.fromkeys(actions, "write") | {"importing": "write", "sheet": "read"}
        return names | dict(self.actions)

    def _api_settings(self) -> dict[str, Any]:
        output = ["id", *self.shown]
        extra = {name for name in dir(self.api) if hasattr(getattr(self.api, name), "_urls")}
        return {
            "datamodel": Rows(self.model, self.loaded),
            "resource_name": self.resource,
            "openapi_spec_tag": self.menu,
            "include_route_methods": extra.union(*(ROUTES[verb] for verb in self.may)),
            "method_permission_name": {
                route: PERMISSIONS[verb] for verb, routes in ROUTES.items() for route in routes
            },
            "list_columns": output,
            "show_columns": output,
            "list_select_columns": self._columns_of(output),
            "show_select_columns": self._columns_of(output),
            "order_columns": ["id", *self._plain()],
            "search_columns": list(
                dict.fromkeys(["id", *self._plain(), *self._relations(), *self.searched])
            ),
        }

    def _plain(self) -> list[str]:
        """What can be ordered and searched by."""
        columns = inspect(self.model).columns
        return [
            name for name in self.shown
            if name in columns and not isinstance(columns[name].type, ARRAY | JSONB | Time)
        ]  # fmt: skip

    def _relations(self) -> list[str]:
        return [name for name in self.shown if name in inspect(self.model).relationships]

    def _columns_of(self, names: list[str]) -> list[str]:
        mapper = inspect(self.model)
        found = [name for name in names if name in mapper.columns]
        for name in self._relations():
            found += [column.key for column in mapper.relationships[name].local_columns]
        return found
