"""Somebody who works for a business of the drills, made in a process of its own, and REST as
that person."""

from typing import Any

import requests

from app.cli.prepare import worker
from app.embedded.ports import HOST
from bench.drills import payloads
from bench.drills.businesses import Business
from bench.drills.world import World

PATIENCE = 30


class Refused(Exception):
    """REST answered something else than what was asked for."""


class Admin:
    """The business's own, signed in. Raises Refused, app.cli.prepare.NotPrepared."""

    def __init__(self, world: World, business: Business) -> None:
        with worker(world.folder / "staff.log") as call:
            username, password = call(
                _make, world.settings, business.tenant_id, next(payloads.names)
            )
        self._headers: dict[str, str] = {}
        self._base = f"http://{HOST}:{world.nodes[0]}/api/v1"
        who = {"username": username, "password": password, "provider": "db"}
        token = self.post("/security/login", who)["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(
            self._base + path, json=body, headers=self._headers, timeout=PATIENCE
        )
        if not answer.ok:
            raise Refused(f"{path}: {answer.status_code}: {answer.text[:200]}")
        told: dict[str, Any] = answer.json()
        return told


def _make(settings: Any, tenant_id: int, first: int) -> tuple[str, str]:
    from types import SimpleNamespace

    from app import create_app
    from tests.factories import PASSWORD, Rows

    rows = Rows(create_app(settings, admin=False), first)
    user = rows.user(SimpleNamespace(id=tenant_id))  # type: ignore[arg-type]
    return user.username, PASSWORD
