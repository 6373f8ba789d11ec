"""REST held against its own OpenAPI description by schemathesis: no server error, no answer that is
not described, over every operation. The cases are the same at every run."""

from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app import models
from app.views import ENTITIES
from tests.factories import Rows
from tests.web.speaking import Rest

EXAMPLES = {"Super Admin": 3, "Tenant Admin": 2}  # of each operation
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance, unsupported_method,
]  # fmt: skip
BOUNDED = settings(
    database=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


@dataclass
class Described:
    """REST as one actor meets it. `ids` leads to a row of each resource."""

    rest: Rest
    ids: dict[str, int]

    def __post_init__(self) -> None:
        self.schema = schemathesis.openapi.from_wsgi(
            "/api/v1/_openapi", self.rest.client.application, headers=self.rest.headers
        )
        self.operations = [found.ok() for found in self.schema.get_all_operations()]

    def try_out(self, operation: Any, examples: int) -> None:
        """Some cases of what is described and some of what is not; most of them of a real row."""
        either = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES))

        @given(either, st.booleans())
        @settings(BOUNDED, max_examples=examples)
        def each(case: Any, real: bool) -> None:
            resource = operation.path.split("/")[3]
            if real and "pk" in (case.path_parameters or {}) and resource in self.ids:
                case.path_parameters["pk"] = self.ids[resource]
            answer = case.call(headers=self.rest.headers)
            case.validate_response(answer, checks=CHECKS, headers=self.rest.headers)

        each()

    def ask(self, method: str, path: str, template: str, **options: Any) -> Any:
        answer = self.rest.ask(method, path, **options)
        assert answer.status_code < 500, (method, path, options)
        self.schema[f"/api/v1/{template}"][method].validate_response(answer)
        return answer


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def business(rows: Rows) -> tuple[models.Tenant, dict[str, int]]:
    tenant = rows.tenant()
    found = rows.every_kind(tenant) | {
        models.AuditLog: rows.audit(tenant), models.User: rows.user(tenant), models.Tenant: tenant,
        models.Price: rows.price(),
    }  # fmt: skip
    return tenant, {entity.resource: found[entity.model].id for entity in ENTITIES}


@pytest.mark.parametrize(("role", "examples"), EXAMPLES.items())
def test_every_operation_answers_as_described(rows, client, business, role, examples):
    tenant, ids = business
    whose = None if role == "Super Admin" else tenant
    rest = Rest(client).sign_in(rows.user(whose, role).username).acting_for(tenant.id)
    described = Described(rest, ids)
    assert len(described.operations) > 4 * len(ENTITIES)
    for operation in described.operations:
        described.try_out(operation, examples)


def test_what_is_written_comes_back_as_described(rows: Rows, client: FlaskClient):
    tenant = rows.tenant()
    rest = Rest(client).sign_in(rows.super_admin().username).acting_for(tenant.id)
    described = Described(rest, {})
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
            changed = {"label": "Main line"} if resource == "numbers" else values
            assert described.ask("PUT", f"{base}{pk}", one, json=changed).status_code == 200
        assert described.ask("DELETE", f"{base}{pk}", one).status_code == 200


def test_nobody_is_told_as_described(rows: Rows, client: FlaskClient):
    described = Described(Rest(client).sign_in(rows.super_admin().username), {})
    for headers, code in (({}, 401), ({"Authorization": "Bearer rk_unknown"}, 401)):
        described.rest = Rest(client, headers)
        for entity in ENTITIES:
            base = f"{entity.resource}/"
            assert described.ask("GET", base, base).status_code == code
    viewer = Rest(client).sign_in(rows.user(rows.tenant(), "Viewer").username)
    described.rest = viewer
    assert described.ask("GET", "keys/", "keys/").status_code == 403
