"""A tenant's side of Twilio, for super admins: its numbers, its subaccount, what is wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from sqlalchemy import select

from app import carrier, doctor, numbers
from app.carrier import Alert, CarrierError, Offer
from app.extensions import db
from app.models import CallSession, Tenant
from app.numbers import Unable
from app.tenancy import current_tenant_id
from app.views import checks
from app.views.act_as import super_admins_only

ALERTS_FOR = timedelta(days=7)
STATUSES = {"suspend": "suspended", "resume": "active", "close": "closed"}


class TwilioAccount(BaseView):
    route_base = "/twilio-account"
    default_view = "show"

    @expose("/", methods=["GET"])
    def show(self) -> Any:
        tenant_id = _acting()
        db.session.rollback()  # no connection is held while the world is asked
        found: dict[str, Any] = {
            "findings": [], "alerts": [], "offers": [], "calls": {}, "subaccount": None,
            "certificate": doctor.certificate(_base_url()),
        }  # fmt: skip
        try:
            account = numbers.account_for(tenant_id)
            found["account_sid"] = account.account_sid
            found["findings"] = numbers.examine(tenant_id, account)
            found["subaccount"] = _subaccount(tenant_id)
            found["alerts"] = carrier.alerts(account, datetime.now(UTC) - ALERTS_FOR)
            found["calls"] = _calls(found["alerts"])
            found["offers"] = _offers(tenant_id)
        except (Unable, CarrierError) as problem:
            flash(problem.reason, "danger")
        name = db.session.scalar(select(Tenant.name).where(Tenant.id == tenant_id))
        return self.render_template("twilio.html", name=name, **found)

    @expose("/buy", methods=["POST"])
    def buy(self) -> Any:
        return _doing(numbers.buy, "The number was bought. It points here.")

    @expose("/point", methods=["POST"])
    def point(self) -> Any:
        return _doing(numbers.point, "The number points here.")

    @expose("/release", methods=["POST"])
    def release(self) -> Any:
        """For ever, so the number is typed once more."""
        same = request.form.get("confirm", "").strip() == request.form.get("number")
        return _doing(numbers.release, "The number was given back.", same)

    @expose("/subaccount", methods=["POST"])
    def subaccount(self) -> Any:
        tenant_id, wanted = _acting(), request.form.get("do", "")
        if wanted == "open":
            return _done(lambda: numbers.open_subaccount(tenant_id), "It has its own account now.")
        name = db.session.scalar(select(Tenant.name).where(Tenant.id == tenant_id))
        sure = wanted != "close" or request.form.get("confirm", "").strip() == name
        if wanted not in STATUSES or not sure:
            flash("Nothing was done: type the name of the business to close its account.", "danger")
            return redirect(url_for("TwilioAccount.show"))
        status = STATUSES[wanted]
        return _done(lambda: numbers.set_subaccount(tenant_id, status), f"It is {status} now.")


def _acting() -> int:
    super_admins_only()
    tenant_id = current_tenant_id()
    if tenant_id is None:
        flash("Choose the tenant to act for first.", "warning")
        abort(redirect(url_for("ActAs.choose")))
    return tenant_id


def _doing(change: Callable[[int, str], None], done: str, sure: bool = True) -> Any:
    """A change of the number in the form."""
    tenant_id = _acting()
    try:
        number = checks.phone(request.form.get("number", "")[:64])
    except ValueError as error:
        flash(str(error), "danger")
        return redirect(url_for("TwilioAccount.show"))
    if not sure:
        flash("Nothing was done: type the number once more to release it.", "danger")
        return redirect(url_for("TwilioAccount.show"))
    return _done(lambda: change(tenant_id, number), done)


def _done(change: Callable[[], None], done: str) -> Any:
    try:
        change()
    except (Unable, CarrierError) as problem:
        flash(problem.reason, "danger")
    else:
        flash(done, "success")
    return redirect(url_for("TwilioAccount.show"))


def _offers(tenant_id: int) -> list[Offer]:
    country, area = request.args.get("country", ""), request.args.get("area", "")
    if not country:
        return []
    try:
        country, area = checks.country(country), checks.area_code(area)
    except ValueError as error:
        raise Unable(str(error)) from error
    return numbers.offers(tenant_id, country, area)


def _subaccount(tenant_id: int) -> str | None:
    """Its status, or None. An account that is not under the installation's is nobody's business."""
    try:
        found = numbers.subaccount(tenant_id)
    except Unable:
        return "not under the installation's account"
    except CarrierError as error:
        if error.status in (401, 403, 404):
            return "not under the installation's account"
        raise
    return found.status if found else None


def _calls(alerts: list[Alert]) -> dict[str, int]:
    """Our calls that the alerts are about, by CallSid; of the tenant in scope only."""
    sids = [alert.about for alert in alerts]
    rows = db.session.execute(
        select(CallSession.call_sid, CallSession.id).where(CallSession.call_sid.in_(sids))
    )
    return {sid: pk for sid, pk in rows}


def _base_url() -> str:
    return str(current_app.extensions["settings"].public_base_url)
