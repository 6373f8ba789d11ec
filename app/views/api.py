"""The base of every entity's REST: who may ask for what, what is said of bad input."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Response, g, request
from flask_appbuilder import ModelRestApi
from flask_appbuilder.api.schemas import get_info_schema, get_item_schema, get_list_schema
from marshmallow import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.extensions import db
from app.tenancy import PLATFORM, current_scope
from app.views.fields import Schemas
from app.views.filters import operand
from app.views.interface import FiltersPerRequest
from app.views.questions import asked
from app.views.refusals import Refused, explain, explained
from app.views.spec import Described

if TYPE_CHECKING:
    from app.views.entity import Entity

NO_TENANT = "Name the tenant in the header X-Tenant."


class EntityApi(Described, FiltersPerRequest, ModelRestApi):
    entity: "Entity"

    info = asked(ModelRestApi.info, get_info_schema)
    get = asked(ModelRestApi.get, get_item_schema)
    get_list = asked(ModelRestApi.get_list, get_list_schema)

    def __init__(self) -> None:
        super().__init__()
        self.model2schemaconverter = Schemas(
            self.datamodel, self.entity.special, self.entity.checks, self.entity.help
        )

    @property
    def allow_browser_login(self) -> bool:
        """Never by cookie, which any page could make a browser send. For `protect` a proven API key
        looks like one: without this it would insist on a JWT."""
        return "api_key" in g

    def once(self, item: Any) -> dict[str, Any]:
        """What the answer to an addition says besides, this once."""
        return {}

    def ahead(self, item: Any) -> None:
        """What is asked of others about a new row, before anything is locked. May raise Refused."""

    def info_headless(self, **kwargs: Any) -> Response:
        return self._answering(lambda: super(EntityApi, self).info_headless(**kwargs))

    def get_headless(self, pk: Any, **kwargs: Any) -> Response:
        return self._answering(lambda: super(EntityApi, self).get_headless(pk, **kwargs))

    def get_list_headless(self, **kwargs: Any) -> Response:
        return self._answering(lambda: super(EntityApi, self).get_list_headless(**kwargs))

    def post_headless(self) -> Response:
        return self._answering(self._add, writing=True)

    def put_headless(self, pk: Any) -> Response:
        return self._answering(lambda: self._edit(pk), writing=True)

    def delete_headless(self, pk: Any) -> Response:
        return self._answering(lambda: self._delete(pk), writing=True)

    def _act(self, act: Callable[[], Response]) -> Response:
        """What an extra endpoint does to a row, without a body."""
        return self._answering(act, writing=True, body=False)

    def _add(self) -> Response:
        item = self.datamodel.obj(**self.add_model_schema.load(request.json))
        self.ahead(item)
        self.entity.alone()
        with explained(self.datamodel.obj):
            self.pre_add(item)
            self.entity.verify(item)
        self.datamodel.add(item)
        self.post_add(item)
        result = self.show_model_schema.dump(item)
        return self.response(201, id=item.id, result=result, **self.once(item))

    def _edit(self, pk: Any) -> Response:
        self.entity.alone()
        item = self._found(pk)
        values = self.edit_model_schema.load(request.json, partial=True)
        with explained(self.datamodel.obj), db.session.no_autoflush:
            for name, value in values.items():
                setattr(item, name, value)
            self.pre_update(item)
            self.entity.verify(item)
        self.datamodel.edit(item)
        self.post_update(item)
        return self.response(200, id=item.id, result=self.show_model_schema.dump(item))

    def _delete(self, pk: Any) -> Response:
        item = self._found(pk)
        with explained(self.datamodel.obj):
            self.pre_delete(item)
        self.remove(item)
        return self.response(200, message="OK")

    def remove(self, item: Any) -> None:
        self.datamodel.delete(item)
        self.post_delete(item)

    def _found(self, pk: Any) -> Any:
        item = self.datamodel.get(pk)
        if item is None:
            raise Missing
        return item

    def _answering(
        self, answer: Callable[[], Response], writing: bool = False, body: bool = True
    ) -> Response:
        try:
            self._need_tenant(writing)
            if writing and body and request.method != "DELETE" and not _is_json():
                return self.response_400(message="The body must be JSON, and be sent as such.")
            return answer()
        except Missing:
            return self.response_404()
        except ValidationError as error:
            return self._refuse(error.messages)
        except Refused as refusal:
            return self._refuse(refusal.message)
        except SQLAlchemyError as error:
            db.session.rollback()
            return self._refuse(explain(error, self.datamodel.obj).message)
        except HTTPException as error:
            return self.response(error.code, message=error.description)
        except RecursionError:
            return self.response_400(message="The request is nested too deeply.")

    def _refuse(self, message: Any) -> Response:
        db.session.rollback()
        return self.response_422(message=message)

    def _need_tenant(self, writing: bool) -> None:
        """A super admin who names no tenant reads the platform's lists and writes none of a
        tenant's."""
        needed = self.entity.is_owned and (writing or not self.entity.platform)
        if needed and current_scope() is PLATFORM:
            raise Refused(NO_TENANT)

    def _handle_columns_args(
        self, args: Mapping[str, Any], select: list[str], columns: list[str]
    ) -> tuple[list[str], list[str]]:
        asked = args.get("columns") or args.get("select_columns") or []
        return select, [column for column in asked if column in columns]

    def _handle_filters_args(self, rison_args: Mapping[str, Any]) -> Any:
        """Every filter is applied or refused: Flask-AppBuilder drops what it does not know, and so
        answers more rows than were asked for."""
        self._filters.clear_filters()
        for wanted in rison_args.get("filters", []):
            self._add_filter(wanted.get("col"), wanted.get("opr"), wanted.get("value"))
        return self._filters.get_joined_filters(self._base_filters)

    def _add_filter(self, column: Any, operation: Any, value: Any) -> None:
        known = self._filters.get_search_filters()
        if not isinstance(column, str) or column not in self.search_columns:
            raise Refused(f"Not a column to filter by: {str(column)[:60]}.")
        for found in known.get(column, []):
            if found.arg_name == operation:
                value = operand(self.datamodel.obj, column, operation, value)
                self._filters.add_filter(column, type(found), value)
                return
        raise Refused(f"Not an operation for this column: {str(operation)[:60]}.", column)


def _is_json() -> bool:
    """Said so, and can be read; `null` is JSON, too."""
    try:
        request.get_json()
    except HTTPException as error:
        if error.code == 413:
            raise
        return False
    return True


class Missing(Exception):
    """No such row, or not to be seen by whoever asks."""
