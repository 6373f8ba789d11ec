"""The screen of personal data: whose, what there is of it, and the receipts of what was done."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.extensions import db
from app.models import DataRequest, RequestKind
from app.personal.spelled import Number
from app.views import act_as
from app.views.privacy import begin_erasure, counted, number_of, zipped
from app.views.refusals import Refused

NEWEST = 10
STORES = {
    "call_session": _("Calls"), "transcript": _("Lines said"), "call_summary": _("Summaries"),
    "transfer_attempt": _("Transfers"), "recording": _("Recordings"), "consent": _("Consents"),
    "lead": _("Leads"), "knowledge_gap": _("Unanswered questions"), "job": _("Mails and jobs"),
    "inbound_request": _("Requests from Twilio"), "block": _("Blocked callers"),
    "spend_ledger": _("Usage entries"), "mails": _("Mails kept as files"),
    "lease": _("Capacity held"), "recordings_at_twilio": _("Recordings at Twilio"),
    "webhooks": _("Webhooks"), "department": _("Departments"),
    "receptionist_config": _("Receptionist"), "knowledge_entry": _("Knowledge"),
    "holiday": _("Holidays"), "webhook_endpoint": _("Webhooks"), "ab_user": _("People"),
    "tenant": _("Business"),
}  # fmt: skip
WHAT = {
    "erased": _("Erased"), "exported": _("Handed out"),
    "mentions": _("Taken out of what others said or wrote"),
    "sent_before": _("Sent earlier, and not ours to call back"),
    "still_set_up": _("Set up by you, and left"),
}  # fmt: skip


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
        return self._asked(lambda number: self._page(number=number, counts=counted(number)))

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
        return self.render_template(
            "personal.html", requests=db.session.scalars(newest).all(), told=told,
            kinds=RequestKind, stores=STORES,
            may_write=self.appbuilder.sm.has_access("can_write", "DataRequest"), **found_out,
        )  # fmt: skip


def told(row: DataRequest) -> list[tuple[Any, list[str]]]:
    """A receipt in words."""
    return [(WHAT[what], _items(row.receipt[what])) for what in WHAT if row.receipt.get(what)]


def _items(counts: Any) -> list[str]:
    if isinstance(counts, dict):
        return [f"{STORES.get(name, name)}: {count}" for name, count in counts.items()]
    return [str(STORES.get(name, name)) for name in counts]
