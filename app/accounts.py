"""Which Twilio account is a tenant's: its own subaccount, or the installation's."""

import json

from flask import current_app

from app.carrier import Account
from app.models import Tenant
from config import Settings


def installation() -> Account | None:
    """None: no account is configured."""
    settings = _settings()
    return _account(settings.twilio_account_sid, settings.twilio_auth_token)


def account_of(tenant: Tenant) -> Account | None:
    """None: it has none, or its token is missing."""
    if tenant.account_sid:
        return _account(tenant.account_sid, tenant.auth_token or "")
    return installation()


def has_own(tenant: Tenant) -> bool:
    return bool(tenant.account_sid) and tenant.account_sid != _settings().twilio_account_sid


def is_of_its_own(tenant: Tenant) -> bool:
    """Whether what is in its account at Twilio is this business's affair."""
    return has_own(tenant) and tenant.account_sid not in demo()


def demo() -> frozenset[str]:
    """Their calls come from the built-in telephone: Twilio knows neither them nor the account."""
    try:
        content = json.loads((_settings().data_dir / "demo.json").read_text(encoding="utf-8"))
        return frozenset(tenant["account_sid"] for tenant in content["tenants"])
    except (OSError, ValueError, LookupError, TypeError):
        return frozenset()


def _account(sid: str, token: str) -> Account | None:
    return Account(sid, token, _settings().twilio_api_url) if sid and token else None


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
