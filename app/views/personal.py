"""The screen of personal data: whose, what there is of it, and the receipts of what was done."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select

from app.extensions import db
from app.models import DataRequest, RequestKind
from app.personal import requests
from app.personal.spelled import Number
from app.views import act_as, receipts
from app.views.privacy import begin_erasure, counted, number_of, zipped
from app.views.refusals import Refused

NEWEST = 10


class PersonalData(BaseView):
    """The number is in no address: those are kept by browsers and in logs."""

    route_base = "/personal-data"
    default_view = "show"
    class_permission_name = "DataRequest"
    method_permission_name = {"show": "read", "find": "write", "export": "write", "erase": "write"}
    base_permissions = ["can_read", "can_write"]

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        act_as.tenant_needed()
        return self._page()

    @expose("/", methods=["POST"])
    @has_access
    def find(self) -> Any:
        return self._asked(lambda number: self._page(whose=number, counts=counted(number)))

    @expose("/export", methods=["POST"])
    @has_access
    def export(self) -> Any:
        return self._asked(zipped)

    @expose("/erase", methods=["POST"])
    @has_access
    def erase(self) -> Any:
        return self._asked(self._erased)

    def _erased(self, number: Number) -> Any:
        begin_erasure(number)
        flash(gettext("It is being erased. The receipt is below as soon as it is done."), "success")
        return redirect(url_for("PersonalData.show"))

    def _asked(self, answer: Callable[[Number], Any]) -> Any:
        act_as.tenant_needed()
        try:
            return answer(number_of(request.form.get("phone", "")))
        except Refused as refusal:
            return self._page(error=refusal.text, typed=request.form.get("phone", "")[:40])

    def _page(self, **found_out: Any) -> Any:
        newest = select(DataRequest).order_by(DataRequest.id.desc()).limit(NEWEST)
        found = db.session.scalars(newest).all()
        return self.render_template(
            "personal.html", given_up=requests.given_up(found), requests=found, told=receipts.told,
            kinds=RequestKind, stores=receipts.STORES,
            may_write=self.appbuilder.sm.has_access("can_write", "DataRequest"), **found_out,
        )  # fmt: skip
