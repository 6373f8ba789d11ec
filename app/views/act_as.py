"""A super admin acts for one tenant: chosen here, bound at the start of each request."""

from typing import Any

from flask import abort, flash, g, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from app.extensions import db
from app.models import Tenant
from app.tenancy import across_tenants, current_tenant_id
from app.views import moments
from app.views.fields import LARGEST, storable
from app.views.signin import ACTING

FEW = 8  # in the switcher
MOST = 100  # on the page; what is typed narrows them
TO = {"doctor": "TwilioAccount.show"}  # where one may go on at once


class ActAs(BaseView):
    route_base = "/act-as"
    default_view = "choose"

    @expose("/", methods=["GET"])
    def choose(self) -> Any:
        super_admins_only()
        return self.render_template(
            "act_as.html", tenants=_tenants(_asked()), asked=_asked(), most=MOST
        )

    @expose("/find", methods=["GET"])
    def find(self) -> Any:
        """The list of the switcher, as it is typed."""
        super_admins_only()
        return self.render_template("frame/tenants.html", tenants=_tenants(_asked())[:FEW])

    @expose("/<int:tenant_id>", methods=["POST"])
    def start(self, tenant_id: int) -> Any:
        super_admins_only()
        if not _exists(tenant_id):
            abort(404)
        session[ACTING] = tenant_id
        there = TO.get(request.form.get("to", ""))
        return redirect(url_for(there) if there else self.appbuilder.get_url_for_index)

    @expose("/stop", methods=["POST"])
    def stop(self) -> Any:
        super_admins_only()
        session.pop(ACTING, None)
        return redirect(url_for("ActAs.choose"))


def is_super_admin() -> bool:
    return bool(current_user.is_authenticated and g.signed_in.tenant_id is None)


def is_by_super_admin() -> bool:
    """The same of a page or of REST, once it is proven who asks; never of an API key."""
    signed_in = g.get("signed_in")
    return signed_in is not None and signed_in.tenant_id is None


def acting_for() -> str | None:
    """The name of the tenant a super admin acts for."""
    if not is_super_admin() or ACTING not in session:
        return None
    return moments.business().name


def super_admins_only() -> None:
    if not current_user.is_authenticated:
        abort(redirect(url_for("AuthDBView.login")))
    if not is_super_admin():
        abort(403)


def tenant_needed() -> None:
    """Across tenants there is nothing that the screen could be of."""
    if current_tenant_id() is None:
        flash(_("Choose the tenant to act for first."), "warning")
        abort(redirect(url_for("ActAs.choose")))


def _asked() -> str:
    try:
        return storable(request.args.get("q", "").strip()[:80])
    except ValueError:
        return ""


def _exists(tenant_id: int) -> bool:
    with across_tenants():
        return tenant_id <= LARGEST and db.session.get(Tenant, tenant_id) is not None


def _tenants(asked: str) -> list[tuple[int, str]]:
    """Whose name contains it; one that begins with it comes first."""
    begins = Tenant.name.istartswith(asked, autoescape=True)
    with across_tenants():
        rows = db.session.execute(
            select(Tenant.id, Tenant.name)
            .where(Tenant.name.icontains(asked, autoescape=True))
            .order_by(begins.desc(), Tenant.name)
            .limit(MOST)
        )
        return [(tenant_id, name) for tenant_id, name in rows]
