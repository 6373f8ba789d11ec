"""Setting up in tests: what is typed into each page, and what came of it."""

import html
import re
from typing import Any

from flask import Flask
from sqlalchemy import inspect

from app import models, starters
from app.extensions import db
from app.tenancy import across_tenants, acting_for
from tests.web.speaking import Browser
from tests.web.test_opening import week

DENTAL = starters.of("dental_practice", "en-US")
WEEKDAYS = week(d0="09:00-17:00", d1="09:00-17:00")
WHERE, PARKING, INSURANCE = (DENTAL.knowledge[at] for at in (0, 1, 5))
FILLED = {
    f"use-{WHERE.key}": "1", f"blank-{WHERE.key}-0": "5 Main Street",
    f"blank-{WHERE.key}-1": "Denver",
    f"use-{PARKING.key}": "1", f"own-{PARKING.key}": "Yes, behind the house.",
    f"use-{INSURANCE.key}": "1",
}  # fmt: skip
DESKS = {
    "d0-offered": "1", "d0-keep": "1", "d0-name": "Front desk", "d0-numbers": "(303) 555-0120",
    "d0-description": "Appointments.", "d0-operator": "1",
    "d1-offered": "1", "d1-keep": "1", "d1-name": "Emergencies", "d1-numbers": "+13035550121",
    "d1-description": "Pain.",
    "d2-offered": "1", "d2-name": "Billing", "d2-numbers": "nonsense, but not kept",
    "d3-name": "", "d3-numbers": "", "on_call": "d1-",
}  # fmt: skip
MAILS = {"lead_recipients": "desk@example.com\nann@example.com", "summaries": "1"}


def business(**values: str) -> dict[str, str]:
    return {
        "name": "Corner Dental", "trade": "dental_practice", "timezone": "America/Denver",
        "language": "en-US",
    } | values  # fmt: skip


def found(browser: Browser, **values: str) -> dict[str, str]:
    """The form of a business to be, with the key of its page."""
    key = re.search(r'name="key" value="(\w+)"', browser.get("/setup/new").text)
    assert key
    return business(key=key[1], **values)


def went_on(browser: Browser, step: str, **values: str) -> str:
    answer = browser.post_form(f"/setup/{step}", **values)
    assert answer.status_code == 302, html.unescape(answer.text)
    return str(answer.location).rpartition("/")[2]


def page(browser: Browser, step: str, **values: str) -> str:
    """What is shown, or shown again when it was not saved."""
    path = f"/setup/{step}"
    answer = browser.post_form(path, **values) if values else browser.get(path)
    assert answer.status_code == 200, answer.location
    return html.unescape(answer.text)


def kept(app: Flask, tenant_id: int, model: type, *columns: str) -> list[Any]:
    """The tenant's rows, oldest first: whole, or as tuples of some columns."""
    with app.app_context(), acting_for(tenant_id):
        order = inspect(model).columns.get("id")
        read = db.session.query(model).order_by(order).all()
        db.session.expunge_all()
    return [tuple(getattr(row, c) for c in columns) for row in read] if columns else read


def all_tenants(app: Flask) -> list[models.Tenant]:
    with app.app_context(), across_tenants():
        read = db.session.query(models.Tenant).order_by(models.Tenant.id).all()
        db.session.expunge_all()
    return read


def facts(row: Any) -> dict[str, Any]:
    """All of a row but which it is and when it was saved."""
    told = inspect(type(row)).column_attrs.keys()
    apart = {"id", "tenant_id", "created_at", "updated_at", "version", "on_call_id", "slug"}
    return {name: getattr(row, name) for name in told if name not in apart}
