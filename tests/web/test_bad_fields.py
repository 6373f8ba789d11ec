"""Each field of each REST body with each kind of bad value, alone among good ones: a message at
that field that says what to do, nothing saved, nothing told. What may be kept runs nowhere."""

import csv
import io
from typing import Any

from flask import Flask

from app import models
from app.views.entity import Entity
from tests.web import bad
from tests.web.bad import Tried, World
from tests.web.speaking import Browser


def test_rest_refuses_each_bad_value_at_its_field_and_saves_nothing(app: Flask):
    world = World(app)
    for tried in world.tries:
        before = bad.kept(tried.app, tried.entity)
        if "add" in tried.entity.may:
            made = tried.send("add", tried.good())
            assert made.status_code == 201, (tried.entity.resource, made.text)
            tried.clean()
        for verb in ("add", "edit"):
            for name, field in tried.fields(verb).items():
                base = tried.good() if verb == "add" else {}
                _each_wrong(tried, verb, name, field, base, world.foreign)
            tried.nothing_saved(verb, before)
    assert not world.problems, "\n".join(world.problems)


def _each_wrong(
    tried: Tried, verb: str, name: str, field: Any, base: dict[str, Any], foreign: dict[type, Any]
) -> None:
    if verb == "add" and field.required:
        tried.refused(verb, name, {k: v for k, v in base.items() if k != name}, "missing")
    for kind, value in bad.wrong(field) if verb == "add" else bad.one_of_each(field):
        tried.refused(verb, name, base | {name: value}, kind)
    if isinstance(field, bad.RelatedId):
        stranger = foreign[field.related].id
        nobody = tried.refused(verb, name, base | {name: 2**31 - 1}, "nobody's id")
        theirs = tried.refused(verb, name, base | {name: stranger}, "foreign id")
        if nobody != theirs:
            tried.problems.append(f"{name} tells whether a stranger's row exists")


def test_what_may_be_kept_runs_nowhere_and_duplicates_are_refused(app: Flask):
    """Markup and formulas are text, in the list, on the page, in the form and the spreadsheet, or
    are refused as such; what somebody else has is refused at its field."""
    world = World(app)
    for tried in world.tries:
        _duplicates(tried)
        verb = "add" if "add" in tried.entity.may else "edit"
        for at in range(2):
            harmless = {
                name: bad.risky(field)[at]
                for name, field in tried.fields(verb).items()
                if name not in tried.entity.secrets
                and bad.risky(field)
                and tried.is_kept(verb, name, bad.risky(field)[at])
            }
            _shown(tried, harmless, world.browser(tried))
    assert not world.problems, "\n".join(world.problems)


def _duplicates(tried: Tried) -> None:
    for name in bad.UNIQUE.get(tried.entity.resource, ()):
        first = tried.good()
        made = tried.send("add", first)
        assert made.status_code == 201, made.text
        second = tried.good(**{name: first[name]})
        message = tried.refused("add", _blamed(tried.entity, name), second, "duplicate")
        if tried.entity.resource == "users" and "exists" in message:
            tried.problems.append("a user's name tells whether a stranger has it")
        tried.clean()


def _shown(tried: Tried, harmless: dict[str, Any], browser: Browser) -> None:
    """All of it at once, wherever people see it."""
    if not harmless:
        return
    entity, page, pk = tried.entity, f"/{tried.entity.name.lower()}page", tried.pk
    if "add" in entity.may:
        made = tried.send("add", tried.good(**harmless))
        assert made.status_code == 201, (entity.resource, made.text)
        pk = made.get_json()["id"]
    else:
        assert tried.send("edit", harmless).status_code == 200
    paths = [f"{page}/list/", f"{page}/show/{pk}"]
    paths += [f"{page}/edit/{pk}"] if "edit" in entity.may else []
    for path in paths:
        text = browser.get(path).text
        if bad.MARKUP in text:
            tried.problems.append(f"{path} runs what was typed")
    sheet = browser.get(f"{page}/csv").text.removeprefix("\ufeff")
    cells = [cell for line in csv.reader(io.StringIO(sheet, newline="")) for cell in line]
    if any(cell.startswith(("=", "+", "-", "@")) for cell in cells):
        tried.problems.append(f"{page}/csv has a cell that a spreadsheet runs")
    if "add" in entity.may:
        tried.clean()


def _blamed(entity: Entity, name: str) -> str:
    """A price's key is of three columns: its first is named."""
    return "kind" if entity.model is models.Price else name
