"""A telephone number is found in every spelling, and taken out without touching what is around."""

import pytest

from app.personal import spelled
from app.personal.spelled import ERASED, NotANumber

NUMBER = spelled.number("+12125550142")


@pytest.mark.parametrize(
    "written",
    [
        "+12125550142", "2125550142", "12125550142", "(212) 555-0142", "212-555-0142",
        "212.555.0142", "+1 212 555 0142", "0012125550142", "2 1 2, 5 5 5, 0 1 4 2",
        "two one two five five five oh one four two", "two twelve triple five zero one forty two",
        "plus one two one two, five five five, zero one four two",
        "dos uno dos cinco cinco cinco cero uno cuatro dos",
    ],
)  # fmt: skip
def test_in_every_spelling(written: str) -> None:
    text = spelled.without(f"Please ring {written} before noon.", NUMBER)
    assert ERASED in text
    assert text.startswith("Please ring ")
    assert text.endswith(" before noon.")
    assert not spelled.mentioned(text, NUMBER)


@pytest.mark.parametrize(
    "other",
    ["+12125550143", "212 555 014", "12 people at 5 55", "42125550142", "21255501425",
     "order 2125 550 for 142", "nothing at all"],
)  # fmt: skip
def test_other_numbers_are_left(other: str) -> None:
    assert spelled.without(other, NUMBER) == other


def test_inside_of_json_keys_and_addresses() -> None:
    value = {"data": {"phone": "+12125550142", "n": [1, "at 212 555 0142"]}, "ok": True}
    assert spelled.without(value, NUMBER) == {
        "data": {"phone": ERASED, "n": [1, f"at {ERASED}"]}, "ok": True,
    }  # fmt: skip
    assert spelled.mentioned("<Redirect>/x?From=%2B12125550142</Redirect>", NUMBER)
    assert spelled.mentioned("sip:+12125550142@pbx.example.com", NUMBER)


def test_a_number_is_read_as_in_the_country_of_the_business() -> None:
    assert spelled.number("612 34 56 78", "ES").e164 == "+34612345678"
    assert spelled.mentioned("seis uno dos tres cuatro cinco seis siete ocho",
                             spelled.number("+34612345678"))  # fmt: skip
    for wrong in ("hello", "", "123", "+1", "12125550142"):
        with pytest.raises(NotANumber, match="no telephone number"):
            spelled.number(wrong)
