"""How lists are narrowed: by REST's `filters` and by the search forms."""

from typing import Any

from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla.filters import SQLAFilterConverter
from flask_babel import lazy_gettext as _
from sqlalchemy import Text, func, inspect, select

from app.views import matching
from app.views.matching import LISTED, as_column, whole
from app.views.refusals import Refused

LOOKED_THROUGH = 10_000  # calls: at their usual length some 60,000 things said


class SameRecord(BaseFilter):
    """Rows that refer to the row with this id. Flask-AppBuilder's own filter looks the row up and,
    when it is not to be seen, answers rows that refer to none."""

    name = _("Is")
    arg_name = "rel_o_m"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self._column() == whole(value))

    def _column(self) -> Any:
        (column,) = inspect(self.model).relationships[self.column_name].local_columns
        return getattr(self.model, column.key)


class SameRecordToo(SameRecord):
    arg_name = "eq"


class OtherRecord(SameRecord):
    name = _("Is not")
    arg_name = "nrel_o_m"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self._column() != whole(value))


class TriedRecord(BaseFilter):
    """Rows that have the row with this id in a list."""

    name = _("Is")
    arg_name = "rel_m_m"

    def apply(self, query: Any, value: Any) -> Any:
        return query.filter(self._relation().any(id=whole(value)))

    def _relation(self) -> Any:
        return getattr(self.model, self.column_name)


class TriedRecordToo(TriedRecord):
    arg_name = "eq"


class Said(TriedRecord):
    """Rows of whose parts one contains these words. Their signs mean nothing to the search.

    Only the newest LOOKED_THROUGH rows that the other filters leave are looked through, so that it
    takes no longer with a million. No index can do it: behind row-level security PostgreSQL uses
    one for `ilike` (and for full-text search) only if the operator were leakproof.
    """

    name = _("Contains")
    arg_name = "ct"

    def apply(self, query: Any, value: Any) -> Any:
        """Must be the last filter: see Rows.get_inner_filters."""
        part = inspect(self.model).relationships[self.column_name]
        ((_own, key),) = part.local_remote_pairs
        of = part.mapper.get_property_by_column(key).class_attribute
        pk = self.model.id
        newest = query.with_entities(pk).order_by(pk.desc()).limit(LOOKED_THROUGH).subquery()
        first, last = (select(end(newest.c.id)).scalar_subquery() for end in (func.min, func.max))
        words = part.mapper.class_.text.icontains(str(value), autoescape=True)
        return query.filter(pk.in_(select(of).where(of >= first, of <= last, words)))


class FilterConverter(SQLAFilterConverter):
    conversion_table = (
        ("is_relation_many_to_one", [SameRecord, OtherRecord, SameRecordToo]),
        ("is_relation_many_to_many", [TriedRecord, TriedRecordToo]),
        ("is_relation_one_to_many", [Said]),
        ("is_relation_one_to_one", [SameRecord, OtherRecord, SameRecordToo]),
    )

    def convert(self, col_name: str) -> list[BaseFilter] | None:
        """None for what cannot be searched: lists, JSON, properties."""
        column = inspect(self.datamodel.obj).columns.get(col_name)
        found: Any = () if column is None else matching.of(column) or ()
        for kind, filters in self.conversion_table:
            if column is None and getattr(self.datamodel, kind)(col_name):
                found = filters
        return [one(col_name, self.datamodel) for one in found] or None


def operand(model: Any, column: str, operation: str, value: Any) -> Any:
    """The value of a REST filter as its column has it. Raises Refused."""
    if operation in LISTED:
        if not isinstance(value, list):
            raise Refused("The filter needs a list.", column)
        return [_typed(model, column, operation, one) for one in value]
    return _typed(model, column, operation, value)


def _typed(model: Any, column: str, operation: str, value: Any) -> Any:
    mapper = inspect(model)
    if value is None:
        return None
    try:
        if column in mapper.relationships:
            return as_column(Text(), value) if operation == Said.arg_name else whole(value)
        return as_column(mapper.columns[column].type, value)
    except (ValueError, TypeError, OverflowError) as error:
        raise Refused("The filter's value is not of this column's kind.", column) from error
