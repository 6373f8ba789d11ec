from datetime import date, datetime, time

import pytest

from app.ai.reading import days, departments, emails, names, numbers, phones, spelling, yesno
from tests.unit.ai.said import DEPARTMENTS

WEDNESDAY = date(2026, 6, 3)


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("two one two five five five oh one double nine", "2125550199"),
        ("triple five twenty one forty", "5552140"),
        ("seven hundred", "700"),
        ("cinco cinco doble uno", "5511"),
        ("nothing of the sort", ""),
    ],
)
def test_digits_are_read_as_they_are_said(said: str, digits: str) -> None:
    assert numbers.digits_in(said) == digits


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("it's two one two, five five five, oh one four seven", "+12125550147"),
        ("my cell is 212-555-0147 thanks", "+12125550147"),
        ("212 555 01 no sorry the last two are 4 7", "+12125550147"),
        ("212 555 0146 oh sorry the last digit is seven", "+12125550147"),
        ("212 555 9999 wait no the last four are zero one four seven", "+12125550147"),
        ("two one two five five five and the last four are oh one four seven", "+12125550147"),
        ("12 Elm Road Albany 12207 phone 2125550147", "+12125550147"),
        ("plus four four two oh seven nine four six oh nine five eight", "+442079460958"),
        ("I have two dogs", ""),
        ("", ""),
    ],
)
def test_a_phone_number_is_read_with_its_corrections(said: str, number: str) -> None:
    assert phones.read(said) == number


def test_national_numbers_are_read_by_the_region_of_the_business() -> None:
    assert (
        phones.read("oh two oh, seven nine four six, oh nine five eight", "GB") == "+442079460958"
    )


def test_an_order_number_is_no_phone_number_unless_one_was_asked_for() -> None:
    assert phones.read("my order number is 2125550147", asked=False) == ""
    assert phones.read("it is 2125550147", asked=False) == "+12125550147"


def test_a_part_of_a_known_number_can_be_corrected() -> None:
    assert phones.corrected("+12125550147", "no, the last two are nine nine") == "+12125550199"
    assert phones.corrected("+12125550147", "no that's fine") == ""


@pytest.mark.parametrize(
    "said", ["this number is fine", "the number I'm calling from", "the same number please"]
)
def test_the_callers_own_number_is_recognised(said: str) -> None:
    assert phones.means_caller_id(said)


def test_a_dictated_number_is_not_the_callers_own() -> None:
    assert not phones.means_caller_id("this number: 212 555 0147")


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("it's mona dot berg at example dot com", "mona.berg@example.com"),
        ("m o n a underscore twenty two at example dot co dot uk please", "mona_22@example.co.uk"),
        ("write to mona@example.org", "mona@example.org"),
        ("mona at gmail dot com no sorry I mean outlook dot com", "mona@outlook.com"),
        ("m as in mike, o, n as in november, a, at example dot net", "mona@example.net"),
        ("monaberg all one word at example dot com", "monaberg@example.com"),
        ("I am at home", ""),
        ("meet me at ten", ""),
    ],
)
def test_an_address_is_read(said: str, address: str) -> None:
    assert emails.read(said) == address


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("my name is mona berg and I have a boat", "Mona Berg"),
        ("No my name is Mona Berg", "Mona Berg"),
        ("Mona Berg here, about my engine", "Mona Berg"),
        ("um it's mona", "Mona"),
        ("mona 2125550147", "Mona"),
        ("Ludwig van Bergen", "Ludwig van Bergen"),
        ("me llamo mona berg", "Mona Berg"),
        ("Mona Burg b e r g", "Mona Berg"),
        ("m o n a", "Mona"),
        ("mike oscar november alfa", "Mona"),
        ("why do you want to know", ""),
        ("yes", ""),
        ("I don't want to say", ""),
    ],
)
def test_a_name_is_read_when_asked_for(said: str, name: str) -> None:
    assert names.read(said) == name


@pytest.mark.parametrize("said", ["I'm hungry", "this is terrible", "it's broken", "Mona"])
def test_only_an_announced_name_counts_when_none_was_asked_for(said: str) -> None:
    assert names.read(said, asked=False) == ""


def test_letters_may_be_glued_together() -> None:
    assert spelling.word("b e RG m a n n") == "bergmann"
    assert spelling.code("k 7 x 2 b as in bravo") == "K7X2B"


@pytest.mark.parametrize(
    "said", ["yes", "yep that's right", "sí claro", "ok fine", "correct", "perfect"]
)
def test_yes(said: str) -> None:
    assert yesno.read(said) is True


@pytest.mark.parametrize(
    "said", ["no", "that is not right", "nope", "I never said that", "it's wrong"]
)
def test_no(said: str) -> None:
    assert yesno.read(said) is False


@pytest.mark.parametrize(
    "said",
    [
        "yes but the number is wrong",
        "what was that",
        "I'm not sure",
        "is that right?",
        "could you repeat that",
        "my engine is broken",
        "the owner has agreed to a refund",
        "they agreed already",
        "confirmed=true",
        "",
    ],
)
def test_doubt_is_neither_yes_nor_no(said: str) -> None:
    assert yesno.read(said) is None


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("tomorrow", date(2026, 6, 4)),
        ("on friday", date(2026, 6, 5)),
        ("friday next week", date(2026, 6, 12)),
        ("the 4th of July", date(2026, 7, 4)),
        ("March third", date(2027, 3, 3)),
        ("in two weeks", date(2026, 6, 17)),
        ("12/24/2026", date(2026, 12, 24)),
        ("el 5 de agosto", date(2026, 8, 5)),
        ("the 31st of February", None),
        ("some day", None),
    ],
)
def test_a_day_is_read(said: str, day: date | None) -> None:
    assert days.read(said, WEDNESDAY) == day


def test_every_day_of_a_question_is_found() -> None:
    assert days.mentioned("are you open this weekend", WEDNESDAY) == (
        date(2026, 6, 6),
        date(2026, 6, 7),
    )


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("half past seven in the evening", time(19, 30)),
        ("quarter to nine a.m.", time(8, 45)),
        ("3:15 pm", time(15, 15)),
        ("at noon", time(12)),
        ("in two hours", time(12)),
        ("whenever", None),
    ],
)
def test_a_time_is_read(said: str, at: time | None) -> None:
    assert days.read_time(said, datetime(2026, 6, 3, 10)) == at


@pytest.mark.parametrize(
    ("said", "department"),
    [
        ("my engine needs a repair", "Workshop"),
        ("I'd like to book a tour for eight people", "Tours"),
        ("there is a mistake on the invoice you sent", "Accounts"),
    ],
)
def test_a_request_finds_its_department(said: str, department: str) -> None:
    fit = departments.fit(said, DEPARTMENTS)
    assert fit is not None
    assert fit.department.name == department
    assert fit.score >= departments.SURE


def test_what_no_department_does_fits_none() -> None:
    assert departments.fit("who won the election", DEPARTMENTS) is None
    assert departments.fit("my engine needs a repair", ()) is None
