"""What things cost, in millionths of the currency, while they are used: to hold spending down.

By the platform's prices; what has none counts at a cautious guess, since a limit that something is
free to pass would be none. Bills and usage (app/usage.py) go by prices alone.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Final

from sqlalchemy import select

from app.extensions import db
from app.models import UNITS, Price, SpendKind

CENT: Final = 10_000
USUAL_CURRENCY: Final = "USD"
_MILLION: Final = Decimal(1_000_000)
KEPT_TENANTS: Final = 1000
# For one unit of app/models/price.py, in US dollars: list prices of Twilio (inbound and outbound
# calls within the US, recording) and of a large model of OpenAI, rounded up, as of November 2026.
GUESSED: Final = {
    SpendKind.CALL_SECONDS: Decimal("0.01"),
    SpendKind.TRANSFER_SECONDS: Decimal("0.015"),
    SpendKind.RECORDING_SECONDS: Decimal("0.0025"),
    SpendKind.TOKENS_IN: Decimal("2.5"),
    SpendKind.TOKENS_OUT: Decimal("10"),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` is for one unit of the kind, from a day on. `model` "": every other one."""

    kind: SpendKind
    model: str
    valid_from: date
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Rates:
    """All prices there are, newest first."""

    rates: tuple[Rate, ...] = ()
    _known: dict[tuple[SpendKind, str, date], Decimal] = field(default_factory=dict, compare=False)

    def cost(self, kind: SpendKind, quantity: int, day: date, model: str = "") -> int:
        """Of `quantity` in the ledger's unit (seconds, tokens, pieces); rounded up."""
        if quantity <= 0:
            return 0
        exact = quantity * self._of_unit(kind, day, model) * _MILLION / UNITS[kind][0]
        return int(exact.to_integral_value(ROUND_CEILING))

    def tokens(self, read: int, written: int, day: date, model: str) -> int:
        """Of what a model reads and writes."""
        return self.cost(SpendKind.TOKENS_IN, read, day, model) + self.cost(
            SpendKind.TOKENS_OUT, written, day, model
        )

    @property
    def currency(self) -> str:
        """That of the newest price. Different ones are added up as if they were one."""
        return self.rates[0].currency if self.rates else USUAL_CURRENCY

    def _of_unit(self, kind: SpendKind, day: date, model: str) -> Decimal:
        found = self._known.get((kind, model, day))
        if found is None:
            fits = [r for r in self.rates if r.kind == kind and r.valid_from <= day]
            own = [r for r in fits if r.model == model] or [r for r in fits if not r.model]
            unit = own[0].amount if own else GUESSED.get(kind, Decimal(0))
            found = self._known.setdefault((kind, model, day), unit)
        return found


_newest: dict[int, tuple[int, Rates]] = {}


def as_of(tenant_id: int, facts_version: int) -> Rates:
    """Of this version of the tenant's facts, which prices raise when they change. The newest is
    remembered, as every call ends with it."""
    version, found = _newest.get(tenant_id, (None, None))
    if found is None or version != facts_version:
        if len(_newest) >= KEPT_TENANTS:
            _newest.clear()
        found = current()
        _newest[tenant_id] = facts_version, found
    return found


def current() -> Rates:
    """As the prices are now."""
    prices = db.session.execute(
        select(Price.kind, Price.model, Price.valid_from, Price.amount, Price.currency).order_by(
            Price.valid_from.desc()
        )
    )
    return Rates(
        tuple(
            Rate(SpendKind(kind), model, since, amount, currency)
            for kind, model, since, amount, currency in prices
        )
    )
