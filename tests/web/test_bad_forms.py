"""Each input of each form with each kind of bad value, alone among good ones: the form comes back
with a message at that input that says what to do, and what was typed; nothing is saved."""

import html
import re
from typing import Any

from flask import Flask

from tests.web import bad
from tests.web.bad import Tried, World

TYPED: dict[str, tuple[str, ...]] = {
    "WholeField": ("x", "1.5", "9" * 40),
    "AmountField": ("x", "-1", "NaN", "9" * 40, "0.00000000001"),
    "DayField": ("x", "2027-13-45"),
    "MomentField": ("x", "2027-13-45T10:00"),
    "ClockField": ("x", "25:99", "09:00+02:00"),
    "ChoiceField": ("nonsense",),
    "SelectField": ("nonsense",),
    "TicksField": ("nonsense",),
    "RelatedField": ("nonsense", "2147483647"),
    "BooleanField": (),
}


def typed(field: Any) -> tuple[str, ...]:
    """What this input must refuse."""
    kind = type(field).__name__
    if kind in TYPED:
        return TYPED[kind]
    return (bad.GIANT, *(text for text in bad.UNSEEN if text.isascii()))


def as_typed(body: dict[str, Any]) -> dict[str, Any]:
    """A REST body as its form has it: one a line, but boxes that are ticked."""
    joined = {k: "\r\n".join(v) if isinstance(v, list) else str(v) for k, v in body.items()}
    return joined | {k: v for k, v in body.items() if k == "events"}


def test_forms_refuse_each_bad_value_at_its_field_and_save_nothing(app: Flask):
    world = World(app)
    for tried in world.tries:
        browser = world.browser(tried)
        before = bad.kept(app, tried.entity)
        page = f"/{tried.entity.name.lower()}page"
        for verb, path in (("add", f"{page}/add"), ("edit", f"{page}/edit/{tried.pk}")):
            if verb not in tried.entity.may:
                continue
            usual = bad.filled(browser.get(path).text)
            if verb == "add":
                usual |= as_typed(tried.good())
                assert browser.post(path, data=usual).status_code == 302, path
                tried.clean()
            for name, field in _inputs(app, tried, verb).items():
                values = typed(field)[:1] if verb == "edit" else typed(field)
                if verb == "add" and hasattr(field, "related"):
                    values += (str(world.foreign[field.related].id),)
                if verb == "add" and field.flags.required:
                    values += ("",)
                for value in values:
                    answer = browser.post(path, data=usual | {name: value})
                    tried.problems += _wrong_with(
                        answer, f"{path} {name}={value[:20]!r}", name, value
                    )
        tried.nothing_saved("forms", before)
    assert not world.problems, "\n".join(world.problems)


def _inputs(app: Flask, tried: Tried, verb: str) -> dict[str, Any]:
    views = app.appbuilder.baseviews  # type: ignore[attr-defined]
    page = next(view for view in views if type(view).__name__ == f"{tried.entity.name}Page")
    with app.test_request_context():
        form = (page.add_form if verb == "add" else page.edit_form)(meta={"csrf": False})
    return {name: form[name] for name in bad.writes(tried.entity, verb)}


def _wrong_with(answer: Any, said: str, name: str, value: str) -> list[str]:
    """Nothing, if the form came back with a message at this input alone and what was typed."""
    if answer.status_code != 200:
        return [f"{said}: answered {answer.status_code}"]
    at = re.findall(r'id="([\w-]+)-error"', answer.text)
    seen = html.unescape(answer.text)
    found = [] if at == [name] else [f"{said}: messages at {at}"]
    found += [f"{said}: tells"] if bad.TOLD.search(re.sub(r"<[^>]+>", " ", seen)) else []
    chosen = name == "department" or value == "nonsense"  # from a list, where it is not
    short = value.isascii() and value.isprintable() and len(value) < 50
    if short and not chosen and value not in seen:
        found.append(f"{said}: what was typed is gone")
    return found


def test_what_is_larger_than_two_megabytes_is_refused(app: Flask) -> None:
    giant = "x" * (2 * 1024 * 1024 + 1)
    client = app.test_client()
    assert client.post("/login/", data={"username": giant}).status_code == 413
    key = {"username": giant, "password": "x", "provider": "db"}
    assert client.post("/api/v1/security/login", json=key).status_code == 413
