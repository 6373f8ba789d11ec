"""Bad input to every form and every REST body: a message that names the field and what to do, what
was typed is still there, nothing is saved, nothing is told. Derived from ENTITIES: a new entity is
tried, too."""

import html
import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import models
from app.extensions import db
from app.tenancy import across_tenants
from app.views import ENTITIES
from app.views.entity import Entity
from tests.factories import Rows
from tests.web.speaking import Browser, Rest, log_in

MARKUP = "<script>alert(1)</script>"
HUGE = "x" * 200_000
IMPOSSIBLE = ("\0", "a\0b", "\ud800", HUGE, {"id": 1}, [[]], 10**30)  # in every column
VALUES: tuple[Any, ...] = (
    None, True, 5, -1, 2**31, 1.5, "", " ", MARKUP, "=HYPERLINK(1)", "'; drop table lead; --", "x",
    [], [None], ["x"] * 300, "2027-13-45", "25:99", "+1900", [MARKUP, "\0"],
)  # fmt: skip
TYPED = (
    "a\0b", "x" * 30_000, MARKUP, "=1+1", "'; drop table lead; --", "x", "-1", str(2**31), "9" * 40,
    "2027-13-45", "25:99", "09:00+02:00", "\n".join(["x"] * 300),
)  # fmt: skip
REFUSED = re.compile(r'<p class="message"')
BODIES = (
    "[]", "null", "5", '"x"', "[{}]", '{"no_such_field": 1}', '{"id": 7}', '{"tenant_id": 1}',
    '{"tenant": 1}', "", "{", '{"a": 1', "[" * 5_000 + "]" * 5_000, "\xff", "NaN{",
)  # fmt: skip
QUERIES = (
    "(filters:!((col:nothing,opr:eq,value:1)))", "(filters:!((col:id,opr:nothing,value:1)))",
    "(filters:!((col:id,opr:eq,value:x)))", "(filters:!((col:id,opr:eq,value:99999999999)))",
    "(filters:!((col:!(id),opr:eq,value:1)))", "(filters:5)", "(filters:!(5))",
    "(order_column:nothing,order_direction:asc)", "(order_column:id,order_direction:sideways)",
    "(order_column:!(id),order_direction:asc)", "(page:x)", "(page:-1,page_size:x)",
    "((((", "(a", "!(", "{", '{"page": "x"}', "(filters:!((col:id,opr:eq,value:'\0')))",
    "(" * 3_000,
)  # fmt: skip
TOLD = re.compile(r"psycopg|insert into|select .* from|sqlalche|violat|traceback|constraint", re.I)
# What says neither what is wrong nor what to do.
EMPTY = re.compile(
    r"not a valid (string|integer|boolean|date|time)\.|missing data|unknown field", re.I
)


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    return rows.tenant()


@pytest.fixture
def found(rows: Rows, tenant: models.Tenant) -> dict[type, int]:
    """The id of one row of each entity."""
    every = rows.every_kind(tenant) | {
        models.AuditLog: rows.audit(tenant), models.User: rows.user(tenant), models.Tenant: tenant,
        models.Price: rows.price(),
    }  # fmt: skip
    return {model: row.id for model, row in every.items()}


@pytest.fixture
def rest(rows: Rows, client: FlaskClient, tenant: models.Tenant) -> Rest:
    return Rest(client).sign_in(rows.super_admin().username).acting_for(tenant.id)


@pytest.fixture
def browser(rows: Rows, client: FlaskClient, tenant: models.Tenant) -> Browser:
    made = log_in(client, rows.super_admin().username)
    made.act_as(tenant.id)
    return made


def kept(app: Flask, entity: Entity) -> list[Any]:
    """Every row of this entity, all columns but those that reading moves."""
    table = entity.model.__table__
    columns = [c for c in table.columns if c.name not in ("last_login", "login_count")]
    with app.app_context(), across_tenants():
        return sorted(map(str, db.session.execute(select(*columns)).all()))


def writes(entity: Entity, verb: str) -> tuple[str, ...]:
    if verb not in entity.may:
        return ()
    return entity.form_columns if verb == "add" else entity.edit_columns or entity.form_columns


def attempts(entity: Entity, pk: int) -> list[tuple[str, str, tuple[str, ...]]]:
    """Method, path and columns of what REST may be sent."""
    base = f"{entity.resource}/"
    ways = (("POST", base, "add"), ("PUT", f"{base}{pk}", "edit"))
    return [(m, path, writes(entity, verb)) for m, path, verb in ways if writes(entity, verb)]


def wrong_with(answer: Any, columns: tuple[str, ...] = ()) -> str:
    """Why this answer does not do; "" if it does. A message by field names one of `columns`."""
    text = answer.get_data(as_text=True)
    if answer.status_code not in (400, 404, 413, 422):
        return f"answered {answer.status_code} {text[:200]}"
    if found := TOLD.search(text) or EMPTY.search(text):
        return f"tells {found.group()!r}: {text[:200]}"
    if len(text) > 5_000:
        return "answers too much"
    message = answer.get_json().get("message")
    if answer.status_code == 413:  # all of it
        return ""
    if columns and not (isinstance(message, dict) and message.keys() <= set(columns)):
        return f"names no field: {text[:200]}"
    return ""


def test_rest_names_the_field_and_saves_nothing(app, rest, found):
    """Every value in all columns at once, as all that is wrong is told at once; then whole bodies
    that are none."""
    bad = []
    for entity in ENTITIES:
        for method, path, columns in attempts(entity, found[entity.model]):
            before = kept(app, entity)
            for value in (*IMPOSSIBLE, *VALUES):
                body = json.dumps(dict.fromkeys(columns, value))
                answer = rest.ask(method, path, data=body, content_type="application/json")
                said = f"{method} {path} {str(value)[:30]!r}"
                if answer.status_code in (200, 201):  # good enough for each
                    before = kept(app, entity)
                elif problem := wrong_with(answer, columns):
                    bad.append(f"{said}: {problem}")
                elif value in IMPOSSIBLE and answer.status_code == 422:
                    unnamed = set(columns) - answer.get_json()["message"].keys()
                    bad += [f"{said}: says nothing of {column}" for column in unnamed]
            for body in BODIES:
                answer = rest.ask(method, path, data=body, content_type="application/json")
                if problem := wrong_with(answer):
                    bad.append(f"{method} {path} {body[:20]!r}: {problem}")
            if wrong_with(rest.ask(method, path, data="a=b")):
                bad.append(f"{method} {path}: a form is taken for JSON")
            if kept(app, entity) != before:
                bad.append(f"{method} {path}: what was refused was saved")
    assert not bad, "\n".join(bad)


def test_lists_refuse_what_they_do_not_know(rest, found):
    bad = []
    for entity in ENTITIES:
        base = f"{entity.resource}/"
        for q in QUERIES:
            if problem := wrong_with(rest.ask("GET", base, query_string={"q": q})):
                bad.append(f"{base} {q[:60]!r}: {problem}")
        for q in ("(page_size:100000000)", "(page_size:-1)", "(page_size:0)", "(page:99999999)"):
            answer = rest.ask("GET", base, query_string={"q": q})
            if (
                answer.status_code not in (200, 422)
                or len(answer.get_json().get("result", ())) > 100
            ):
                bad.append(f"{base} {q}: {answer.status_code} {answer.text[:200]}")
        for pk in ("0", "-1", "x", "9" * 30, "1%00", "1.5", "%F0%9F%92%A9"):
            answer = rest.ask("GET", f"{base}{pk}")
            if answer.status_code not in (404, 405):
                bad.append(f"{base}{pk}: {answer.status_code}")
    assert not bad, "\n".join(bad)


def test_forms_name_the_field_and_save_nothing(app, browser, found):
    """As the form opens, with every value in all inputs, and NUL in each."""
    bad = []
    for entity in ENTITIES:
        for verb, path in (("add", "add"), ("edit", f"edit/{found[entity.model]}")):
            address = f"/{entity.name.lower()}page/{path}"
            columns = writes(entity, verb)
            if not columns:
                continue
            usual = filled(browser.get(address).text)
            before = kept(app, entity)
            tries = [dict.fromkeys(columns, value) for value in TYPED]
            tries += [{column: "\0"} for column in columns if column in usual]
            for tried in tries:
                answer = browser.post(address, data=usual | tried)
                said = f"{address} {list(tried)[:2]}={next(iter(tried.values()))[:30]!r}"
                seen = html.unescape(re.sub(r"<[^>]+>", " ", answer.text))
                if answer.status_code not in (200, 302, 413):
                    bad.append(f"{said}: {answer.status_code}")
                elif MARKUP in answer.text or TOLD.search(seen):
                    bad.append(f"{said}: tells or runs")
                elif answer.status_code == 200 and not REFUSED.search(answer.text):
                    bad.append(f"{said}: no message")
                if answer.status_code == 302:
                    before = kept(app, entity)
            if kept(app, entity) != before:
                bad.append(f"{address}: what was refused was saved")
    assert not bad, "\n".join(bad)


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
