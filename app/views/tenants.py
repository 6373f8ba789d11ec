"""Businesses on this installation; adding one gives it a receptionist and limits."""

import re
import unicodedata
from typing import Any

from marshmallow import fields
from sqlalchemy import select
from wtforms.validators import Length

from app.extensions import db
from app.limits import CEILINGS
from app.models import CallLimits, ReceptionistConfig, Tenant
from app.tenancy import PLATFORM, current_scope
from app.views import checks
from app.views.bulk import TenantActions
from app.views.entity import Entity
from app.views.exports import ExportApi
from app.views.fields import Words, length
from app.views.forms import SecretField, WordsField
from app.views.leaving import LeavingApi, LeavingPage
from app.views.refusals import Refused

INTAKE = ["name", "phone", "reason"]
USUAL = "Empty: the installation's setting."


class TenantRules:
    def pre_add(self, item: Tenant) -> None:
        if current_scope() is not PLATFORM:
            raise Refused("A new tenant is added without acting for another.")
        item.slug = item.slug or free_slug(item.name)
        db.session.add(item)
        db.session.flush()
        db.session.add(ReceptionistConfig(tenant_id=item.id, intake_fields=INTAKE))
        db.session.add(CallLimits(tenant_id=item.id))

    def pre_update(self, item: Tenant) -> None:
        item.slug = item.slug or free_slug(item.name)


class TenantPage(LeavingPage, TenantRules, TenantActions):
    list_template = "tenant_list.html"


class TenantApi(LeavingApi, ExportApi, TenantRules):
    pass


def free_slug(name: str) -> str:
    """Made from the name, numbered when it is taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    wanted = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "tenant"
    taken = set(db.session.scalars(select(Tenant.slug).where(Tenant.slug.startswith(wanted))))
    numbered = (f"{wanted}-{n}" for n in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(s for s in numbered if s not in taken)


def _secret(check: Any = None) -> fields.Field:
    return Words(check, load_only=True, required=False, allow_none=True, validate=length(1, 64))


TENANTS = Entity(
    model=Tenant, resource="tenants", menu="Tenants", category="Platform", icon="fa-building",
    list_columns=("name", "slug", "timezone", "status", "created_at"),
    form_columns=(
        "name", "slug", "timezone", "status", "account_sid", "auth_token", *CEILINGS.values(),
    ),
    secrets=("account_sid", "auth_token"),
    platform=True,
    labels={
        "most_calls_at_once": "Most calls at once",
        "most_calls_per_minute": "Most calls within a minute",
        "most_day_cents": "Most that a day may cost (cents)",
        "most_month_cents": "Most that a month may cost (cents)",
    },
    fieldsets={"How far its own limits may go": tuple(CEILINGS.values())},
    help={
        "most_calls_at_once": "The business may choose less under Limits. " + USUAL,
        "most_calls_per_minute": "As above. " + USUAL,
        "most_day_cents":
            "Of all its calls, transfers, tokens and mails. The business may choose less. " + USUAL,
        "most_month_cents": "As above. " + USUAL,
        "name": "As callers hear it.",
        "slug": "Its name in addresses and file names. Made from the name if empty.",
        "account_sid": "Of its own account at Twilio. Empty: the installation's, or left as it is.",
        "auth_token": "The secret of that account; kept encrypted, never shown.",
        "timezone": "Of its opening hours and of all times shown, such as America/New_York.",
        "status": "Suspended: callers are forwarded or told. Closed: nobody signs in, either.",
    },
    checks={"timezone": checks.time_zone, "slug": checks.slug, "name": checks.filled},
    special={
        "slug": Words(checks.slug, required=False, validate=length(1, 60)),
        "account_sid": _secret(checks.account_sid),
        "auth_token": _secret(),
    },
    inputs={
        "slug": WordsField(
            "Slug", check=checks.slug, validators=[Length(max=60)],
        ),
        "account_sid": SecretField("Account SID", check=checks.account_sid),
        "auth_token": SecretField("Auth token", validators=[Length(max=64)]),
    },
    also=("export",), actions={"leave": "write"},
    page=TenantPage, api=TenantApi,
)  # fmt: skip
