"""Bodies that are none, questions that mean nothing: a message, never an error, nothing saved.
Single fields are tried in test_bad_fields.py and test_bad_forms.py."""

from typing import Any

import pytest
from flask import Flask

from app.views import ENTITIES
from tests.web import bad
from tests.web.bad import World

IMPOSSIBLE = ("\0", "\ud800", bad.GIANT, {"id": 1}, [[]], 10**30)  # in every column
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


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


def wrong_with(answer: Any, columns: tuple[str, ...] = ()) -> str:
    """Why this answer does not do; "" if it does. A message by field names one of `columns`."""
    text = answer.get_data(as_text=True)
    if answer.status_code not in (400, 404, 413, 422):
        return f"answered {answer.status_code} {text[:200]}"
    if found := bad.TOLD.search(text) or bad.EMPTY.search(text):
        return f"tells {found.group()!r}: {text[:200]}"
    if len(text) > 5_000:
        return "answers too much"
    message = answer.get_json().get("message")
    if answer.status_code == 413:  # all of it
        return ""
    if columns and not (isinstance(message, dict) and message.keys() <= set(columns)):
        return f"names no field: {text[:200]}"
    return ""


def test_rest_says_all_that_is_wrong_at_once(world: World):
    """One value in all columns; then whole bodies that are none."""
    for tried in world.tries:
        before = bad.kept(tried.app, tried.entity)
        for verb in ("add", "edit"):
            columns = tuple(tried.fields(verb))
            if not columns:
                continue
            for value in IMPOSSIBLE:
                answer = tried.send(verb, dict.fromkeys(columns, value))
                said = f"{verb} {tried.entity.resource} {str(value)[:30]!r}"
                if problem := wrong_with(answer, columns):
                    tried.problems.append(f"{said}: {problem}")
                elif answer.status_code == 422:
                    unnamed = set(columns) - answer.get_json()["message"].keys()
                    tried.problems += [f"{said}: says nothing of {name}" for name in unnamed]
            if wrong_with(tried.send_text(verb, "a=b", "application/x-www-form-urlencoded")):
                tried.problems.append(f"{verb} {tried.entity.resource}: a form is taken for JSON")
            for body in BODIES:
                if problem := wrong_with(tried.send_text(verb, body)):
                    tried.problems.append(
                        f"{verb} {tried.entity.resource} {body[:20]!r}: {problem}"
                    )
        tried.nothing_saved("bodies", before)
    assert not world.problems, "\n".join(world.problems)


def test_lists_refuse_what_they_do_not_know(world: World):
    problems = []
    rest = next(tried.rest for tried in world.tries if tried.entity.resource == "leads")
    for entity in ENTITIES:
        base = f"{entity.resource}/"
        for q in QUERIES:
            if problem := wrong_with(rest.ask("GET", base, query_string={"q": q})):
                problems.append(f"{base} {q[:60]!r}: {problem}")
        for q in ("(page_size:100000000)", "(page_size:-1)", "(page_size:0)", "(page:99999999)"):
            answer = rest.ask("GET", base, query_string={"q": q})
            if (
                answer.status_code not in (200, 422)
                or len(answer.get_json().get("result", ())) > 100
            ):
                problems.append(f"{base} {q}: {answer.status_code} {answer.text[:200]}")
        for pk in ("0", "-1", "x", "9" * 30, "1%00", "1.5", "%F0%9F%92%A9"):
            answer = rest.ask("GET", f"{base}{pk}")
            if answer.status_code not in (404, 405):
                problems.append(f"{base}{pk}: {answer.status_code}")
    assert not problems, "\n".join(problems)
