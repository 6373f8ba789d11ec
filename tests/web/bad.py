"""Bad values for the fields of every entity, and good ones to put them among. By ENTITIES: a new
field is tried without being named; a new entity that can be added needs a line of GOOD."""

import html
import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from flask import Flask
from marshmallow import fields
from sqlalchemy import delete, func, select

from app import models
from app.extensions import db
from app.tenancy import across_tenants
from app.views import ENTITIES
from app.views.entity import Entity
from app.views.fields import (
    Amount,
    Clock,
    Day,
    Moment,
    RelatedId,
    Strings,
    Whole,
    Words,
    YesNo,
)
from tests.factories import Rows
from tests.web.speaking import Browser, Rest, log_in

PLATFORM = (models.Tenant, models.Price)  # changed without acting for a business

MARKUP = "<script>alert(1)</script>"
FORMULA = "=HYPERLINK(1)"
GIANT = "x" * 200_000
UNSEEN = ("a\0b", "bell\x07", "\x1b[31mred", "half \ud800")
# What each kind of REST field is not.
WRONG: dict[type, tuple[Any, ...]] = {
    Words: (5, True, [], ["x"], {"id": 1}),
    Strings: ("x", 5, {"id": 1}, [5], [None], [["x"]], ["x"] * 300),
    YesNo: ("perhaps", 5, [], {"id": 1}),
    RelatedId: ("x", 1.5, True, [1], {"id": 1}, 10**30, -1),
    Whole: ("x", 1.5, True, [1], {"id": 1}, 10**30),
    Amount: ("x", True, [], "NaN", "Infinity", -1, 10**30, "0.00000000001"),
    Moment: ("x", 5, [], "2027-13-45", "25:99", {"at": 1}),
    Day: ("x", 5, [], "2027-13-45", {"at": 1}),
    Clock: ("x", 5, [], "25:99", "09:00+02:00", {"at": 1}),
    fields.Dict: ("x", 5, []),
}
# A whole body that is accepted, the nth of its kind.
GOOD: dict[str, Callable[[int], dict[str, Any]]] = {
    "leads": lambda n: {"name": "Ada"},
    "blocks": lambda n: {"phone": f"+1303555{n:04d}"},
    "numbers": lambda n: {"number": f"+1212555{n:04d}"},
    "departments": lambda n: {"name": "Sales", "numbers": ["+12125550111"]},
    "hours": lambda n: {"weekday": 2, "opens": "09:00", "closes": "17:00"},
    "holidays": lambda n: {"day": str(date(2030, 1, 1) + timedelta(n)), "name": "Fair"},
    "knowledge": lambda n: {"question": "Do you deliver?", "answer": "Yes."},
    "users": lambda n: {
        "username": f"eve{n}", "email": f"eve{n}@example.org", "first_name": "Eve",
        "last_name": "Test", "role": "Viewer",
    },
    "keys": lambda n: {"name": "Script", "role": "Viewer"},
    "webhooks": lambda n: {"url": "https://hooks.example.com/calls", "events": ["call.ended"]},
    "tenants": lambda n: {"name": "Corner Shop", "slug": f"corner-{n}"},
    "prices": lambda n: {"kind": "mails", "amount": "0.1", "valid_from": f"20{n % 90 + 10}-01-01"},
}  # fmt: skip
# Fields whose value nobody else may have, and what is said: whole bodies for a key of several.
UNIQUE: dict[str, tuple[str, ...]] = {
    "blocks": ("phone",), "numbers": ("number",), "holidays": ("day",),
    "users": ("username", "email"), "tenants": ("slug",), "prices": ("valid_from",),
}  # fmt: skip
TOLD = re.compile(r"psycopg|insert into|select .* from|sqlalche|violat|traceback|constraint", re.I)
# What says neither what is wrong nor what to do.
EMPTY = re.compile(
    r"not a valid (string|integer|boolean|date|time)\.|missing data|unknown field", re.I
)


def wrong(field: Any) -> Iterator[tuple[str, Any]]:
    """Values that this REST field must refuse, whatever else the body says; with their kind."""
    for value in next(values for kind, values in WRONG.items() if type(field) is kind):
        yield "wrong type", value
    if isinstance(field, Words | Strings):
        for text in (GIANT, *UNSEEN):
            value = [text] if isinstance(field, Strings) else text
            yield "giant" if text == GIANT else "unseen signs", value
    if not field.allow_none:
        yield "null", None


def one_of_each(field: Any) -> list[tuple[str, Any]]:
    """The first of each kind: an edit reads its values as an addition does."""
    found: dict[str, Any] = {}
    for kind, value in wrong(field):
        found.setdefault(kind, value)
    return list(found.items())


def risky(field: Any) -> list[Any]:
    """Values that may be kept, if they do no harm where they are shown."""
    match field:
        case Words():
            return [MARKUP, FORMULA, "'; drop table lead; --"]
        case Strings():
            return [[MARKUP], [FORMULA]]
    return []


def writes(entity: Entity, verb: str) -> tuple[str, ...]:
    if verb not in entity.may:
        return ()
    return entity.form_columns if verb == "add" else entity.edit_columns or entity.form_columns


def every_row(rows: Rows, tenant: models.Tenant) -> dict[type, Any]:
    """One row of each entity."""
    return rows.every_kind(tenant) | {
        models.AuditLog: rows.audit(tenant), models.User: rows.user(tenant), models.Tenant: tenant,
        models.Price: rows.price(),
    }  # fmt: skip


def kept(app: Flask, entity: Entity) -> list[Any]:
    """Every row of this entity, all columns but those that reading moves."""
    table = entity.model.__table__
    columns = [c for c in table.columns if c.name not in ("last_login", "login_count")]
    with app.app_context(), across_tenants():
        return sorted(map(str, db.session.execute(select(*columns)).all()))


def forget_later_than(app: Flask, entity: Entity, last: int) -> None:
    """Takes away what was added since this id, so that the next one can be."""
    with app.app_context(), across_tenants():
        rows = entity.model.__table__
        if entity.model is models.User:
            link = models.User.roles.property.secondary
            db.session.execute(delete(link).where(link.c.user_id > last))
        db.session.execute(delete(rows).where(rows.c.id > last))
        db.session.commit()


def last_of(app: Flask, entity: Entity) -> int:
    with app.app_context(), across_tenants():
        return db.session.scalar(select(func.max(entity.model.id))) or 0


def filled(page: str) -> dict[str, str]:
    """What the form holds as it opens; selections by their selected option."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="checkbox"' not in tag:
            found[name.group(1)] = html.unescape(value.group(1)) if value else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        found[name] = html.unescape(text).lstrip("\r\n")
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option selected[^>]*value="([^"]*)"', options)
        found[name] = chosen.group(1) if chosen else ""
    return found


class Tried:
    """REST of one entity as a super admin has it who acts for a tenant."""

    def __init__(self, app: Flask, rest: Rest, entity: Entity, pk: int) -> None:
        self.app, self.rest, self.entity, self.pk = app, rest, entity, pk
        views = app.appbuilder.baseviews  # type: ignore[attr-defined]
        self.api = next(view for view in views if type(view).__name__ == f"{entity.name}Api")
        self.numbers = itertools.count(1)
        self.problems: list[str] = []
        self.last = last_of(app, entity)

    def fields(self, verb: str) -> dict[str, Any]:
        schema = self.api.add_model_schema if verb == "add" else self.api.edit_model_schema
        return {name: schema.fields[name] for name in writes(self.entity, verb)}

    def good(self, **values: Any) -> dict[str, Any]:
        return GOOD[self.entity.resource](next(self.numbers)) | values

    def send(self, verb: str, body: dict[str, Any]) -> Any:
        return self.send_text(verb, json.dumps(body))

    def send_text(self, verb: str, body: str, kind: str = "application/json") -> Any:
        base = f"{self.entity.resource}/"
        method, path = ("POST", base) if verb == "add" else ("PUT", f"{base}{self.pk}")
        return self.rest.ask(method, path, data=body, content_type=kind)

    def refused(self, verb: str, name: str, body: dict[str, Any], kind: str) -> str:
        """Must be, at this field and no other; the message."""
        answer = self.send(verb, body)
        said = f"{verb} {self.entity.resource}.{name}, {kind} {str(body.get(name))[:30]!r}"
        if answer.status_code != 422:
            self.problems.append(f"{said}: answered {answer.status_code} {answer.text[:200]}")
            return ""
        message = answer.get_json()["message"]
        told = TOLD.search(answer.text) or EMPTY.search(answer.text)
        if told or len(answer.text) > 3_000:
            self.problems.append(f"{said}: tells {answer.text[:200]}")
        if not isinstance(message, dict) or message.keys() != {name}:
            self.problems.append(f"{said}: at another field: {answer.text[:200]}")
        return answer.text

    def is_kept(self, verb: str, name: str, value: Any) -> bool:
        """Kept as it is, or else refused at this field."""
        body = (self.good() if verb == "add" else {}) | {name: value}
        answer = self.send(verb, body)
        if answer.status_code == 422:
            self.refused(verb, name, body, "risky")
            return False
        result = answer.get_json().get("result", {})
        if result.get(name) not in (value, None):
            self.problems.append(f"{self.entity.resource}.{name}: {value!r} became something else")
        if verb == "add":
            self.clean()
        return True

    def clean(self) -> None:
        forget_later_than(self.app, self.entity, self.last)

    def nothing_saved(self, what: str, before: list[Any]) -> None:
        if kept(self.app, self.entity) != before:
            self.problems.append(f"{self.entity.resource}, {what}: what was refused was saved")


class World:
    """A business with a row of each entity, a stranger's, and a super admin who tries."""

    def __init__(self, app: Flask) -> None:
        rows = Rows(app)
        tenant = rows.tenant()
        found, self.foreign = every_row(rows, tenant), rows.every_kind(rows.tenant())
        boss = rows.super_admin().username
        platform = Rest(app.test_client(use_cookies=False)).sign_in(boss)
        acting = platform.acting_for(tenant.id)
        self._boss, self._acting = (log_in(app.test_client(), boss) for _ in range(2))
        self._acting.act_as(tenant.id)
        self.tries = [
            Tried(app, platform if e.model in PLATFORM else acting, e, found[e.model].id)
            for e in ENTITIES
            if {"add", "edit"} & {*e.may}
        ]

    def browser(self, tried: Tried) -> Browser:
        return self._boss if tried.entity.model in PLATFORM else self._acting

    @property
    def problems(self) -> list[str]:
        return [problem for tried in self.tries for problem in tried.problems]
