"""What things cost while they are used: by prices, and at a guess where there are none."""

from datetime import date
from decimal import Decimal

from app.models import SpendKind
from app.rates import CENT, GUESSED, Rate, Rates

DAY = date(2026, 11, 22)


def rate(kind: str, amount: str, model: str = "", since: date = date(2026, 1, 1)) -> Rate:
    return Rate(SpendKind(kind), model, since, Decimal(amount), "EUR")


def test_what_has_no_price_is_not_free():
    rates = Rates()
    assert rates.cost(SpendKind.CALL_SECONDS, 60, DAY) == CENT
    for kind in (SpendKind.TRANSFER_SECONDS, SpendKind.TOKENS_IN, SpendKind.TOKENS_OUT):
        assert kind in GUESSED
        assert rates.cost(kind, 1000, DAY) > 0
    assert rates.cost(SpendKind.MAILS, 5, DAY) == 0
    assert (rates.currency, rates.cost(SpendKind.CALL_SECONDS, -5, DAY)) == ("USD", 0)


def test_the_price_of_the_day_and_of_the_model_counts():
    rates = Rates(
        (
            rate("call_seconds", "0.06", since=date(2026, 12, 1)),
            rate("call_seconds", "0.03"),
            rate("tokens_in", "8", model="big"),
            rate("tokens_in", "1"),
        )
    )
    assert rates.cost(SpendKind.CALL_SECONDS, 60, DAY) == 3 * CENT
    assert rates.cost(SpendKind.CALL_SECONDS, 60, date(2026, 12, 1)) == 6 * CENT
    assert rates.tokens(1000, 0, DAY, "big") == 8000
    assert rates.tokens(1000, 0, DAY, "small") == 1000
    assert rates.currency == "EUR"


def test_a_part_of_a_millionth_counts_as_one():
    assert Rates((rate("tokens_in", "0.1"),)).cost(SpendKind.TOKENS_IN, 1, DAY) == 1
    assert Rates((rate("tokens_in", "0"),)).cost(SpendKind.TOKENS_IN, 9, DAY) == 0
