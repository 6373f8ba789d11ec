"""How a model's columns look in the HTML forms."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    DateTime,
    FetchedValue,
    Integer,
    Numeric,
    Text,
    Time,
    inspect,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    Field,
    IntegerField,
    PasswordField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.extensions import db
from app.views import moments, tones, widgets, written
from app.views.checks import Check
from app.views.fields import (
    LARGEST,
    LONGEST,
    LONGEST_LINE,
    MOST_LINES,
    UNSTORABLE,
    is_storable,
    too_fine,
)
from app.views.refusals import Refused

MOST_ROWS = 500  # that a form offers to choose from
NO_CLOCK = "Not a time of day, such as 09:00."


class WordsField(StringField):
    """One line, or several with `widget`; blank is None where the column may be null."""

    data: Any

    def __init__(self, *args: Any, check: Check | None = None, blank: Any = "", **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.check = check
        self.blank = blank

    def pre_validate(self, form: Any) -> None:
        self.data = (self.data or "").strip() or self.blank
        self.data = _checked(self.check, self.data)


class LinesField(TextAreaField):
    """A list of strings, one a line."""

    widget = widgets.Lines()

    def __init__(self, *args: Any, check: Check | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.check = check

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        lines = [line.strip() for line in "\n".join(valuelist).splitlines()]
        self.data = [line for line in lines if line]

    def pre_validate(self, form: Any) -> None:
        if len(self.data or []) > MOST_LINES or max(map(len, self.data or [""])) > LONGEST_LINE:
            raise ValidationError(
                f"Must be at most {MOST_LINES} lines of at most {LONGEST_LINE:,} characters."
            )
        self.data = [_checked(self.check, line) for line in self.data or []]


class TicksField(SelectMultipleField):
    """Some of a few values, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class DayField(DateField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError("Not a date, such as 2027-01-31.") from error


class ClockField(StringField):
    """HH:MM."""

    widget = widgets.Clock()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.strftime("%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = "".join(valuelist).strip()
        try:
            self.data = time.fromisoformat(text) if text else None
        except ValueError as error:
            self.data = None
            raise ValueError(NO_CLOCK) from error
        if self.data and self.data.tzinfo:
            self.data = None
            raise ValueError(NO_CLOCK)


class AmountField(DecimalField):
    """Exact, and never with more digits after the point than are kept."""

    data: Any

    def pre_validate(self, form: Any) -> None:
        if self.data is None or not self.data.is_finite():
            self.data = None
            raise ValidationError("Not a number, such as 0.0085.")
        if too_fine(self.data, self.places):
            raise ValidationError(f"No more than {self.places} digits after the point.")


class MomentField(StringField):
    """YYYY-MM-DDTHH:MM, in the zone of the tenant in scope."""

    widget = widgets.Moment()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.astimezone(moments.zone()).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = "".join(valuelist).strip()
        try:
            found = datetime.fromisoformat(text) if text else None
        except ValueError as error:
            self.data = None
            raise ValueError("Not a time, such as 2027-01-31 17:00.") from error
        self.data = found.replace(tzinfo=found.tzinfo or moments.zone()) if found else None


class ChoiceField(SelectField):
    """One of a list."""

    widget = widgets.Choice()

    def pre_validate(self, form: Any) -> None:
        try:
            super().pre_validate(form)
        except ValidationError as error:
            raise ValidationError(str(_("Choose one from the list."))) from error


class WholeField(IntegerField):
    widget = widgets.Whole()

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(str(_("Enter a whole number, such as 20."))) from error


class RelatedField(ChoiceField):
    """Another row that whoever asks can see, or none."""

    def __init__(self, *args: Any, related: Any, column: str, optional: bool, **kw: Any) -> None:
        self.related = related
        self.column = column
        self.optional = optional
        super().__init__(*args, choices=self._rows, coerce=_number, **kw)

    def _rows(self) -> list[SelectChoice]:
        rows = db.session.scalars(select(self.related).order_by(self.related.id).limit(MOST_ROWS))
        found = [SelectChoice(value=row.id, label=str(row)) for row in rows]
        return [SelectChoice(value="", label=_("Not set")), *found] if self.optional else found

    def process_data(self, value: Any) -> None:
        self.data = getattr(value, "id", None)

    def populate_obj(self, obj: Any, name: str) -> None:
        found = db.session.get(self.related, self.data) if self.data else None
        setattr(obj, self.column, found.id if found else None)


def blame(form: Any, refusal: Refused) -> None:
    """Says at the field at fault why it was refused; of none in particular, at the form."""
    if refusal.field in form:
        form[refusal.field].errors = [*form[refusal.field].errors, refusal.text]
    else:
        form.form_errors = [*form.form_errors, refusal.text]


class SecretField(PasswordField):
    """Write-only: never shown, and left as it is when left blank."""

    data: Any
    widget = widgets.Secret()

    def __init__(self, *args: Any, check: Check | None = None, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.check = check

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        super().process(formdata, None, extra_filters)

    def pre_validate(self, form: Any) -> None:
        self.data = _checked(self.check, (self.data or "").strip())

    def populate_obj(self, obj: Any, name: str) -> None:
        if self.data:
            setattr(obj, name, self.data)


def fields_of(
    model: Any,
    names: tuple[str, ...],
    checks: Mapping[str, Check],
    labels: Mapping[str, str],
    help: Mapping[str, str] = {},
) -> dict[str, Field]:
    """A field for each column or relation among `names`."""
    mapper = inspect(model)
    made = {}
    for name in names:
        label = labels.get(name) or _label(name)
        if name in mapper.relationships:
            made[name] = _related(mapper.relationships[name], label)
        elif name in mapper.columns:
            made[name] = _field(mapper.columns[name], checks.get(name), label)
        if made.get(name) is not None and name in help:
            made[name].kwargs["description"] = help[name]
    return made


def described(inputs: Mapping[str, Field], help: Mapping[str, str]) -> dict[str, Field]:
    """Fields of an entity's own, with what is said of them."""
    for name, field in inputs.items():
        if name in help:
            field.kwargs["description"] = help[name]
    return dict(inputs)


def lookups_of(model: Any, names: tuple[str, ...], labels: Mapping[str, str]) -> dict[str, Field]:
    """What is typed or chosen to search by. A list of other rows is searched by one of them; what
    is said in them, by a word."""
    mapper = inspect(model)
    many = {n for n in names if n in mapper.relationships and mapper.relationships[n].uselist}
    made = fields_of(model, tuple(n for n in names if n not in many), {}, labels)
    for name in many:
        label, related = labels.get(name) or _label(name), mapper.relationships[name].mapper.class_
        if hasattr(related, "text"):
            made[name] = StringField(label, widget=widgets.Line())
        else:
            made[name] = RelatedField(label, related=related, column="", optional=True)
    return made


def _related(relation: Any, label: str) -> Field:
    (column,) = relation.local_columns
    return RelatedField(
        label,
        related=relation.mapper.class_,
        column=column.key,
        optional=column.nullable,
        validators=[Optional() if column.nullable else _needed(label)],
    )


def _needed(label: str) -> InputRequired:
    return InputRequired(_("Fill in “%(label)s”.", label=label))


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _field(column: Any, check: Check | None, label: str) -> Field:
    known = column.default is not None and column.default.is_scalar
    options = {"label": label, "default": column.default.arg if known else None}
    may_be_left = column.nullable or type(column.server_default) is FetchedValue  # by a trigger
    need = [Optional() if may_be_left else _needed(label)]
    if choices := column.info.get("choices"):
        return ChoiceField(choices=_choices(choices, column), coerce=_given, **options)
    match column.type:
        case ARRAY():
            return LinesField(label=label, check=check)
        case JSONB():
            return None
        case Boolean():
            return BooleanField(**options)
        case Integer():
            need.append(NumberRange(*column.info.get("between", (-LARGEST, LARGEST))))
            return WholeField(validators=need, **options)
        case Numeric():
            digits, places = column.type.precision or 0, column.type.scale or 0
            need.append(NumberRange(0, 10 ** (digits - places) - 1))
            return AmountField(validators=need, places=places, widget=widgets.Amount(), **options)
        case DateTime():
            return MomentField(validators=need, **options)
        case Date():
            return DayField(validators=need, widget=widgets.Day(), **options)
        case Time():
            return ClockField(validators=need, **options)
    given = column.default is not None or column.server_default is not None
    return WordsField(
        check=check,
        blank=None if column.nullable else "",
        validators=[
            Optional() if column.nullable or given else DataRequired(_needed(label).message),
            Length(max=column.type.length or LONGEST),
        ],
        widget=_words_widget(column),
        **options,
    )


def _words_widget(column: Any) -> Any:
    if column.name in written.PHONES:
        return widgets.Phone()
    if column.name == "email":
        return widgets.Mail()
    return widgets.Lines() if isinstance(column.type, Text) else widgets.Line()


def _choices(values: Any, column: Any) -> list[SelectChoice]:
    found = [SelectChoice(value=str(v), label=tones.said(values, v).text) for v in values]
    return [SelectChoice(value="", label=_("Not set")), *found] if column.nullable else found


def _checked(check: Check | None, value: Any) -> Any:
    """WTForms shows a ValidationError beside the field, and lets a plain ValueError through."""
    if value and not is_storable(value):
        raise ValidationError(UNSTORABLE)
    try:
        return check(value) if check and value else value
    except ValueError as error:
        raise ValidationError(str(error)) from error


def _number(value: Any) -> int | None:
    return int(value) if value else None


def _given(value: Any) -> str | None:
    return str(value) if value else None
