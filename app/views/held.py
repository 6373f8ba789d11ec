"""Limits as they hold, and how much of them is used: for their page, the first page and usage."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app import limits, rates, spending
from app.extensions import db
from app.limits import CEILINGS, Limits
from app.models import CallLimits, Job, JobKind, Tenant
from app.rates import CENT
from app.spending import REACHED, WARNED_AT
from app.tenancy import current_tenant_id
from app.views import moments, written

MONEY = ("call_cents", "caller_day_cents", "day_cents", "month_cents")
SECONDS = ("call_seconds", "talk_seconds")
NAMES = {
    "calls_at_once": _("Calls at once"),
    "calls_per_minute": _("Calls within a minute"),
    "caller_at_once": _("Calls at once from one number"),
    "caller_per_minute": _("Calls within a minute from one number"),
    "call_seconds": _("Length of a call"),
    "talk_seconds": _("Length of a transfer"),
    "call_tokens": _("Tokens of the language model in a call"),
    "call_cents": _("Cost of a call"),
    "caller_day_cents": _("Cost of one caller within 24 hours"),
    "day_cents": _("Cost of a day"),
    "month_cents": _("Cost of a month"),
}
NEAR = {"calls_at_once", "calls_per_minute"}


@dataclass(frozen=True, slots=True)
class Held:
    """A limit as it holds. `whose`: own, operator (a ceiling holds it down) or usual."""

    label: Any
    value: str
    whose: str


@dataclass(frozen=True, slots=True)
class Used:
    """Of a limit of money: in words, and in percent, which may be above a hundred."""

    name: str
    label: Any
    spent: str
    limit: str
    percent: int


def shown(name: str, value: int) -> str:
    if name in MONEY:
        return str(written.money(Decimal(value) / 100, rates.current().currency))
    return str(written.length(value) if name in SECONDS else written.number(value))


def held(tenant: Tenant, own: CallLimits) -> list[Held]:
    found = limits.in_force(tenant, own)
    return [
        Held(label, shown(name, getattr(found, name)), _whose(tenant, own, name))
        for name, label in NAMES.items()
    ]


def _whose(tenant: Tenant, own: CallLimits, name: str) -> str:
    chosen, most = getattr(own, name), limits.ceiling(tenant, name)
    if chosen is None:
        return "usual"
    return "operator" if name in CEILINGS and chosen > most else "own"


def used(found: Limits, spent: spending.Spent) -> list[Used]:
    """Of the day and of the month."""
    return [
        Used(
            name,
            NAMES[name],
            str(written.money(Decimal(micros) / (100 * CENT), rates.current().currency)),
            shown(name, getattr(found, name)),
            _percent(micros, getattr(found, name)),
        )
        for name, micros in (("day_cents", spent.day), ("month_cents", spent.month))
    ]


def _percent(micros: int, cents: int) -> int:
    """Of nothing all is used."""
    return 100 * micros // (cents * CENT) if cents else 100


def of_scope() -> list[Used]:
    """Of the tenant in scope; nothing across tenants."""
    tenant_id = current_tenant_id()
    if tenant_id is None:
        return []
    nothing = spending.Spent(tenant_id, 0, 0)
    return used(limits.of_tenant(tenant_id), next(iter(spending.spent()), nothing))


def near_today() -> Iterator[tuple[Any, bool]]:
    """Limits of how many call that came near today, by name; whether they were reached."""
    midnight = datetime.combine(moments.today(), time(), moments.zone()).astimezone(UTC)
    told = db.session.scalars(
        select(Job.args).where(Job.kind == JobKind.LIMIT_MAIL, Job.created_at >= midnight)
    )
    reached: dict[str, bool] = {}
    for args in told:
        name = str(args.get("limit"))
        if name in NEAR:
            reached[name] = reached.get(name, False) or args.get("percent") == REACHED
    return ((NAMES[name], was) for name, was in reached.items())


def close() -> list[Used]:
    """Of the tenant in scope, what is nearly used up, or is."""
    return [one for one in of_scope() if one.percent >= WARNED_AT]
