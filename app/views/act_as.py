"""A super admin acts for one tenant: chosen here, bound at the start of each request."""

from typing import Any

from flask import abort, g, redirect, session, url_for
from flask_appbuilder import BaseView, expose
from flask_login import current_user
from sqlalchemy import select

from app.extensions import db
from app.models import Tenant
from app.tenancy import across_tenants
from app.views.signin import ACTING


class ActAs(BaseView):
    route_base = "/act-as"
    default_view = "choose"

    @expose("/", methods=["GET"])
    def choose(self) -> Any:
        super_admins_only()
        return self.render_template("act_as.html", tenants=_tenants())

    @expose("/<int:tenant_id>", methods=["POST"])
    def start(self, tenant_id: int) -> Any:
        super_admins_only()
        if tenant_id not in dict(_tenants()):
            abort(404)
        session[ACTING] = tenant_id
        return redirect(self.appbuilder.get_url_for_index)

    @expose("/stop", methods=["POST"])
    def stop(self) -> Any:
        super_admins_only()
        session.pop(ACTING, None)
        return redirect(url_for("ActAs.choose"))


def is_super_admin() -> bool:
    return bool(current_user.is_authenticated and g.signed_in.tenant_id is None)


def acting_for() -> str | None:
    """The name of the tenant a super admin acts for, for the navbar."""
    if not is_super_admin() or ACTING not in session:
        return None
    return db.session.scalar(select(Tenant.name).where(Tenant.id == session[ACTING]))


def super_admins_only() -> None:
    if not current_user.is_authenticated:
        abort(redirect(url_for("AuthDBView.login")))
    if not is_super_admin():
        abort(403)


def _tenants() -> list[tuple[int, str]]:
    with across_tenants():
        rows = db.session.execute(select(Tenant.id, Tenant.name).order_by(Tenant.name))
        return [(tenant_id, name) for tenant_id, name in rows]
