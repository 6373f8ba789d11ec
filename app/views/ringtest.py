"""The ring test of a department: asked for on its page, and watched until each telephone told."""

import time
from dataclasses import astuple
from typing import Any

from flask import abort, flash, redirect, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import lazy_gettext as _

from app import ringing
from app.extensions import db
from app.models import Department
from app.numbers import Unable
from app.ringing import Became, Rung
from app.tenancy import current_tenant_id
from app.views.interface import is_id
from app.views.tones import Said

KEPT = "ring_test"  # in the session of who asked for it: nobody else can ask how it went
WATCHED = 600  # seconds
SAID = {
    "queued": Said("info", _("About to ring")),
    "initiated": Said("info", _("About to ring")),
    "ringing": Said("info", _("Ringing")),
    "in-progress": Said("ok", _("Answered, hears the sentence")),
    "completed": Said("ok", _("Answered")),
    "busy": Said("warn", _("Busy")),
    "no-answer": Said("warn", _("Nobody picked up")),
    "failed": Said("bad", _("Failed")),
    "canceled": Said("mute", _("Cancelled")),
}
UNKNOWN = Said("mute", _("Not known yet"))
NOT_RUNG = Said("bad", _("Not rung"))


class RingTest:
    appbuilder: Any
    datamodel: Any

    @expose("/ring/<pk>", methods=["POST"])
    @has_access
    @permission_name("write")
    def ring(self, pk: str) -> Any:
        self._need_tenant()  # type: ignore[attr-defined]
        place, tenant_id = _found(pk), current_tenant_id()
        assert tenant_id is not None
        try:
            rung = ringing.ring(tenant_id, place.id)
        except Unable as problem:
            flash(problem.reason, "danger")
            return redirect(url_for("DepartmentPage.show", pk=pk))
        session[KEPT] = [tenant_id, int(pk), int(time.time()), [astuple(one) for one in rung]]
        return redirect(url_for("DepartmentPage.rung", pk=pk))

    @expose("/ring/<pk>", methods=["GET"])
    @has_access
    @permission_name("write")
    def rung(self, pk: str) -> Any:
        return self._watched(pk, "department/ring.html")

    @expose("/rings/<pk>", methods=["GET"])
    @has_access
    @permission_name("write")
    def rings(self, pk: str) -> Any:
        """What the page asks for until all is told."""
        return self._watched(pk, "department/rings.html")

    def _watched(self: Any, pk: str, template: str) -> Any:
        place, tenant_id = _found(pk), current_tenant_id()
        name, rung = place.name, _kept(place)
        if rung is None or tenant_id is None:
            return redirect(url_for("DepartmentPage.show", pk=pk))
        db.session.rollback()  # no connection is held while Twilio is asked
        try:
            found = ringing.became(tenant_id, rung)
        except Unable as problem:
            found = [Became(one.number, problem=problem.reason) for one in rung]
        return self.render_template(
            template, pk=pk, name=name, telephones=[(one, _said(one)) for one in found],
            is_over=all(one.is_over for one in found),
        )  # fmt: skip


def _found(pk: str) -> Department:
    found = db.session.get(Department, int(pk)) if is_id(pk) else None
    return found or abort(404)


def _kept(place: Department) -> list[Rung] | None:
    """The test of this department that was begun here a little ago."""
    match session.get(KEPT):
        case [tenant_id, place_id, at, rung] if (tenant_id, place_id) == (
            current_tenant_id(), place.id,
        ) and time.time() - at < WATCHED:  # fmt: skip
            return [Rung(*one) for one in rung]
    return None


def _said(one: Became) -> Said:
    return NOT_RUNG if one.problem else SAID.get(one.status, UNKNOWN)
