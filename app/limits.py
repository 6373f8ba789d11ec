"""How far the calls of a tenant may go: its own limits, within the operator's ceilings, else the
installation's settings."""

from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import CallLimits, Tenant, Treatment

# A tenant may lower these, and never pass what its operator allows.
CEILINGS = {
    "calls_at_once": "most_calls_at_once",
    "calls_per_minute": "most_calls_per_minute",
    "day_cents": "most_day_cents",
    "month_cents": "most_month_cents",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds. Cents are hundredths of the currency of the prices."""

    calls_at_once: int
    calls_per_minute: int
    caller_at_once: int
    caller_per_minute: int
    call_seconds: int
    talk_seconds: int
    call_tokens: int
    call_cents: int
    caller_day_cents: int
    day_cents: int
    month_cents: int
    withheld: Treatment = Treatment.ANSWER
    unverified: Treatment = Treatment.MESSAGE
    robocalls: bool = True


NUMBERS = tuple(
    name for name in Limits.__slots__ if name not in ("withheld", "unverified", "robocalls")
)


def in_force(tenant: Tenant, own: CallLimits | None) -> Limits:
    """Pure but for the settings."""
    held: dict[str, Any] = {name: ceiling(tenant, name) for name in NUMBERS}
    if own is None:
        return Limits(**held)
    chosen = {name: getattr(own, name) for name in NUMBERS}
    for name, value in chosen.items():
        if value is not None:
            held[name] = min(value, held[name]) if name in CEILINGS else value
    return Limits(
        **held,
        withheld=Treatment(own.withheld),
        unverified=Treatment(own.unverified),
        robocalls=own.robocalls,
    )


def ceiling(tenant: Tenant, name: str) -> int:
    """The most that a tenant's own limit may be, where there is a ceiling; else what holds when it
    chooses none."""
    most = getattr(tenant, CEILINGS[name]) if name in CEILINGS else None
    return int(_setting(name) if most is None else most)


def of_tenant(tenant_id: int) -> Limits:
    """One statement. Raises when there is no such tenant in scope."""
    tenant, own = db.session.execute(
        select(Tenant, CallLimits)
        .outerjoin(CallLimits, CallLimits.tenant_id == Tenant.id)
        .where(Tenant.id == tenant_id)
    ).one()
    return in_force(tenant, own)


def _setting(name: str) -> Any:
    return getattr(current_app.extensions["settings"], f"limit_{name}")
