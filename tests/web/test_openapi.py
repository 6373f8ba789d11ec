"""The OpenAPI description, held against what REST answers."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from app import models
from app.views import ENTITIES
from tests.factories import Rows
from tests.web.speaking import Rest

ODD = (
    {}, [], None, "x", 5, {"name": None}, {"name": {"a": 1}}, {"name": "x" * 30_000},
    {"question": 5, "answer": []}, {"weekday": "x", "opens": {}, "closes": 1},
    {"numbers": [None, {}]}, {"id": 1}, {"tenant": 1}, {"status": ["new"]}, {"name": "\0"},
)  # fmt: skip


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def strict(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items() if name != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made


class Described:
    """Checks each answer of `rest` by the description."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self.spec = rest.ask("GET", "_openapi").get_json()
        self.components = strict(self.spec["components"])

    def ask(self, method: str, path: str, template: str, **options: Any) -> Any:
        answer = self.rest.ask(method, path, **options)
        operation = self.spec["paths"][f"/api/v1/{template}"].get(method.lower())
        assert operation is not None, (method, template)
        said = (method, path, options, answer.status_code, answer.text[:300])
        assert answer.status_code < 500, said
        assert str(answer.status_code) in operation["responses"], said
        response = operation["responses"][str(answer.status_code)]
        if "$ref" in response:
            name = response["$ref"].rsplit("/", 1)[1]
            response = self.spec["components"]["responses"][name]
        schema = strict(response["content"]["application/json"]["schema"])
        checked = Draft202012Validator(schema | {"components": self.components})
        assert not list(checked.iter_errors(answer.get_json())), said
        return answer


def test_every_answer_is_as_described(rows: Rows, client: FlaskClient):
    tenant = rows.tenant()
    found = rows.every_kind(tenant) | {
        models.AuditLog: rows.audit(tenant), models.User: rows.user(tenant), models.Tenant: tenant,
        models.Price: rows.price(),
    }  # fmt: skip
    rest = Rest(client).sign_in(rows.super_admin().username).acting_for(tenant.id)
    described = Described(rest)
    for entity in ENTITIES:
        base, pk = f"{entity.resource}/", found[entity.model].id
        described.ask("GET", base, base)
        described.ask("GET", base, base, query_string={"q": "(columns:!(id))"})
        described.ask("GET", base, base, query_string={"q": "(filters:!((col:nothing)))"})
        described.ask("GET", f"{base}_info", f"{base}_info")
        described.ask("GET", f"{base}{pk}", base + "{pk}")
        described.ask("GET", f"{base}999999999", base + "{pk}")
        for body in ODD:
            if "add" in entity.may:
                described.ask("POST", base, base, json=body)
            if "edit" in entity.may:
                described.ask("PUT", f"{base}{pk}", base + "{pk}", json=body)
        if "delete" in entity.may:
            described.ask("DELETE", f"{base}999999999", base + "{pk}")


def test_what_is_written_comes_back_as_described(rows: Rows, client: FlaskClient):
    tenant = rows.tenant()
    rest = Rest(client).sign_in(rows.super_admin().username).acting_for(tenant.id)
    described = Described(rest)
    for resource, values in (
        ("departments", {"name": "Sales", "numbers": ["+12125550111"]}),
        ("hours", {"weekday": 0, "opens": "09:00", "closes": "17:00"}),
        ("holidays", {"day": "2027-01-01", "name": "New Year"}),
        ("knowledge", {"question": "Q", "answer": "A"}),
        ("numbers", {"number": "+12125550100"}),
        ("keys", {"name": "Script", "role": "Viewer"}),
        ("leads", {"name": "Ada"}),
    ):
        base = f"{resource}/"
        made = described.ask("POST", base, base, json=values)
        assert made.status_code == 201, made.text
        pk = made.get_json()["id"]
        one = base + "{pk}"
        if resource != "keys":
            assert described.ask("PUT", f"{base}{pk}", one, json=values).status_code == 200
        assert described.ask("DELETE", f"{base}{pk}", one).status_code == 200


def test_nobody_is_told_as_described(rows: Rows, client: FlaskClient):
    rest = Rest(client).sign_in(rows.super_admin().username)
    described = Described(rest)
    for headers, code in (({}, 401), ({"Authorization": "Bearer rk_unknown"}, 401)):
        described.rest = Rest(client, headers)
        for entity in ENTITIES:
            base = f"{entity.resource}/"
            assert described.ask("GET", base, base).status_code == code
    viewer = Rest(client).sign_in(rows.user(rows.tenant(), "Viewer").username)
    described.rest = viewer
    assert described.ask("GET", "keys/", "keys/").status_code == 403
