"""Inputs as the forms have them: native ones, in the look. Placeholders carry no information."""

from typing import Any

from wtforms.widgets import (
    DateInput,
    DateTimeLocalInput,
    PasswordInput,
    Select,
    TextArea,
    TextInput,
    TimeInput,
)


class Styled:
    """Whoever renders the field may say more or otherwise."""

    usual: dict[str, Any] = {}

    def __init__(self, **usual: Any) -> None:
        super().__init__()
        self.usual = {"class": "control"} | type(self).usual | usual

    def __call__(self, field: Any, **given: Any) -> Any:
        return super().__call__(field, **self.usual | given)  # type: ignore[misc]


class Line(Styled, TextInput):
    pass


class Lines(Styled, TextArea):
    usual = {"rows": 5}


class Phone(Styled, TextInput):
    input_type = "tel"
    usual = {"inputmode": "tel", "autocomplete": "off"}


class Mail(Styled, TextInput):
    input_type = "email"
    usual = {"autocomplete": "off"}


class Whole(Styled, TextInput):
    usual = {"inputmode": "numeric", "class": "control short"}


class Amount(Styled, TextInput):
    usual = {"inputmode": "decimal", "class": "control short"}


class Day(Styled, DateInput):
    usual = {"class": "control short"}


class Clock(Styled, TimeInput):
    usual = {"class": "control short"}


class Moment(Styled, DateTimeLocalInput):
    usual = {"class": "control short"}


class Secret(Styled, PasswordInput):
    usual = {"autocomplete": "new-password"}


class Choice(Styled, Select):
    usual = {"class": "control short"}
