"""No list or record takes more statements because there is more to show: of every entity."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_type_hints

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, inspect
from sqlalchemy.orm import MANYTOONE

from app import models
from app.extensions import db
from app.tenancy import TenantOwned
from app.views import ENTITIES, filters, interface
from app.views.entity import Entity
from tests.factories import Rows
from tests.web.speaking import Browser, Rest, log_in

FEW, MANY = 3, 30
MOST = 15  # statements of any of them: signing in, the rows, their relations, the search form


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def maker(rows: Rows, model: type) -> Callable[..., Any] | None:
    """What makes rows of this model, found by what it says it returns."""
    for name, method in vars(Rows).items():
        if not name.startswith("_") and get_type_hints(method).get("return") is model:
            return getattr(rows, "user" if model is models.User else name)  # type: ignore[no-any-return]
    return None


def one(rows: Rows, tenant: models.Tenant, model: type) -> None:
    """A row, and a new one for each row that it names."""
    if model is models.Tenant:
        rows.tenant()
        return
    linked: dict[str, int] = {}
    for relation in inspect(model).relationships:
        make = maker(rows, relation.mapper.class_)
        if relation.direction is MANYTOONE and make and relation.key not in ("tenant", "user"):
            (column,) = relation.local_columns
            if issubclass(relation.mapper.class_, TenantOwned):
                linked[column.key] = make(tenant).id
    make = maker(rows, model)
    assert make, f"tests/factories.py makes no {model.__name__}"
    if model is models.Price:  # the platform's
        make(model=uuid.uuid4().hex)
    else:
        make(tenant, **linked)


def grow(rows: Rows, tenant: models.Tenant, entity: Entity, many: int) -> None:
    """Every third is another tenant's, of which nobody has two receptionists."""
    for n in range(many):
        others = n % 3 == 0 or entity.resource in ("receptionists", "limits")
        one(rows, rows.tenant() if others else tenant, entity.model)


def asks(entity: Entity, boss: Browser, browser: Browser, token: Rest) -> dict[str, Any]:
    """By name: each makes one request and says what came back."""
    page = f"/{entity.name.lower()}page/"
    size = f"?psize_{entity.name}Page=100"
    found: dict[str, Callable[[], Any]] = {
        "page across tenants": lambda: boss.get(f"{page}list/{size}"),
        "REST": lambda: token.ask("GET", f"{entity.resource}/?q=(page_size:100)"),
    }
    if entity.resource not in ("tenants", "keys", "prices"):  # the platform's
        found["page"] = lambda: browser.get(f"{page}list/{size}")
    return found


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.resource)
def test_more_rows_take_no_more_statements(
    rows: Rows, app: Flask, client: FlaskClient, entity: Entity
) -> None:
    tenant = rows.tenant()
    boss = log_in(client, rows.super_admin().username)
    browser = log_in(app.test_client(), rows.user(tenant).username)
    token = Rest(app.test_client(use_cookies=False)).sign_in(rows.super_admin().username)
    token = token if entity.resource == "tenants" else token.acting_for(tenant.id)
    asked = asks(entity, boss, browser, token)

    def counts() -> dict[str, int]:
        found = {}
        for name, ask in asked.items():
            with counted(app) as statements:
                answer = ask()
            assert answer.status_code == 200, (name, answer.text[:300])
            found[name] = len(statements)
        return found

    grow(rows, tenant, entity, FEW)
    counts()  # what is asked once in the life of a process
    few = counts()
    shown = boss.get(f"/{entity.name.lower()}page/list/?psize_{entity.name}Page=100").text
    grow(rows, tenant, entity, MANY - FEW)
    assert counts() == few
    more = boss.get(f"/{entity.name.lower()}page/list/?psize_{entity.name}Page=100").text
    assert more.count("<tr") >= shown.count("<tr") + MANY - FEW
    assert max(few.values()) <= MOST, few


def test_beyond_a_limit_a_count_only_says_that_there_are_more(
    rows: Rows, client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "COUNTED", 3)
    tenant = rows.tenant()
    user = rows.user(tenant).username
    rest, browser = Rest(app.test_client(use_cookies=False)).sign_in(user), log_in(client, user)

    def count(page: int) -> int:
        answer = rest.ask("GET", f"knowledge/?q=(page_size:2,page:{page})")
        return int(answer.get_json()["count"])

    for _ in range(3):
        rows.knowledge(tenant)
    assert count(0) == 3
    for _ in range(4):
        rows.knowledge(tenant)
    assert [count(page) for page in range(4)] == [4, 5, 7, 7]
    page = "/knowledgeentrypage/list/?psize_KnowledgeEntryPage=2"
    assert "more than 3" in browser.get(page).text


def test_words_are_looked_for_in_the_newest_calls_that_the_rest_leaves(
    rows: Rows, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "LOOKED_THROUGH", 2)
    tenant = rows.tenant()
    rest = Rest(app.test_client(use_cookies=False)).sign_in(rows.user(tenant).username)
    calls = [rows.call(tenant, outcome=outcome) for outcome in ("lead", "lead", "failed", "failed")]
    for call in calls:
        rows.transcript(tenant, call_id=call.id, text="About the boiler")

    def found(*wanted: dict[str, str]) -> list[int]:
        return sorted(row["id"] for row in rest.rows("calls", filters=list(wanted)))

    boiler = {"col": "utterances", "opr": "ct", "value": "boiler"}
    assert found(boiler) == [calls[2].id, calls[3].id]
    lead = {"col": "outcome", "opr": "eq", "value": "lead"}
    assert found(boiler, lead) == [calls[0].id, calls[1].id]
