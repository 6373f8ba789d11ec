"""A tenant's numbers: who adds and removes them, and how that is proven.

A super admin adds any. A tenant's admin adds those of a Twilio account that is the business's own
alone, asked of Twilio: on a shared one it could take another's. Nobody changes a number into
another one.
"""

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _

from app import accounts, numbers
from app.carrier import CarrierError
from app.extensions import db
from app.models import Tenant, TwilioNumber
from app.numbers import ASK, SHARED, Unable
from app.tenancy import current_tenant_id
from app.views import checks, rules
from app.views.act_as import is_by_super_admin
from app.views.bulk import RowActions
from app.views.entity import Entity
from app.views.numbering import NumberApi
from app.views.refusals import Refused


class NumberRules:
    def ahead(self, item: TwilioNumber) -> None:
        if is_by_super_admin():
            return
        rules.number(item)
        db.session.rollback()  # no transaction is open while Twilio is asked
        try:
            item.phone_sid = numbers.take_in(_tenant_id(), item.number)
        except Unable as error:
            raise Refused(error.reason, "number") from error
        except CarrierError as error:
            self.unreached(error)

    def unreached(self, error: CarrierError) -> None:
        raise Refused(f"{error.reason}. Nothing was added.", "number") from error

    def pre_delete(self, item: TwilioNumber) -> None:
        if not item.practice:  # which anybody who sets up a business may have
            _need_own_account()


class NumberPage(NumberRules, RowActions):
    """From a number to a test call of it."""

    show_template = "number/show.html"

    def _add(self) -> Any:
        """Whom to ask is said before a form is filled in for nothing."""
        try:
            _need_own_account()
        except Refused as refusal:
            if request.method == "GET":
                flash(str(refusal), "warning")
                abort(redirect(url_for("TwilioNumberPage.list")))
        return super()._add()  # type: ignore[misc]

    def post_add(self, item: TwilioNumber) -> None:
        if not is_by_super_admin():
            flash(_("Its calls come here from now on."), "success")


class NumbersApi(NumberRules, NumberApi):
    asks_others = True

    def unreached(self, error: CarrierError) -> None:
        if not error.permanent:
            abort(503, error.reason)
        super().unreached(error)


def _tenant_id() -> int:
    tenant_id = current_tenant_id()
    assert tenant_id is not None  # only a super admin acts for none
    return tenant_id


def _need_own_account() -> None:
    """What is in the installation's account is its operator's to add and to give back. Raises
    Refused."""
    if is_by_super_admin():
        return
    tenant = db.session.get_one(Tenant, _tenant_id())
    if not accounts.is_of_its_own(tenant):
        raise Refused(f"{SHARED} {ASK}")


NUMBERS = Entity(
    model=TwilioNumber, resource="numbers", menu="Numbers", category="Receptionist",
    icon="fa-phone",
    list_columns=("number", "label"),
    form_columns=("number", "label", "language"),
    edit_columns=("label", "language"),
    show_columns=("number", "label", "language", "phone_sid", "tenant"),
    checks={"number": checks.phone, "language": checks.language},
    rule=rules.number, also=("carrier",), page=NumberPage, api=NumbersApi,
    labels={"phone_sid": "Twilio's id"},
    help={
        "number": "A number of yours at Twilio, in international form, such as +12125550100.",
        "label": "What you call it, such as: main line.",
        "language": "Spoken on this number, such as es-US. Empty: the receptionist's.",
    },
)  # fmt: skip
