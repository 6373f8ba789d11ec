"""Filters of one column: what is asked for is read as the column's kind, and texts literally.

Flask-AppBuilder's take % and _ for wildcards, answer every row when a value cannot be read, and
take a page's times for UTC.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from dateutil import parser
from flask_appbuilder.models.filters import BaseFilter
from flask_babel import lazy_gettext as _
from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, String, func, or_

from app.views import moments, persons
from app.views.fields import LARGEST, storable
from app.views.written import PHONES

_NUMBER = re.compile(r"[\d\s()+./-]{4,}")
_SIGNS = r"[^0-9]"
TRUE = frozenset({"true", "y", "1"})


def containing(model: Any, columns: tuple[str, ...], asked: str) -> list[Any]:
    """Conditions, one or two a column; a telephone number however it is written."""
    digits = re.sub(r"\D", "", asked) if _NUMBER.fullmatch(asked) else ""
    found = []
    for name in columns:
        column = getattr(model, name)
        found.append(column.icontains(asked, autoescape=True))
        if digits and name in PHONES:
            found.append(func.regexp_replace(column, _SIGNS, "", "g").contains(digits))
    return found


class _Asked(BaseFilter):
    """`value` is what REST was sent, typed; or what an address has, which is text."""

    def apply(self, query: Any, value: Any) -> Any:
        """Raises ValueError."""
        condition = self.condition(getattr(self.model, self.column_name), value)
        return query if condition is None else query.filter(condition)

    def condition(self, column: Any, value: Any) -> Any:
        raise NotImplementedError

    def typed(self, column: Any, value: Any) -> Any:
        """None: nothing was typed."""
        if not isinstance(value, str):
            return value
        text = value.strip()
        return as_column(column.type, text, moments.zone()) if text else None


def as_column(kind: Any, value: Any, zone: tzinfo = UTC) -> Any:
    """A value of this kind; a time without a zone is of `zone`. Raises ValueError, TypeError."""
    match kind:
        case Boolean():
            return value if isinstance(value, bool) else str(value).lower() in TRUE
        case Integer():
            return whole(value)
        case Numeric():
            return _exact(value)
        case DateTime():
            moment = parser.isoparse(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=zone)
        case Date():
            return date.fromisoformat(value)
    if isinstance(value, bool | list | dict):
        raise TypeError
    return storable(str(value))


def _exact(value: Any) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError from error
    if not found.is_finite() or abs(found) > LARGEST:
        raise ValueError
    return found


def whole(value: Any) -> int:
    if isinstance(value, bool | float) or not -LARGEST <= int(value) <= LARGEST:
        raise ValueError(value)
    return int(value)


class Contains(_Asked):
    name, arg_name = _("Contains"), "ct"

    def condition(self, column: Any, value: Any) -> Any:
        return or_(*containing(self.model, (self.column_name,), storable(str(value))))


class StartsWith(_Asked):
    name, arg_name = _("Starts with"), "sw"

    def condition(self, column: Any, value: Any) -> Any:
        return column.istartswith(storable(str(value)), autoescape=True)


class EndsWith(_Asked):
    name, arg_name = _("Ends with"), "ew"

    def condition(self, column: Any, value: Any) -> Any:
        return column.iendswith(storable(str(value)), autoescape=True)


class Equal(_Asked):
    name, arg_name = _("Is"), "eq"

    def condition(self, column: Any, value: Any) -> Any:
        if isinstance(column.type, String) and value is not None:
            text = storable(str(value))
            return column == (persons.normalised(text) if self.column_name in PHONES else text)
        found = self.typed(column, value)
        if isinstance(value, str) and isinstance(found, datetime):  # a form's has no seconds
            return column.between(found, found + timedelta(seconds=59.999999))
        return column == found


class After(_Asked):
    name, arg_name = _("After"), "gt"

    def condition(self, column: Any, value: Any) -> Any:
        found = self.typed(column, value)
        return None if found is None else column > found


class Before(_Asked):
    name, arg_name = _("Before"), "lt"

    def condition(self, column: Any, value: Any) -> Any:
        found = self.typed(column, value)
        return None if found is None else column < found


class More(After):
    name = _("More than")


class Less(Before):
    name = _("Less than")


class OneOf(_Asked):
    """Of a list: for REST, as a form has one value."""

    name, arg_name = _("Is one of"), "in"

    def condition(self, column: Any, value: Any) -> Any:
        return column.in_([self.typed(column, one) for one in value])


class NotContains(Contains):
    name, arg_name = _("Does not contain"), "nct"

    def condition(self, column: Any, value: Any) -> Any:
        return ~super().condition(column, value)


class NotStartsWith(StartsWith):
    name, arg_name = _("Does not start with"), "nsw"

    def condition(self, column: Any, value: Any) -> Any:
        return ~super().condition(column, value)


class NotEndsWith(EndsWith):
    name, arg_name = _("Does not end with"), "new"

    def condition(self, column: Any, value: Any) -> Any:
        return ~super().condition(column, value)


class NotEqual(Equal):
    name, arg_name = _("Is not"), "neq"

    def condition(self, column: Any, value: Any) -> Any:
        return ~super().condition(column, value)


class NoneOf(OneOf):
    name, arg_name = _("Is none of"), "not_in"

    def condition(self, column: Any, value: Any) -> Any:
        return ~super().condition(column, value)


LISTED = frozenset({OneOf.arg_name, NoneOf.arg_name})
_TEXTS = (
    StartsWith, EndsWith, Contains, Equal, NotStartsWith, NotEndsWith, NotContains, NotEqual,
    OneOf, NoneOf,
)  # fmt: skip


def of(column: Any) -> tuple[type[BaseFilter], ...] | None:
    """Of a column, the first of them chosen first; None if it cannot be searched."""
    if column.info.get("choices"):
        return (Equal, NotEqual, OneOf, NoneOf)
    match column.type:
        case String():  # Text, too
            return _TEXTS
        case DateTime() | Date():
            return (After, Before, Equal, NotEqual)
        case Boolean():
            return (Equal, NotEqual)
        case Integer() | Numeric():
            return (Equal, More, Less, NotEqual, OneOf, NoneOf)
    return None
