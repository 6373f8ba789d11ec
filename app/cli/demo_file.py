"""DATA_DIR/demo.json: what a script or a newcomer needs to try the demo; never in production."""

import json
import os
from pathlib import Path
from typing import Any

from config import Settings


def path(settings: Settings) -> Path:
    return settings.data_dir / "demo.json"


def read(settings: Settings) -> dict[str, Any]:
    try:
        found = json.loads(path(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(settings: Settings, login: tuple[str, str] | None, tenants: list[Any]) -> None:
    """The file for freshly loaded tenants. An admin made earlier keeps what was known of it."""
    known = read(settings).get("admin")
    if login or not known:
        username, password = login or (settings.admin_email, settings.admin_password)
        known = {"username": username, "password": password}
    _replace(settings, {"base_url": settings.public_base_url, "admin": known, "tenants": tenants})


def correct_base_url(settings: Settings) -> None:
    """The webhooks of the demo are signed for this address, which can change with the port."""
    found = read(settings)
    if found and not settings.is_production and found["base_url"] != settings.public_base_url:
        _replace(settings, found | {"base_url": settings.public_base_url})


def _replace(settings: Settings, content: dict[str, Any]) -> None:
    """At once, so that no reader sees half a file."""
    unfinished = path(settings).with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, path(settings))
