"""Calls are found by all that people remember of them, filter by filter: on the page, in its
spreadsheet and by REST the very same ones, and never another business's."""

import csv
import html
import io
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import prison
import pytest
from flask import Flask

from app import models
from tests.factories import Rows
from tests.web.speaking import Browser, Rest, log_in

LIST = "/callsessionpage/list/"


class Filter(NamedTuple):
    """As REST has it; as the page has it: the operation by its name. A time is UTC over REST, and
    the business's own on the page: New York's."""

    column: str
    operation: str
    value: Any
    named: str  # "": by REST only
    typed: Any = None  # on the page, where it differs

    @property
    def on_page(self) -> Any:
        return self.value if self.typed is None else self.typed


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def handful(rows: Rows, tenant: models.Tenant, line: str) -> dict[str, Any]:
    """Calls that differ from the usual one by what names them; rows that filters speak of."""
    main, second = rows.number(tenant, number=f"{line}1"), rows.number(tenant, number=f"{line}2")
    usual = {
        "number_id": main.id, "called": main.number, "caller": "+13035550100", "outcome": "lead",
        "state": "ended", "duration": 60, "started_at": datetime(2027, 1, 5, 12, tzinfo=UTC),
    }  # fmt: skip
    different: dict[str, dict[str, Any]] = {
        "usual": {},
        "caller": {"caller": "+13035550177"},
        "number": {"number_id": second.id, "called": second.number},
        "outcome": {"outcome": "transferred"},
        "live": {"outcome": None, "state": "intent"},
        "test": {"channel": "test"},
        "long": {"duration": 600},
        "late": {"started_at": datetime(2027, 2, 1, 3, tzinfo=UTC)},  # the evening before, there
        "words": {},
        "sales": {},
    }
    calls: dict[str, Any] = {
        name: rows.call(tenant, **usual | values) for name, values in different.items()
    }
    for name, call in calls.items():
        said = "My boiler is at 50% and_leaking" if name == "words" else "My boiler is at 50 x"
        rows.transcript(tenant, call_id=call.id, text=said)
    sales, other = rows.department(tenant), rows.department(tenant)
    rows.transfer(tenant, call_id=calls["sales"].id, department_id=sales.id)
    rows.transfer(tenant, call_id=calls["words"].id, department_id=other.id)
    return calls | {"Sales": sales, "second": second}


def filters(found: dict[str, Any]) -> dict[str, list[list[Filter]]]:
    """By the one call that each finds: filters that hold together."""
    second, sales = found["second"], found["Sales"]
    midday = "2027-01-05T12:00:00Z"
    return {
        "caller": [
            [Filter("caller", "eq", "+13035550177", "Is")],
            [Filter("caller", "eq", "(303) 555-0177", "Is")],
            [Filter("caller", "ct", "0177", "Contains")],
            [Filter("caller", "ct", "303-555-0177", "Contains")],
            [Filter("caller", "ew", "77", "Ends with")],
            [Filter("caller", "neq", "+13035550100", "Is not")],
            [Filter("caller", "in", ["+13035550177", "+1"], "")],
        ],
        "number": [
            [Filter("called", "eq", second.number, "Is")],
            [Filter("number", "rel_o_m", second.id, "Is")],
        ],
        "outcome": [[Filter("outcome", "eq", "transferred", "Is")]],
        "live": [
            [Filter("state", "eq", "intent", "Is")], [Filter("state", "neq", "ended", "Is not")]
        ],
        "test": [[Filter("channel", "eq", "test", "Is")]],
        "long": [
            [Filter("duration", "gt", 60, "More than")], [Filter("duration", "eq", 600, "Is")]
        ],
        "late": [
            [Filter("started_at", "gt", "2027-01-06T00:00:00Z", "After", "2027-01-06T00:00")],
            [
                Filter("started_at", "gt", "2027-02-01T02:59:59Z", "After", "2027-01-31T21:59"),
                Filter("started_at", "lt", "2027-02-01T03:00:01Z", "Before", "2027-01-31T22:01"),
            ],
            [Filter("started_at", "eq", "2027-02-01T03:00:00Z", "Is", "2027-01-31T22:00")],
            [Filter("started_at", "neq", midday, "Is not", "2027-01-05T07:00")],
        ],
        "words": [
            [Filter("utterances", "ct", "BOILER is at 50% AND", "Contains")],
            [Filter("utterances", "ct", "and_leak", "Contains")],
            [
                Filter("utterances", "ct", "leaking", "Contains"),
                Filter("started_at", "lt", "2027-01-06T00:00:00Z", "Before", "2027-01-06T00:00"),
                Filter("caller", "sw", "+1303", "Starts with"),
            ],
        ],
        "sales": [
            [Filter("departments", "rel_m_m", sales.id, "Is")],
            [Filter("departments", "eq", sales.id, "Is")],
        ],
    }  # fmt: skip


def operations(browser: Browser) -> dict[str, dict[str, str]]:
    """What the page offers: by column the number of each operation."""
    page = browser.get(LIST).text
    templates = re.findall(r'<template data-column="(\w+)">(.*?)</template>', page, re.S)
    option = r'<option value="(\d)">([^<]+)</option>'
    found = {}
    for column, text in templates:
        choice = text.partition("</select>")[0]
        found[column] = {html.unescape(name): n for n, name in reversed(re.findall(option, choice))}
    return found


def test_each_filter_finds_the_one_call_that_it_speaks_of(app: Flask, rows: Rows):
    mine, theirs = rows.tenant(timezone="America/New_York"), rows.tenant()
    handful(rows, theirs, "+1212555014")
    found = handful(rows, mine, "+1212555015")
    admin = rows.user(mine, "Viewer").username
    rest, browser = Rest(app.test_client()).sign_in(admin), log_in(app.test_client(), admin)
    known = operations(browser)
    for name, asked in filters(found).items():
        call = found[name]
        for together in asked:
            wanted = [{"col": f.column, "opr": f.operation, "value": f.value} for f in together]
            assert [row["id"] for row in rest.rows("calls", filters=wanted)] == [call.id], together
            if not all(f.named for f in together):
                continue
            query = [(f"_flt_{known[f.column][f.named]}_{f.column}", f.on_page) for f in together]
            page = browser.get(LIST, query_string=query).text
            assert set(re.findall(r"/callsessionpage/show/(\d+)", page)) == {str(call.id)}, together
            sheet = browser.get("/callsessionpage/csv", query_string=query).text
            (row,) = csv.DictReader(io.StringIO(sheet.removeprefix("\ufeff"), newline=""))
            assert row["call_sid"] == call.call_sid, together


def test_filters_that_find_nothing_or_cannot_be_read_show_nothing_else(app: Flask, rows: Rows):
    """A stranger's number, department and words; signs that mean something to a database; values
    that are none. Never all the calls instead."""
    mine, theirs = rows.tenant(), rows.tenant()
    stranger = handful(rows, theirs, "+1212555014")
    handful(rows, mine, "+1212555015")
    admin = rows.user(mine).username
    rest, browser = Rest(app.test_client()).sign_in(admin), log_in(app.test_client(), admin)
    known = operations(browser)
    for column, operation, named, value in (
        ("called", "eq", "Is", stranger["second"].number),
        ("number", "rel_o_m", "Is", stranger["second"].id),
        ("departments", "rel_m_m", "Is", stranger["Sales"].id),
        ("departments", "eq", "Is", 999_999),
        ("caller", "ct", "Contains", "%"),
        ("caller", "sw", "Starts with", "+1_0355501"),
        ("utterances", "ct", "Contains", "50_and"),
        ("outcome", "eq", "Is", "nonsense"),
    ):
        asked = [{"col": column, "opr": operation, "value": value}]
        assert rest.rows("calls", filters=asked) == [], asked
        query = {f"_flt_{known[column][named]}_{column}": value}
        assert "/callsessionpage/show/" not in browser.get(LIST, query_string=query).text, asked
    for column, operation, named, value in (
        ("started_at", "gt", "After", "yesterday"), ("started_at", "eq", "Is", "2027-13-45"),
        ("duration", "gt", "More than", "long"), ("duration", "lt", "Less than", 10**12),
        ("number", "eq", "Is", "x"), ("caller", "ct", "Contains", "\0"),
        ("utterances", "ct", "Contains", "\0"),
    ):  # fmt: skip
        query = {f"_flt_{known[column][named]}_{column}": value}
        assert browser.get(LIST, query_string=query).status_code == 400, (column, value)
        asked = prison.dumps({"filters": [{"col": column, "opr": operation, "value": value}]})
        refused = rest.ask("GET", "calls/", query_string={"q": asked})
        assert (refused.status_code, "result" in refused.get_json()) in ((400, False), (422, False))
    everything = browser.get(LIST, query_string={"_flt_0_started_at": "", "_flt_0_caller": ""})
    assert everything.text.count("/callsessionpage/show/") >= 10, "what is left empty asks nothing"


def test_no_two_requests_share_what_a_list_is_narrowed_by(app: Flask):
    """Flask-AppBuilder keeps one list of filters per view for all threads."""
    views = [view for view in app.appbuilder.baseviews if hasattr(view, "datamodel")]
    assert len(views) > 40
    for view in views:
        with app.test_request_context():
            first = view._filters
            first.filters.append("one request's search")
            first.values.append("x")
            with app.app_context(), app.test_request_context():
                assert view._filters is not first
                assert view._filters.filters == []
            assert view._filters.filters == ["one request's search"]
        assert view._filters.filters == [], "what all requests begin with"
