"""A business that is always open, as rows: for measurements that need no panel."""

from collections.abc import Iterable
from datetime import time as clock
from typing import Any

from flask import Flask

from app import models
from app.extensions import db
from app.tenancy import across_tenants


def set_up(
    app: Flask, number: str, entries: Iterable[tuple[str, str]], **receptionist: Any
) -> None:
    """`entries` are questions with their answers, `receptionist` fields of its settings."""
    with app.app_context(), across_tenants():
        tenant = models.Tenant(name="Bench Plumbing", slug=f"bench-{number.strip('+')}")
        db.session.add(tenant)
        db.session.flush()
        own: dict[str, Any] = {"tenant_id": tenant.id}
        db.session.add_all([
            models.TwilioNumber(number=number, **own),
            models.ReceptionistConfig(greeting="", **receptionist, **own),
            *(models.KnowledgeEntry(question=question, answer=answer, **own)
              for question, answer in entries),
            *(models.OpeningHours(weekday=day, opens=clock(0), closes=clock(0), **own)
              for day in range(7)),
        ])  # fmt: skip
        db.session.commit()
