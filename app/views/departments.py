"""Departments in their order, which is that of the keys on the telephone, and their ring test."""

from dataclasses import dataclass
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from app.extensions import db
from app.models import Department
from app.tenancy import current_tenant_id
from app.views.bulk import RowActions
from app.views.interface import is_id
from app.views.ringtest import RingTest

MOST = 100  # that are put in order on one page
KEYS = 9  # on a telephone, besides 0
WAYS = {"up": -1, "down": 1}


class Placed:
    """Of page and REST: whoever is given a place makes the others move up for it."""

    def pre_add(self, item: Department) -> None:
        if item.position is not None:
            _put(item, item.position - 1)

    def pre_update(self, item: Department) -> None:
        _put(item, item.position - 1 if item.position else None)


def _put(item: Department, at: int | None) -> None:
    """Among the others; None: at the end."""
    others = [one for one in in_order() if one is not item]
    others.insert(len(others) if at is None else at, item)
    _number(others)


def in_order(most: int | None = None) -> list[Department]:
    """As calls go by them."""
    query = select(Department).order_by(Department.position, Department.id).limit(most)
    return list(db.session.scalars(query))


def _number(places: list[Department]) -> None:
    for number, place in enumerate(places, 1):
        if place.position != number:
            place.position = number


@dataclass(frozen=True, slots=True)
class Row:
    """`key` leads to it on the telephone; those after the ninth have none."""

    place: Department
    key: int | None


class DepartmentPage(Placed, RingTest, RowActions):
    list_template = "department/list.html"
    show_template = "department/show.html"
    entity: Any

    def render_template(self, template: str, **context: Any) -> Any:
        may_write = self.appbuilder.sm.has_access("can_write", "Department")
        context["may_write"] = may_write
        if template == self.list_template:
            context["ordered"] = self._ordered()
        return super().render_template(template, **context)  # type: ignore[misc]

    def _ordered(self) -> list[Row] | None:
        """None: across tenants, while something is searched for, or when there are too many for
        one page, it is a list like any other."""
        if current_tenant_id() is None or request.args:
            return None
        found = in_order(MOST + 1)
        if not 1 < len(found) <= MOST:
            return None
        return [Row(place, n if n <= KEYS else None) for n, place in enumerate(found, 1)]

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    @permission_name("write")
    def move(self, pk: str) -> Any:
        """One up, one down, or before another one (at the end, if that is none)."""
        self._need_tenant()  # type: ignore[attr-defined]
        self.entity.alone()
        places = in_order()
        moved = next((one for one in places if is_id(pk) and one.id == int(pk)), None) or abort(404)
        at = places.index(moved)
        places.remove(moved)
        places.insert(_wanted(places, at), moved)
        _number(places)
        ids, key, name = [one.id for one in places], places.index(moved) + 1, moved.name
        db.session.commit()
        said = _said(name, key)
        if request.accept_mimetypes.best == "application/json":
            return jsonify(order=ids, said=said)
        flash(said, "success")
        return redirect(url_for("DepartmentPage.list"))


def _wanted(others: list[Department], at: int) -> int:
    """Where it goes among the others. What was named and is gone leaves it where it is."""
    way, before = request.form.get("way", ""), request.form.get("before")
    if way in WAYS:
        return max(0, at + WAYS[way])
    if before is None:
        abort(400)
    if before == "":
        return len(others)
    return next((n for n, one in enumerate(others) if str(one.id) == before), at)


def _said(name: str, key: int) -> str:
    if key > KEYS:
        return gettext("%(name)s is number %(place)d now and has no key.", name=name, place=key)
    return gettext("%(name)s is on key %(key)d now.", name=name, key=key)
