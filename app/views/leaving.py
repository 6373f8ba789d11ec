"""A tenant is deleted: closed at once, gone when the job has been everywhere."""

from typing import Any

from flask import Response, abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.api import permission_name, protect, safe
from flask_appbuilder.security.decorators import has_access
from flask_babel import lazy_gettext as _
from sqlalchemy import func as sql
from sqlalchemy import select, update

from app.extensions import db
from app.jobs import outbox
from app.models import Job, JobKind, JobStatus, Tenant, TenantStatus
from app.tenancy import across_tenants
from app.views.interface import is_id


def begin(tenant_id: int) -> int:
    """Close it and cause the job; one that was given up is taken up again. The job's id. Platform
    work, also while acting for that tenant, which cannot change itself. Commits."""
    key = f"{JobKind.DELETE_TENANT}:{tenant_id}"
    own = (Job.key == key, Job.tenant_id.is_(None))
    actor = _actor()
    with across_tenants():
        db.session.get_one(Tenant, tenant_id).status = TenantStatus.CLOSED
        outbox.add(JobKind.DELETE_TENANT, key=key, of=tenant_id, actor=actor)
        db.session.execute(
            update(Job)
            .where(*own, Job.status.in_((JobStatus.DEAD, JobStatus.SET_ASIDE, JobStatus.DONE)))
            .values(
                status=JobStatus.WAITING, attempts=0, finished_at=None, last_error="",
                run_at=sql.clock_timestamp(),
            ),
            execution_options={"synchronize_session": False},
        )  # fmt: skip
        job_id = db.session.scalars(select(Job.id).where(*own)).one()
        db.session.commit()
    outbox.wake()
    return job_id


def _actor() -> str:
    name = getattr(g.get("user"), "username", None)
    return f"user:{name}" if name else str(g.get("audit_actor", "system"))


class LeavingApi:
    @expose("/<pk>", methods=["DELETE"])
    @protect()
    @safe
    @permission_name("write")
    def delete(self, pk: str) -> Response:
        """Close a tenant at once, and delete it with everything it has, here and at Twilio
        ---
        delete:
          parameters:
          - in: path
            schema:
              type: integer
            name: pk
          responses:
            202:
              description: It is closed; `job` under jobs tells how far its deletion is
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      message:
                        type: string
                      job:
                        type: integer
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        return self.delete_headless(pk)  # type: ignore[attr-defined]

    def _delete(self, pk: Any) -> Response:
        job = begin(self._found(pk).id)  # type: ignore[attr-defined]
        message = "The tenant is closed and is being deleted."
        answer: Any = self.response(202, message=message, job=job)  # type: ignore[attr-defined]
        return answer


class LeavingPage:
    """Asks for the slug before anything is done."""

    @expose("/leave/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("write")
    def leave(self, pk: str) -> Any:
        tenant = db.session.get(Tenant, int(pk)) if is_id(pk) else None
        if tenant is None:
            abort(404)
        if request.method == "POST" and request.form.get("confirm", "").strip() == tenant.slug:
            name = tenant.name
            begin(tenant.id)
            flash(_("%(name)s is closed and is being deleted. See Jobs.", name=name), "success")
            return redirect(url_for("TenantPage.list"))
        error = _("Nothing was deleted: type %(slug)s exactly.", slug=tenant.slug)
        return self.render_template(  # type: ignore[attr-defined]
            "tenant_leave.html", tenant=tenant, error=error if request.method == "POST" else ""
        )

    def _delete(self, pk: Any) -> None:
        """The button of Flask-AppBuilder's list only leads to the question."""
        abort(redirect(url_for("TenantPage.leave", pk=pk)))
