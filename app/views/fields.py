"""How a model's columns look in REST, and the schemas made of them.

Flask-AppBuilder 5.3 makes its schemas by marshmallow-sqlalchemy, which fails under marshmallow 4
(upstream #2361, #2425) and builds new related rows from ids that do not resolve. These are plain
marshmallow schemas instead: a relation is the other row's id, in and out, and must be visible.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import ARRAY, Boolean, Date, DateTime, Integer, Numeric, Time, inspect, select
from sqlalchemy.dialects.postgresql import JSONB

from app.extensions import db
from app.views.checks import Check, one_of

LARGEST = 2**31 - 1
LONGEST_NUMBER = 40  # characters
LONGEST = 20_000  # of a text column without a length of its own
MOST_LINES, LONGEST_LINE = 200, 1000  # of a list of texts


MISSING: dict[str, Any] = {
    "required": "Is missing. Give a value.",
    "null": "Must not be empty. Give a value.",
}
UNSTORABLE = "Contains characters that cannot be stored. Type it anew, without invisible ones."


# PostgreSQL stores neither NUL nor half of a surrogate pair; the other signs that nobody sees mean
# something to terminals, and nothing in XML or mail. Tabs and line breaks are seen.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Unstorable(ValidationError, ValueError):
    """For forms and REST an input at fault; for a search, words that nothing can have."""


def is_storable(text: str) -> bool:
    return not _UNSEEN.search(text)


def storable(text: str) -> str:
    """Raises Unstorable."""
    if not is_storable(text):
        raise Unstorable(UNSTORABLE)
    return text


def length(shortest: int | None, longest: int) -> validate.Length:
    least = f"{shortest:,} to" if shortest else "at most"
    return validate.Length(shortest, longest, error=f"Must have {least} {longest:,} characters.")


def checked(check: Check | None, text: str) -> str:
    if check is None:
        return text
    try:
        return check(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class Words(fields.String):
    default_error_messages = MISSING | {
        "invalid": "Must be text, in quotation marks.",
        "invalid_utf8": "Must be text, in quotation marks.",
    }

    def __init__(self, check: Check | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.check = check

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = storable(super()._deserialize(value, *args, **kwargs))
        return checked(self.check, text)


class Strings(fields.List):
    """A JSON list of strings."""

    def __init__(self, check: Check | None = None, **options: Any) -> None:
        super().__init__(Words(check, validate=length(1, LONGEST_LINE)), **options)

    default_error_messages = MISSING | {
        "invalid": 'Must be a list of texts, such as ["one"].',
        "too_many": f"Must be at most {MOST_LINES} values.",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > MOST_LINES:  # before each of them has something to say
            raise self.make_error("too_many")
        return super()._deserialize(value, attr, data, **kwargs)


class YesNo(fields.Boolean):
    default_error_messages = MISSING | {"invalid": "Must be true or false."}


class Day(fields.Date):
    default_error_messages = MISSING | {"invalid": "Must be a date, such as 2027-01-31."}


class Whole(fields.Integer):
    default_error_messages = MISSING | {
        "invalid": "Must be a whole number, such as 5.",
        "too_large": f"Must be from -{LARGEST} to {LARGEST}.",
    }

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool | float):
            raise self.make_error("invalid")
        found = super()._validated(value)
        if found is not None and not -LARGEST <= found <= LARGEST:
            raise self.make_error("too_large")
        return found


def too_fine(amount: Decimal, places: int) -> bool:
    """Whether a finite number has more digits after the point than that. `round` would fail on one
    with more digits than the context has."""
    exponent = amount.normalize().as_tuple().exponent
    return isinstance(exponent, int) and -exponent > places


class Amount(fields.Decimal):
    """Exact: a JSON string, out; in, a number or a string. Not below zero, nor with more digits
    than the column has."""

    default_error_messages = MISSING | {
        "invalid": "Must be a number, such as 0.0085.",
        "special": "Must be a number, such as 0.0085.",
    }

    def __init__(self, kind: Any, **options: Any) -> None:
        self.scale = int(kind.scale)
        self.most = 10 ** (kind.precision - kind.scale)
        super().__init__(as_string=True, allow_nan=False, metadata={"type": "string"}, **options)

    def _validated(self, value: Any) -> Any:
        if isinstance(value, bool) or len(str(value)) > LONGEST_NUMBER:
            raise self.make_error("invalid")
        found = super()._validated(value)
        if found is not None and not 0 <= found < self.most:
            raise ValidationError(f"Must be from 0 to below {self.most:,}.")
        if found is not None and too_fine(found, self.scale):
            raise ValidationError(f"No more than {self.scale} digits after the point.")
        return found


class Moment(fields.AwareDateTime):
    """ISO 8601 in UTC, ending in Z."""

    default_error_messages = MISSING | {"invalid": "Must be a time, such as 2027-01-31T17:00:00Z."}

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", default_timezone=UTC, **options)

    def _serialize(self, value: datetime | None, *args: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Clock(fields.Time):
    """HH:MM, local to the tenant."""

    default_error_messages = MISSING | {"invalid": "Must be a time of day, such as 09:00."}

    def _serialize(self, value: time | None, *args: Any, **kwargs: Any) -> str | None:
        return value.strftime("%H:%M") if value else None

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> time:
        found = super()._deserialize(value, *args, **kwargs)
        if found.tzinfo is not None:
            raise self.make_error("invalid", input=value, obj_type="time")
        return found


class RelatedId(Whole):
    """The id of a row of `related` that whoever asks can see."""

    def __init__(self, related: Any, **options: Any) -> None:
        super().__init__(**options)
        self.related = related

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        found = super()._deserialize(value, *args, **kwargs)
        known = db.session.scalar(select(self.related.id).where(self.related.id == found))
        if known is None:
            raise ValidationError("There is no such row. Give the id of one.")
        return found


def field_of(model: Any, name: str, check: Check | None) -> fields.Field:
    mapper = inspect(model)
    if name in mapper.relationships:
        relation = mapper.relationships[name]
        if relation.uselist:
            return fields.Raw()  # to search by only
        (column,) = relation.local_columns
        options = _presence(column) | {"attribute": column.key}
        return RelatedId(relation.mapper.class_, **options)
    return _plain(mapper.columns[name], check)


def _plain(column: Any, check: Check | None) -> fields.Field:
    options = _presence(column)
    match column.type:
        case ARRAY():
            return Strings(check, **options)
        case JSONB():
            return fields.Dict(**options)
        case Numeric():
            return Amount(column.type, **options)
        case Boolean():
            return YesNo(**options)
        case Integer():
            return Whole(validate=_between(column), **options)
        case DateTime():
            return Moment(**options)
        case Date():
            return Day(**options)
        case Time():
            return Clock(**options)
    if choices := column.info.get("choices"):
        return Words(check or one_of(choices), **options)
    shortest = 1 if options["required"] else None
    longest = column.type.length or LONGEST
    return Words(check, validate=length(shortest, longest), **options)


def _between(column: Any) -> validate.Range | None:
    bounds = column.info.get("between")
    return validate.Range(*bounds, error="Must be from {min} to {max}.") if bounds else None


def _presence(column: Any) -> dict[str, Any]:
    given = column.default is not None or column.server_default is not None
    return {
        "required": not (column.nullable or given or column.primary_key),
        "allow_none": bool(column.nullable),
    }


class Body(Schema):
    error_messages = {
        "unknown": "There is no such field. Leave it out.",
        "type": "The body must be an object of fields, in braces.",
    }


class Schemas:
    """Makes schemas of listed columns; what `special` names is taken from there.

    Stands where Flask-AppBuilder expects its Model2SchemaConverter.
    """

    def __init__(
        self,
        datamodel: SQLAInterface,
        special: Mapping[str, fields.Field],
        checks: Mapping[str, Check],
        help: Mapping[str, str],
    ) -> None:
        self._model = datamodel.obj
        self._special = special
        self._checks = checks
        self._help = help

    def convert(self, columns: list[str], *_args: Any, **_kwargs: Any) -> Schema:
        made = {name: self._special.get(name) or self._field(name) for name in columns}
        return Body.from_dict(made, name=self._model.__name__)()

    def _field(self, name: str) -> fields.Field:
        made = field_of(self._model, name, self._checks.get(name))
        if name in self._help:
            made.metadata = {**made.metadata, "description": self._help[name]}
        return made
