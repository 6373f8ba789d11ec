"""Card and social-security numbers are found however they are said, and telephone numbers kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ai.reading import phones, private
from app.ai.reading.private import CARD, CODE, SOCIAL, scrub

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
CARDS = (
    "4111111111111111", "4222222222222", "5555555555554444", "2223003122003222",
    "378282246310005", "30569309025904", "6011111111111117", "3530111333300000",
    "6200000000000005", "6759649826438453",
)  # fmt: skip


def spoken(digits: str, pause: str = " ", every: int = 4) -> str:
    words = [WORDS[int(d)] for d in digits]
    parts = [" ".join(words[at : at + every]) for at in range(0, len(words), every)]
    return pause.join(parts)


def ways(digits: str) -> list[str]:
    fours = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return [
        digits, fours, fours.replace(" ", "-"), fours.replace(" ", ". "), spoken(digits),
        spoken(digits, ", then "), spoken(digits, " um dash "), " ".join(digits), f"{digits}#",
    ]  # fmt: skip


@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_found_however_it_is_said(card: str) -> None:
    for said in ways(card):
        for around in ("{}", "it is {} thank you", "My Visa is {}.", "sí {} por favor"):
            text = scrub(around.format(said))
            assert CARD in text, (said, around)
            assert not any(c.isdigit() for c in text), (said, around, text)
            assert sum(word in WORDS for word in text.lower().split()) == 0, (said, around)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("card 4111 1111 wait let me see okay 1111 1111", f"card {CARD}"),
        ("double four is wrong. my card is four one double one, one one double one, then triple "
         "one one and again double one double one", f"double four is wrong. my card is {CARD}"),
        ("forty one eleven eleven eleven eleven eleven eleven eleven", CARD),
        ("tarjeta cuatro uno uno uno, uno uno uno uno y uno uno uno uno luego uno uno uno uno",
         f"tarjeta {CARD}"),
        ("my card is 4111111111111111 expires 09 28 security code 123",
         f"my card is {CARD} expires 09 28 security code {CODE}"),
        ("41111111111111110928123", CARD),
        ("4111111111111111123", CARD),
        ("call 212 555 0142, card 4111 1111 1111 1111", f"call 212 555 0142, card {CARD}"),
        ("４１１１ 1111 ١١١١ 1111", CARD),  # noqa: RUF001 digits of other scripts
        ("the cvv is nine eight seven", f"the cvv is {CODE}"),
    ],
)  # fmt: skip
def test_in_pieces_in_words_and_beside_other_numbers(said: str, kept: str) -> None:
    assert scrub(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "078-05-1120", "078 05 1120", "my social is 078051120",
        "social security number zero seven eight, oh five, one one two oh",
        "zero seven eight zero five one one two zero", "078051120",
        "mi seguro social es cero siete ocho cero cinco uno uno dos cero",
        "S S N 078 051 120",
    ],
)  # fmt: skip
def test_a_social_security_number_is_found(said: str) -> None:
    assert SOCIAL in scrub(said)
    assert not any(c.isdigit() for c in scrub(said))


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("my number is 212 555 0142", {}),
        ("+1 (212) 555-0142", {}),
        (spoken("2125550142", ", ", 3), {}),
        (f"about social security benefits, my number is {spoken('2125550142')}", {}),
        ("plus one two one two five five five oh one four two", {}),
        (f"{spoken('2125550142')}, that is {spoken('2125550142')}", {}),
        ("212 555 0142 or 917 555 0188", {}),
        ("4155550142 and the zip is 94105", {}),
        ("+49 1512 3456789", {"region": "DE"}),
        ("004915123456789", {"region": "DE"}),
        ("011 44 7911 123456", {}),
        ("612 345 678", {"region": "ES"}),
        ("seis uno dos tres cuatro cinco seis siete ocho", {"region": "ES"}),
        ("555014212", {"asked": "phone"}),
        ("order number 123456789", {}),
        ("my account 123 456 789", {}),
        ("123456789", {"asked": "customer_number"}),
        ("10001-1234", {}),
        ("it costs 123,456,789", {}),
        ("on 11/24/2026 at 10 30 for 4 people, room 1111", {}),
        ("4111 1111 1111 1112", {}),  # no card: its check digit is wrong
        ("tracking 1234567890123456", {}),
        ("my IMEI is 356938035643809", {}),
    ],
)  # fmt: skip
def test_telephone_and_other_numbers_are_left_alone(said: str, options: dict[str, str]) -> None:
    assert scrub(said, **options) == said


def test_a_question_of_the_business_for_it_is_an_announcement() -> None:
    assert scrub("078051120", asked="social_security_number") == SOCIAL


def test_what_a_model_says_may_hold_nine_digits_of_the_business() -> None:
    assert scrub("Our tax id is 123456789.", bare=False) == "Our tax id is 123456789."
    assert CARD in scrub("Yours is 4111 1111 1111 1111.", bare=False)


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_around_it_lets_a_card_through_or_breaks(before: str, after: str) -> None:
    text = scrub(f"{before} Visa: 4111111111111111; {after}")
    assert "4111111111111111" not in text


@given(st.integers(2_000_000, 9_999_999), st.sampled_from(["212", "415", "434", "512", "601"]))
def test_no_dictated_number_is_taken_for_a_card(rest: int, area: str) -> None:
    for said in (f"{area} {rest // 10000} {rest % 10000:04d}", spoken(f"{area}{rest}", " ", 3)):
        assert scrub(said, asked="phone") == said
        assert phones.read(scrub(said, asked="phone")) == phones.read(said)


def test_marks_are_no_words_to_be_understood() -> None:
    assert private.unmarked(f"charge {CARD} please") == "charge … please"
