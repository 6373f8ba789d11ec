"""The REST contract of DESIGN §3, over HTTP on real PostgreSQL."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import models
from app.extensions import db
from app.jobs import running
from app.tenancy import across_tenants
from app.views import ENTITIES
from app.views.refusals import TAKEN
from tests.factories import Rows
from tests.web.speaking import Rest

RESOURCES = {
    "tenants": {"name", "slug", "timezone", "status"},
    "users": {"username", "email", "active", "role", "tenant"},
    "keys": {"name", "prefix", "role", "scopes", "expires_at"},
    "receptionists": {"greeting", "voice", "language", "intake_fields"},
    "numbers": {"number", "tenant"},
    "departments": {"name", "description", "numbers"},
    "hours": {"weekday", "opens", "closes", "department"},
    "holidays": {"day", "name", "opens", "closes", "department"},
    "knowledge": {"question", "answer", "alternates"},
    "gaps": {"question", "asked", "status"},
    "calls": {"call_sid", "channel", "outcome", "state", "started_at", "duration"},
    "transcripts": {"call", "turn", "speaker", "text"},
    "transfers": {"call", "department", "status"},
    "consents": {"call", "kind", "given", "text_version"},
    "blocks": {"phone", "reason"},
    "recordings": {"call", "recording_sid", "status"},
    "summaries": {"call", "text", "tier"},
    "leads": {"name", "phone", "email", "reason", "status", "call"},
    "webhooks": {"url", "events", "active"},
    "jobs": {"kind", "status", "attempts"},
    "usage": {"kind", "quantity", "call"},
    "prices": {"kind", "model", "unit", "amount", "currency", "valid_from"},
    "audit": {"actor", "action", "entity"},
    "privacy": {"kind", "ends_in", "finished_at"},
    "limits": {"calls_at_once", "day_cents", "withheld"},
}
PLATFORM = {"tenants", "users", "jobs", "audit", "prices"}
# Nobody's: the platform sets them, so there is no tenant to be named and no stranger.
COMMON = {"prices"}
READ_ONLY = {
    "calls", "transcripts", "transfers", "summaries", "consents", "jobs", "usage", "audit",
}  # fmt: skip
MODELS = {entity.resource: entity.model for entity in ENTITIES}
SQL = re.compile(r"psycopg|insert into|select |constraint|sqlalche|violat", re.I)


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def rest(rows: Rows, client: FlaskClient) -> Rest:
    """Signed in as a super admin, naming no tenant."""
    return Rest(client).sign_in(rows.super_admin().username)


def every_row(rows: Rows, tenant: models.Tenant) -> dict[str, Any]:
    """One row of each resource, by resource."""
    found = rows.every_kind(tenant)
    found[models.AuditLog] = rows.audit(tenant)
    found[models.User] = rows.user(tenant)
    found[models.Tenant] = tenant
    found[models.Price] = rows.price()
    return {resource: found[model] for resource, model in MODELS.items()}


def test_the_resources_are_those_of_the_design():
    assert set(MODELS) == set(RESOURCES)


def test_every_resource_lists_and_shows_its_fields(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    rest = rest.acting_for(tenant.id)
    for resource, row in every_row(rows, tenant).items():
        shown = rest.one(resource, row.id)
        assert RESOURCES[resource] <= shown.keys(), resource
        listed = rest.rows(resource)
        assert row.id in [found["id"] for found in listed], resource
        assert shown.keys() == listed[0].keys(), resource
        info = rest.ask("GET", f"{resource}/_info")
        assert info.status_code == 200, info.text


def test_without_a_tenant_only_platform_lists_answer_and_no_write(rows: Rows, rest: Rest):
    for resource, row in every_row(rows, rows.tenant()).items():
        expected = 200 if resource in PLATFORM else 422
        for path in ("", "_info", str(row.id)):
            answer = rest.ask("GET", f"{resource}/{path}")
            assert answer.status_code == expected, (resource, path, answer.text)
        if resource not in READ_ONLY | COMMON | {"tenants"}:
            answer = rest.ask("DELETE", f"{resource}/{row.id}")
            assert answer.status_code in (405, 422), (resource, answer.text)
    assert "X-Tenant" in rest.add("departments", expect=422, name="Sales")["message"]
    assert "X-Tenant" in rest.add(
        "users", expect=422, username="x", email="x@example.com", first_name="X", last_name="Y",
        role="Viewer", password="a long enough one",
    )["message"]  # fmt: skip


def test_rows_of_another_tenant_do_not_exist(rows: Rows, rest: Rest):
    stranger = every_row(rows, rows.tenant())
    rest = rest.acting_for(rows.tenant().id)
    for resource, row in stranger.items():
        if resource in COMMON:
            continue
        assert rest.ask("GET", f"{resource}/{row.id}").status_code == 404, resource
        assert row.id not in [found["id"] for found in rest.rows(resource)], resource
        edited = rest.ask("PUT", f"{resource}/{row.id}", json={})
        assert edited.status_code in (404, 405), (resource, edited.text)
        deleted = rest.ask("DELETE", f"{resource}/{row.id}")
        assert deleted.status_code in (404, 405), (resource, deleted.text)


def test_what_is_read_only_has_no_other_methods(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    rest = rest.acting_for(tenant.id)
    for resource, row in every_row(rows, tenant).items():
        if resource in READ_ONLY:
            for method, path in (("POST", ""), ("PUT", row.id), ("DELETE", row.id)):
                answer = rest.ask(method, f"{resource}/{path}", json={})
                assert answer.status_code in (404, 405), (resource, method)


@pytest.mark.parametrize("named", ["", "x", "-1", "99999999", "1 or 1=1", "9" * 40])
def test_an_unknown_tenant_is_refused(rest: Rest, named: str):
    rest.headers["X-Tenant"] = named
    answer = rest.ask("GET", "departments/")
    assert answer.status_code == 422
    assert "X-Tenant" in answer.get_json()["message"]


def test_a_tenant_is_set_up_from_nothing(rest: Rest):
    tenant = rest.add(
        "tenants", name="Bella's Bistro", timezone="Europe/Paris",
        account_sid="AC" + "0" * 32, auth_token="secret-token",
    )  # fmt: skip
    shown = rest.one("tenants", tenant["id"])
    assert shown["slug"] == "bella-s-bistro"
    assert shown["status"] == "active"
    assert {"account_sid", "auth_token", "sealed_auth_token"}.isdisjoint(shown)
    assert "secret-token" not in str(tenant)
    assert rest.add("tenants", name="Bella's Bistro")["result"]["slug"] == "bella-s-bistro-2"

    rest = rest.acting_for(tenant["id"])
    (receptionist,) = rest.rows("receptionists")
    assert receptionist["intake_fields"] == ["name", "phone", "reason"]
    number = rest.add("numbers", number="+1 (212) 555-0100")
    assert number["result"]["number"] == "+12125550100"
    assert number["result"]["tenant"] == tenant["id"]
    sales = rest.add("departments", name="Sales", description="Orders", numbers=["+12125550111"])
    hours = rest.add("hours", weekday=0, opens="09:00", closes="17:30", department=sales["id"])[
        "result"
    ]
    assert (hours["opens"], hours["closes"], hours["department"]) == ("09:00", "17:30", sales["id"])
    rest.add("hours", weekday=6, opens="22:00", closes="02:00")
    rest.add("holidays", day="2027-01-01", name="New Year's Day")
    entry = rest.add(
        "knowledge", question="Do you deliver?", answer="Yes.", alternates=["Delivery?"]
    )
    assert entry["result"]["version"] == 1
    edited = rest.edit("knowledge", entry["id"], alternates=["Delivery?", "To my home?"])
    assert edited["result"]["alternates"] == ["Delivery?", "To my home?"]
    assert edited["result"]["version"] == 2
    for resource, pk in (("knowledge", entry["id"]), ("departments", sales["id"])):
        rest.delete(resource, pk)
        assert rest.ask("GET", f"{resource}/{pk}").status_code == 404


def test_the_auth_token_can_be_read_back_by_the_product_only(rows: Rows, rest: Rest, app: Flask):
    pk = rest.add("tenants", name="Sealed", auth_token="first-token")["id"]
    rest.edit("tenants", pk, auth_token="second-token")
    rest.edit("tenants", pk, name="Still sealed")
    with app.app_context(), across_tenants():
        assert db.session.get(models.Tenant, pk).auth_token == "second-token"


def test_calls_are_found_by_column_and_their_parts_by_call(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    call = rows.call(tenant, outcome="lead", duration=42)
    other = rows.call(tenant)
    said = rows.transcript(tenant, call_id=call.id)
    rows.transcript(tenant, call_id=other.id)
    lead = rows.lead(tenant, call_id=call.id)
    rows.lead(tenant)
    rest = rest.acting_for(tenant.id)

    def by(column: str, operation: str, value: Any) -> list[dict[str, Any]]:
        return [{"col": column, "opr": operation, "value": value}]

    (found,) = rest.rows("calls", filters=by("call_sid", "eq", call.call_sid))
    assert (found["id"], found["outcome"], found["duration"]) == (call.id, "lead", 42)
    assert found["started_at"].endswith("Z")
    assert found["channel"] == "phone"
    for operation in ("rel_o_m", "eq"):
        (utterance,) = rest.rows("transcripts", filters=by("call", operation, call.id))
        assert (utterance["id"], utterance["call"]) == (said.id, call.id)
        (message,) = rest.rows("leads", filters=by("call", operation, call.id))
        assert (message["id"], message["call"]) == (lead.id, call.id)
    assert rest.rows("leads", filters=by("call", "rel_o_m", 999_999)) == []
    for resource in ("transfers", "summaries", "recordings", "usage"):
        assert rest.rows(resource, filters=by("call", "rel_o_m", call.id)) == []
    since = by("started_at", "gt", "2020-01-01T00:00:00Z")
    assert len(rest.rows("calls", filters=since, order_column="id", order_direction="asc")) == 2
    assert rest.rows("calls", columns=["call_sid"])[0].keys() == {"call_sid"}


def test_a_related_row_of_another_tenant_is_refused_naming_the_field(rows: Rows, rest: Rest):
    theirs = rows.department(rows.tenant())
    mine = rows.tenant()
    lead = rows.lead(mine)
    rest = rest.acting_for(mine.id)
    refused = rest.add(
        "hours", expect=422, weekday=0, opens="09:00", closes="10:00", department=theirs.id
    )
    assert refused["message"] == {"department": ["There is no such row. Give the id of one."]}
    assert "department" in rest.edit("leads", lead.id, expect=422, department=theirs.id)["message"]


@pytest.mark.parametrize(
    ("resource", "values", "field"),
    [
        ("departments", {}, "name"),
        ("departments", {"name": " "}, "name"),
        ("departments", {"name": "x" * 81}, "name"),
        ("departments", {"name": "a\0b"}, "name"),
        ("departments", {"name": 5}, "name"),
        ("departments", {"name": "A", "numbers": "+12125550100"}, "numbers"),
        ("departments", {"name": "A", "numbers": [5]}, "numbers"),
        ("departments", {"name": "A", "numbers": ["call me"]}, "numbers"),
        ("departments", {"name": "A", "tenant": 1}, "tenant"),
        ("departments", {"name": "A", "tenant_id": 1}, "tenant_id"),
        ("departments", {"name": "A", "id": 1}, "id"),
        ("departments", {"name": "A", "position": 10**12}, "position"),
        ("numbers", {"number": "12"}, "number"),
        ("numbers", {"number": "+12125550100", "tenant": 1}, "tenant"),
        ("hours", {"weekday": 7, "opens": "09:00", "closes": "10:00"}, "weekday"),
        ("hours", {"weekday": 1, "opens": "9 am", "closes": "10:00"}, "opens"),
        ("hours", {"weekday": 1, "opens": "09:00", "closes": "10:00", "department": "x"},
         "department"),
        ("holidays", {"day": "2027-01-01", "name": "A", "opens": "09:00"}, "closes"),
        ("knowledge", {"question": "Q", "answer": "A", "status": "LIVE"}, "status"),
        ("knowledge", {"question": "Q", "answer": "A", "alternates": None}, "alternates"),
        ("webhooks", {"url": "http://example.com"}, "url"),
        ("webhooks", {"url": "https://127.0.0.1/x"}, "url"),
        ("keys", {"name": "A", "role": "Super Admin"}, "role"),
        ("users", {"username": "A", "role": "Super Admin"}, "role"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_naming_the_field(
    rows: Rows, rest: Rest, resource: str, values: dict[str, Any], field: str
):
    message = rest.acting_for(rows.tenant().id).add(resource, expect=422, **values)["message"]
    assert field in message
    assert not SQL.search(str(message))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "A", "timezone": "Mars/Base"}, "timezone"),
        ({"name": "A", "slug": "A b"}, "slug"),
        ({"name": "A", "status": "gone"}, "status"),
        ({"name": "A", "account_sid": "AC1"}, "account_sid"),
        ({}, "name"),
    ],
)
def test_a_bad_tenant_is_refused_naming_the_field(rest: Rest, values: dict[str, str], field: str):
    assert field in rest.add("tenants", expect=422, **values)["message"]


def test_duplicates_are_refused_without_sql_or_news_of_strangers(rows: Rows, rest: Rest):
    stranger, mine = rows.tenant(), rows.tenant()
    theirs = rows.number(stranger)
    rest_of_mine = rest.acting_for(mine.id)
    rest_of_mine.add("departments", name="Sales")
    twice = rest_of_mine.add("departments", expect=422, name="Sales")
    assert twice["message"] == {"name": [TAKEN]}
    foreign = rest_of_mine.add("numbers", expect=422, number=theirs.number)
    assert foreign["message"] == {"number": ["This value cannot be used. Choose another."]}
    slug = rest.add("tenants", expect=422, name="A", slug=mine.slug)
    assert slug["message"] == {"slug": ["This value cannot be used. Choose another."]}


@pytest.mark.parametrize(
    "query",
    [
        "(", "((((", "(" * 5000, "!(" * 3000, "{" * 5000, "(page_size:abc)", "(page:-1)",
        "(page:99999999999999999999)",
        "(filters:!((col:secret,opr:eq,value:1)))",
        "(filters:!((col:name,opr:nonsense,value:1)))",
        "(filters:!((col:name,opr:sw,value:!(1,2))))",
        "(filters:!((col:id,opr:eq,value:abc)))",
        "(filters:!((col:id,opr:eq,value:99999999999999)))",
        "(filters:!((col:id,opr:in,value:5)))",
        "(filters:!((col:created_at,opr:gt,value:yesterday)))",
        "(filters:!((col:name)))",
        "(filters:!((opr:eq,value:1)))",
        "(order_column:description\\',order_direction:asc)",
        "(order_column:tenant_id,order_direction:asc)",
        "(order_column:name,order_direction:sideways)",
    ],
)  # fmt: skip
def test_a_bad_query_is_a_message_and_never_an_error(rows: Rows, rest: Rest, query: str):
    rest = rest.acting_for(rows.tenant().id)
    answer = rest.ask("GET", "departments/", query_string={"q": query})
    assert answer.status_code in (400, 422), (answer.status_code, answer.text[:200])
    assert not SQL.search(answer.text)


@pytest.mark.parametrize("pk", ["0", "99999999999999999999", "-1", "abc", "1.5", "%00"])
def test_an_impossible_id_is_not_found(rows: Rows, rest: Rest, pk: str):
    rest = rest.acting_for(rows.tenant().id)
    for method in ("GET", "PUT", "DELETE"):
        answer = rest.ask(method, f"departments/{pk}", json={} if method == "PUT" else None)
        assert answer.status_code in (404, 405), (method, answer.status_code)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"x"', "null", "[" * 100_000, '{"name": "\\ud800"}']
)
def test_a_malformed_body_is_a_message_and_never_an_error(rows: Rows, rest: Rest, body: str):
    rest = rest.acting_for(rows.tenant().id)
    answer = rest.ask("POST", "departments/", data=body, content_type="application/json")
    assert answer.status_code in (400, 422), (answer.status_code, answer.text)


def test_a_page_has_at_most_a_hundred_rows(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    for n in range(105):
        rows.department(tenant, position=n)
    rest = rest.acting_for(tenant.id)
    assert len(rest.rows("departments", page_size=1000)) == 100
    assert len(rest.rows("departments", page_size=-1)) == 100
    assert len(rest.rows("departments", page_size=100, page=1)) == 5


def test_a_test_call_is_registered_beforehand(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    number = rows.number(tenant)
    assert rest.ask("POST", "calls/test", json={"number": number.number}).status_code == 422
    rest = rest.acting_for(tenant.id)
    answer = rest.ask("POST", "calls/test", json={"number": number.number})
    assert answer.status_code == 201, answer.text
    assert re.fullmatch(r"CA[0-9a-f]{32}", answer.get_json()["call_sid"])
    (call,) = rest.rows("calls")
    assert (call["channel"], call["state"], call["turn"], call["called"], call["outcome"]) == (
        "test", "greeting", 0, number.number, None,
    )  # fmt: skip
    theirs = rows.number(rows.tenant())
    refused = rest.ask("POST", "calls/test", json={"number": theirs.number})
    assert refused.status_code == 422
    assert "number" in refused.get_json()["message"]


def test_a_lead_is_worked_on(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    lead = rows.lead(tenant)
    rest = rest.acting_for(tenant.id)
    result = rest.edit("leads", lead.id, status="contacted", notes="Rang back", due="2027-01-05")
    assert (result["result"]["status"], result["result"]["due"]) == ("contacted", "2027-01-05")
    assert result["result"]["name"] == lead.name
    assert "call" in rest.edit("leads", lead.id, expect=422, call=1)["message"]


def test_a_user_is_added_and_signs_in(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    made = rest.acting_for(tenant.id).add(
        "users", username="ada", email="ada@example.com", first_name="Ada", last_name="Byron",
        role="Viewer", password="correct horse battery staple",
    )["result"]  # fmt: skip
    assert (made["tenant"], made["role"]) == (tenant.id, "Viewer")
    assert "password" not in made
    rows.lead(tenant)
    ada = Rest(rest.client).sign_in("ada")
    assert len(ada.rows("leads")) == 1
    assert ada.ask("GET", "departments/").status_code == 403
    assert ada.ask("GET", "users/").status_code == 403


def test_what_a_person_changes_is_in_the_audit_log(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    rest = rest.acting_for(tenant.id)
    pk = rest.add("departments", name="Sales")["id"]
    (entry,) = rest.rows("audit")
    assert (entry["action"], entry["entity"], entry["entity_id"]) == ("add", "Department", pk)
    assert entry["actor"].startswith("user:")


def test_the_documentation_loads(rest: Rest):
    spec = rest.ask("GET", "_openapi").get_json()
    for resource in RESOURCES:
        assert f"/api/v1/{resource}/" in spec["paths"], resource
    assert "/api/v1/calls/test" in spec["paths"]


def test_a_json_query_works_as_well_as_rison(rows: Rows, rest: Rest):
    tenant = rows.tenant()
    rows.department(tenant, name="Sales")
    rest = rest.acting_for(tenant.id)
    query = '{"filters": [{"col": "name", "opr": "eq", "value": "Sales"}]}'
    answer = rest.ask("GET", "departments/", query_string={"q": query})
    assert answer.get_json()["count"] == 1


@pytest.mark.parametrize("path", ["departments/", "departments/_info", "departments/{pk}"])
def test_a_query_of_another_shape_is_refused_in_words(rows: Rows, rest: Rest, path: str):
    tenant = rows.tenant()
    path = path.format(pk=rows.department(tenant).id)
    answer = rest.acting_for(tenant.id).ask("GET", path, query_string={"q": "(keys:7)"})
    assert answer.status_code == 400
    assert "7 is not of type 'array'" in answer.get_json()["message"]


def test_deleting_a_tenant_takes_everything_of_it_but_the_audit_log(
    app: Flask, rows: Rows, rest: Rest
):
    tenant = rows.tenant()
    rows.every_kind(tenant)
    rows.user(tenant)
    rest.delete("tenants", tenant.id, expect=202)
    assert rest.one("tenants", tenant.id)["status"] == "closed"
    with app.app_context():
        running.run_due()
    assert rest.ask("GET", f"tenants/{tenant.id}").status_code == 404
    entries = rest.rows("audit", order_column="id", order_direction="asc")
    assert [entry["action"] for entry in entries if entry["entity"] == "Tenant"] == [
        "edit", "delete",
    ]  # fmt: skip
