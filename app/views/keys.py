"""API keys: scripts act for their tenant with a role, narrowed to reading or writing."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, flash, g, request
from flask_login import UserMixin
from sqlalchemy import or_, select, update
from wtforms import SelectChoice, SelectField
from wtforms.validators import InputRequired

from app.extensions import db
from app.models import ApiKey, Role, Tenant, TenantStatus
from app.roles import RoleName
from app.tenancy import across_tenants, bind
from app.views import checks, widgets
from app.views.bulk import REVOKE, acting
from app.views.entity import READ, Entity
from app.views.forms import TicksField
from app.views.helping import people_only
from app.views.refusals import Refused
from app.views.signin import forget_cookie, own_tenant_only

PREFIX = "rk_"
SCRIPTED = ("/api/", "/twilio/")
DOCUMENTATION = "/api/v1/_openapi"
SHOWN = 11  # of a key, in lists
SCOPES = ("read", "write")
TENANT_ROLES = tuple(role for role in RoleName if role is not RoleName.SUPER_ADMIN)
ROLE_CHOICES = [SelectChoice(value=str(role), label=str(role)) for role in TENANT_ROLES]


def role_field(**options: Any) -> SelectField:
    """One of a tenant's roles, in a form."""
    needed = [InputRequired()]
    return SelectField(
        "Role", choices=ROLE_CHOICES, validators=needed, widget=widgets.Choice(), **options
    )


@dataclass(frozen=True)
class RoleOfKey:
    """As much of a role as Flask-AppBuilder's check reads."""

    id: int
    name: str


class KeyHolder(UserMixin):
    """Stands where Flask-AppBuilder expects a user."""

    id = None
    groups: tuple[()] = ()

    def __init__(self, prefix: str, role: RoleOfKey) -> None:
        self.prefix = prefix
        self.roles = [role]

    def get_id(self) -> str:
        return f"key:{self.prefix}"


def prove() -> None:
    """Before each request of a script: no cookie counts; an API key proves whose it is. (The
    documentation is read by browsers, too, and holds nobody's rows.)"""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if request.path.startswith(SCRIPTED) and (token or request.path != DOCUMENTATION):
        forget_cookie()
        if kind.lower() == "bearer" and token.startswith(PREFIX):
            _admit(token.strip())


def _admit(key: str) -> None:
    with across_tenants():
        found = db.session.execute(
            select(ApiKey.id, ApiKey.tenant_id, ApiKey.prefix, ApiKey.scopes, Role.id, Role.name)
            .join(Role, Role.name == ApiKey.role)
            .join(Tenant, Tenant.id == ApiKey.tenant_id)
            .where(
                ApiKey.key_hash == _hash(key),
                ApiKey.revoked_at.is_(None),
                Tenant.status != TenantStatus.CLOSED,
                ApiKey.role.in_(TENANT_ROLES),
                or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > datetime.now(UTC)),
            )
        ).one_or_none()
        if found is None:
            abort(401, "This API key is unknown, expired or revoked.")
        key_id, tenant_id, prefix, scopes, role_id, role = found
        _note_use(key_id)
    needed = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "write"
    if needed not in scopes:
        abort(403, f"This API key may not {needed}.")
    own_tenant_only(tenant_id)
    bind(tenant_id)
    g.api_key = prefix
    g.audit_actor = f"key:{prefix}"
    g._login_user = KeyHolder(prefix, RoleOfKey(role_id, role))


def _note_use(key_id: int) -> None:
    """Once a minute is enough to tell a living key from a forgotten one."""
    now = datetime.now(UTC)
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - timedelta(minutes=1))
    noted: Any = db.session.execute(
        update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=now),
        execution_options={"synchronize_session": False},
    )
    if noted.rowcount:
        db.session.commit()


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRules:
    """Adding makes the key, deleting revokes it."""

    def pre_add(self, item: ApiKey) -> None:
        people_only()
        if item.expires_at and item.expires_at <= datetime.now(UTC):
            raise Refused("This time is past. Give one to come, or none.", "expires_at")
        key = PREFIX + secrets.token_urlsafe(32)
        item.prefix, item.key_hash = key[:SHOWN], _hash(key)
        item.scopes = sorted(set(item.scopes or SCOPES))
        item.plain = key


def _revoke(item: ApiKey) -> None:
    item.revoked_at = item.revoked_at or datetime.now(UTC)


class KeyApi(KeyRules):
    def _need_tenant(self, writing: bool) -> None:
        """A key is refused before anything is read."""
        if writing:
            people_only()
        super()._need_tenant(writing)  # type: ignore[misc]

    def once(self, item: Any) -> dict[str, Any]:
        return {"key": item.plain}

    def remove(self, item: ApiKey) -> None:
        _revoke(item)
        self.datamodel.edit(item)  # type: ignore[attr-defined]


class KeyPage(KeyRules):
    add_row_message = "The key was made."
    bulk_revoke = acting(
        REVOKE, "Revoke", lambda page, row: _revoke(row), "Revoked",
        sure="Revoke the selected keys?", icon="fa-ban",
    )  # fmt: skip

    def post_add(self, item: Any) -> None:
        flash(f"Copy the key now, it is not shown again: {item.plain}", "info")

    def _delete(self, pk: Any) -> None:
        self._need_tenant()  # type: ignore[attr-defined]
        item = self.datamodel.get(pk) or abort(404)  # type: ignore[attr-defined]
        _revoke(item)
        self.datamodel.edit(item)  # type: ignore[attr-defined]
        flash("The key was revoked.", "success")
        self.update_redirect()  # type: ignore[attr-defined]


KEYS = Entity(
    model=ApiKey, resource="keys", menu="API keys", category="Access", icon="fa-key",
    list_columns=("name", "prefix", "role", "scopes", "expires_at", "revoked_at", "last_used_at"),
    form_columns=("name", "role", "scopes", "expires_at"),
    may=(*READ, "add", "delete"),
    help={
        "name": "What uses it, such as: our CRM.",
        "role": "It may at most what this role may. A Viewer reads calls, leads and knowledge.",
        "scopes": "What it may of that. None: everything the role may.",
        "expires_at": "From then on it is refused. Empty: it stays good until you revoke it.",
    },
    checks={"role": checks.one_of(TENANT_ROLES), "scopes": checks.one_of(SCOPES)},
    inputs={
        "role": role_field(default=str(RoleName.VIEWER)),
        "scopes": TicksField("Scopes", choices=list(SCOPES)),
    },
    page=KeyPage, api=KeyApi,
)  # fmt: skip
