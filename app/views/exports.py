"""Everything a tenant owns, to be taken along: for its admins, and for super admins."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.api import permission_name, protect, safe
from flask_appbuilder.security.decorators import has_access
from flask_babel import lazy_gettext as _

from app import archive
from app.archive import TooOften
from app.extensions import db
from app.models import Tenant
from app.tenancy import current_tenant_id
from app.views.interface import is_id

AN_HOUR = {"Retry-After": "3600"}
LATER = _("Everything was exported three times within this hour. Wait a little.")


def _sent(tenant: Tenant) -> Response:
    """Raises TooOften."""
    tenant_id, slug = tenant.id, tenant.slug
    archive.permit(tenant_id)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    name = f"{slug}-{datetime.now(UTC):%Y-%m-%d}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return Response(archive.pieces(app, tenant_id), mimetype="application/zip", headers=headers)


class ExportApi:
    @expose("/<int:pk>/export", methods=["GET"])
    @protect()
    @safe
    @permission_name("export")
    def export(self, pk: int) -> Response:
        """Everything a tenant owns, as a zip of one JSON Lines file per table
        ---
        get:
          parameters:
          - in: path
            schema:
              type: integer
            name: pk
          responses:
            200:
              description: The archive; manifest.json in it says what is inside
              content:
                application/zip:
                  schema:
                    type: string
                    format: binary
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            429:
              description: Asked for too often; Retry-After says when to come back
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      message:
                        type: string
        """
        return self._answering(lambda: self._exported(pk))  # type: ignore[attr-defined]

    def _exported(self, pk: int) -> Response:
        try:
            return _sent(self._found(pk))  # type: ignore[attr-defined]
        except TooOften:
            answer: Response = self.response(429, message=str(LATER))  # type: ignore[attr-defined]
            answer.headers.update(AN_HOUR)
            return answer


class Export(BaseView):
    route_base = "/export"
    default_view = "show"
    class_permission_name = "Tenant"
    method_permission_name = {"show": "export", "send": "export"}
    base_permissions = ["can_export"]
    menu_name, menu_category, menu_icon = "Export everything", "Platform", "fa-download"

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        return self.render_template("export.html", tenant=_wanted())

    @expose("/", methods=["POST"])
    @has_access
    def send(self) -> Any:
        tenant = _wanted()
        tenant_id = tenant.id
        try:
            return _sent(tenant)
        except TooOften:
            flash(LATER, "warning")
            return redirect(url_for("Export.show", tenant=tenant_id))


def _wanted() -> Tenant:
    """The tenant in scope, or the one that a super admin names; a stranger's is none."""
    named = request.args.get("tenant", "")
    own = current_tenant_id()
    if own is None and not named:
        flash(_("Choose the tenant to act for first."), "warning")
        abort(redirect(url_for("ActAs.choose")))
    wanted = int(named) if is_id(named) else 0
    return db.session.get(Tenant, wanted if named else own) or abort(404)
