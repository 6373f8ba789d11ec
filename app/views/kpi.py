"""Figures as cards: one number each, what it was before, and whether that is good."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import format_percent
from flask_babel import gettext

from app.views import moments, written

FEW = 20  # below, a percentage would say more than there is to know


@dataclass(frozen=True, slots=True)
class Card:
    """`change` has a sign; `tone` is good, bad or neither: ok, bad, mute."""

    label: str
    value: Any
    was: Any
    url: str
    hint: str = ""
    change: str = ""
    rose: bool = False
    tone: str = "mute"


def of_count(label: str, now: int, before: int, url: str, hint: str = "") -> Card:
    was = gettext("was %(figure)s", figure=written.number(before))
    if now == before:
        return Card(label, written.number(now), was, url, hint)
    many = before >= FEW
    change = percent(abs(now - before) / before) if many else written.number(abs(now - before))
    tone = "ok" if now > before else "bad"
    return Card(label, written.number(now), was, url, hint, change, now > before, tone)


def of_share(
    label: str, now: tuple[int, int], before: tuple[int, int], url: str, hint: str = ""
) -> Card:
    """Each a part and its whole."""
    was = gettext("was %(figure)s", figure=share(*before)) if before[1] else gettext("none before")
    if min(now[1], before[1]) < FEW:
        return Card(label, share(*now), was, url, hint)
    points = round(100 * now[0] / now[1]) - round(100 * before[0] / before[1])
    change = gettext("%(number)s pts", number=written.number(abs(points))) if points else ""
    tone = "ok" if points > 0 else "bad"
    return Card(label, share(*now), was, url, hint, change, points > 0, tone)


def of_length(label: str, now: float | None, before: float | None, url: str) -> Card:
    if before is None:
        return Card(label, _length(now), gettext("none before"), url)
    was = gettext("was %(figure)s", figure=_length(before))
    if now is None or round(now) == round(before):
        return Card(label, _length(now), was, url)
    return Card(label, _length(now), was, url, "", _length(abs(now - before)), now > before)


def of_cost(
    label: str, now: dict[str, Decimal], before: dict[str, Decimal], url: str
) -> list[Card]:
    """One a currency: different ones cannot be added up. By whole days, as prices are."""
    hint = gettext("Of whole days")
    return [
        Card(
            label, written.money(amount, currency),
            gettext("was %(figure)s", figure=written.money(before.get(currency, 0), currency)),
            url, hint,
        )
        for currency, amount in now.items()
    ]  # fmt: skip


def share(part: int, whole: int) -> Any:
    if not whole:
        return written.missing()
    if whole < FEW:
        return gettext("%(part)s of %(whole)s", part=written.number(part),
                       whole=written.number(whole))  # fmt: skip
    return percent(part / whole)


def percent(value: float) -> str:
    return str(format_percent(round(value, 2), locale=moments.language()))


def _length(seconds: float | None) -> Any:
    return written.length(None if seconds is None else round(seconds))
