"""What is asked for what is used: each price from a day on, kept by super admins."""

from decimal import Decimal

from marshmallow import fields

from app.models import Price, SpendKind
from app.views import checks
from app.views.bulk import RowActions
from app.views.entity import Entity
from app.views.usage import CATEGORY, NAMES


def figure(amount: Decimal) -> str:
    """Two digits after the point, or as many as it has."""
    exact = f"{amount.normalize():f}"
    return exact if len(exact.partition(".")[2]) > 2 else f"{amount:.2f}"


PRICES = Entity(
    model=Price, resource="prices", menu="Prices", category=CATEGORY, icon="fa-tag",
    order=("valid_from", "desc"), platform=True,
    list_columns=("kind", "model", "unit", "amount", "currency", "valid_from", "note"),
    form_columns=("kind", "model", "amount", "currency", "valid_from", "note"),
    low=("currency",), written={"kind": lambda kind: NAMES[SpendKind(kind)], "amount": figure},
    checks={"currency": checks.currency},
    special={"unit": fields.String(dump_only=True)}, page=RowActions,
    labels={
        "amount": "Price", "unit": "For each", "model": "Language model",
        "valid_from": "Valid from",
    },
    help={
        "kind": "What is paid for. Seconds are priced by the minute, tokens by the million.",
        "model": "For tokens: the model's name. Empty: every model without a price of its own.",
        "amount": "For one unit of it, such as 0.0085.",
        "currency": "Three letters, such as USD.",
        "note": "Where it comes from, such as: our contract of March.",
        "valid_from": "Holds from this day on. To raise a price, add a row: months keep theirs.",
    },
)  # fmt: skip
