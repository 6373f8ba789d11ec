"""The first super admin, and two demo tenants for an empty database."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from flask import Flask
from sqlalchemy import select, text
from werkzeug.security import generate_password_hash

from app import create_app, passwords
from app.extensions import db
from app.models import (
    CallLimits,
    Department,
    Holiday,
    KnowledgeEntry,
    OpeningHours,
    ReceptionistConfig,
    Role,
    Tenant,
    TwilioNumber,
    User,
)
from app.roles import RoleName
from app.tenancy import across_tenants
from config import BadSetting, Settings

DEMO: Final = Path(__file__).with_name("demo")
WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ORDINALS: Final = ("first", "second", "third", "fourth")
# Held while looking and making, so that two starts at once do not both make one.
LOCK: Final = text("select pg_advisory_xact_lock(7236002)")


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str


def ensure_super_admin(settings: Settings) -> Credentials | None:
    """Make ADMIN_EMAIL super admin, with ADMIN_PASSWORD or a random one; None if there is one."""
    with _app(settings).app_context(), across_tenants():
        db.session.execute(LOCK)
        role = _role(RoleName.SUPER_ADMIN)
        known = select(User.id).where(User.roles.contains(role), User.tenant_id.is_(None))
        if db.session.scalars(known.limit(1)).first():
            return None
        _check_password(settings)
        made = _add_user(
            role, settings.admin_email, "Super", "Admin", settings.admin_password or _password()
        )
        db.session.commit()
        return made


def _check_password(settings: Settings) -> None:
    """Where people do not get at it, any will do. Raises BadSetting."""
    if not (settings.is_production and settings.admin_password):
        return
    try:
        passwords.check(settings.admin_password, settings.admin_email)
    except ValueError as error:
        raise BadSetting(f"ADMIN_PASSWORD: {error}") from error


def load_demo(settings: Settings) -> dict[str, Any] | None:
    """Make the demo tenants; returns what demo.json says of them (DESIGN section 1).

    None, and nothing is made, in production or if there is any tenant.
    """
    if settings.is_production:
        return None
    with _app(settings).app_context(), across_tenants():
        db.session.execute(LOCK)
        if db.session.scalars(select(Tenant.id).limit(1)).first():
            return None
        tenants = [_load(DEMO / name) for name in ("northside_dental.yaml", "hogar_sierra.yaml")]
        db.session.commit()
        return {"tenants": tenants}


def _app(settings: Settings) -> Flask:
    return create_app(settings, admin=False)


def _load(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    account_sid, auth_token = f"AC{secrets.token_hex(16)}", secrets.token_hex(16)
    tenant = Tenant(
        name=found["name"],
        slug=found["slug"],
        timezone=found["timezone"],
        account_sid=account_sid,
        auth_token=auth_token,
        most_calls_at_once=found["limits"]["calls_at_once"],
        most_calls_per_minute=found["limits"]["calls_per_minute"],
    )
    db.session.add(tenant)
    db.session.flush()
    _add_rows(tenant.id, found)
    person = found["admin"]
    admin = _add_user(
        _role(RoleName.TENANT_ADMIN),
        person["email"],
        person["first_name"],
        person["last_name"],
        _password(),
        tenant.id,
    )
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "number": found["number"],
        "account_sid": account_sid,
        "auth_token": auth_token,
        "admin": {"username": admin.username, "password": admin.password},
    }


def _add_rows(tenant_id: int, found: dict[str, Any]) -> None:
    """Written out rather than acted for: all of it is one transaction of the platform."""
    language = found["receptionist"]["language"].partition("-")[0]
    on_call = found["receptionist"].pop("on_call")
    receptionist = ReceptionistConfig(**found["receptionist"])
    rows: list[Any] = [
        receptionist,
        CallLimits(**found["limits"]),
        TwilioNumber(number=found["number"], label=found["label"]),
        *(KnowledgeEntry(language=language, **entry) for entry in found["knowledge"]),
        *_hours(found["hours"]),
        *_holidays(found["holidays"], date.today()),
    ]
    for position, described in enumerate(found["departments"], start=1):
        weekly = described.pop("hours", {})
        department = Department(position=position, tenant_id=tenant_id, **described)
        db.session.add(department)
        db.session.flush()
        rows += _hours(weekly, department.id)
        if department.name == on_call:
            receptionist.on_call_id = department.id
    for row in rows:
        row.tenant_id = tenant_id
    db.session.add_all(rows)
    db.session.flush()


def _hours(weekly: dict[str, list[str]], department_id: int | None = None) -> list[OpeningHours]:
    return [
        OpeningHours(
            weekday=WEEK.index(day), department_id=department_id, opens=opens, closes=closes
        )
        for day, spans in weekly.items()
        for opens, closes in map(_span, spans)
    ]


def _holidays(described: list[dict[str, str]], today: date) -> Iterator[Holiday]:
    """The next two of each, so that a demo is not out of date soon."""
    for holiday in described:
        opens, closes = _span(holiday["hours"]) if "hours" in holiday else (None, None)
        days = (day_in(year, holiday["day"]) for year in range(today.year, today.year + 3))
        for day in [day for day in days if day >= today][:2]:
            yield Holiday(name=holiday["name"], day=day, opens=opens, closes=closes)


def day_in(year: int, rule: str) -> date:
    """`12-25`, or `fourth thu 11`: the fourth Thursday of November."""
    ordinal, *rest = rule.split()
    if not rest:
        return date.fromisoformat(f"{year}-{rule}")
    weekday, month = rest
    first = date(year, int(month), 1)
    ahead = (WEEK.index(weekday) - first.weekday()) % 7 + 7 * ORDINALS.index(ordinal)
    return first + timedelta(days=ahead)


def _span(span: str) -> tuple[time, time]:
    opens, closes = span.split("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)


def _role(name: RoleName) -> Role:
    found = db.session.scalars(select(Role).where(Role.name == name)).one_or_none()
    if found is None:
        found = Role(name=str(name))
        db.session.add(found)
    return found


def _add_user(
    role: Role, email: str, first: str, last: str, password: str, tenant_id: int | None = None
) -> Credentials:
    user = User(
        username=email,
        email=email,
        first_name=first,
        last_name=last,
        password=generate_password_hash(password),
        active=True,
        tenant_id=tenant_id,
        roles=[role],
    )
    db.session.add(user)
    db.session.flush()
    return Credentials(email, password)


def _password() -> str:
    return secrets.token_urlsafe(12)
