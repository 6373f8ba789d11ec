"""The pages: one for each step, one for a business that is not there yet, and the last one."""

import uuid
from typing import Any

from flask import abort, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import select

from app.extensions import db
from app.models import Tenant
from app.tenancy import across_tenants, acting_for, current_tenant_id
from app.views import act_as
from app.views.refusals import Refused, explained
from app.views.setup import progress, steps, summary
from app.views.setup.business import BusinessPage, NewBusinessPage
from app.views.setup.departments import DepartmentsPage
from app.views.setup.hours import HoursPage
from app.views.setup.knowledge import KnowledgePage
from app.views.setup.number import NumberPage
from app.views.setup.page import StepPage
from app.views.setup.progress import Progress
from app.views.setup.recipients import RecipientsPage
from app.views.setup.steps import STEPS, Step
from app.views.signin import ACTING
from app.views.tenants import TenantRules

BOTH = ["GET", "POST"]


class SettingUp(BaseView):
    route_base = "/setup"
    default_view = "resume"
    class_permission_name = "ReceptionistConfig"
    method_permission_name = dict.fromkeys(("resume", "new", *STEPS, "done", "dismiss"), "write")
    base_permissions = ["can_read", "can_write"]

    @expose("/", methods=["GET"])
    @has_access
    def resume(self) -> Any:
        """Where it was left. Who acts for nobody begins a new business."""
        if current_tenant_id() is None:
            return redirect(url_for("SettingUp.new"))
        return _on(progress.current().next)

    @expose("/new", methods=BOTH)
    @has_access
    def new(self) -> Any:
        act_as.super_admins_only()
        key = _key()
        page = NewBusinessPage(key)
        if request.method == "GET":
            page.show()
        elif page.take(request.form):
            try:
                session[ACTING] = _founded(page)
                return _on(Step.HOURS)
            except Refused as refusal:
                page.refuse(refusal)
        return self._shown(page, None)

    @expose("/business", methods=BOTH)
    @has_access
    def business(self) -> Any:
        return self._step(BusinessPage)

    @expose("/hours", methods=BOTH)
    @has_access
    def hours(self) -> Any:
        return self._step(HoursPage)

    @expose("/departments", methods=BOTH)
    @has_access
    def departments(self) -> Any:
        return self._step(DepartmentsPage)

    @expose("/knowledge", methods=BOTH)
    @has_access
    def knowledge(self) -> Any:
        return self._step(KnowledgePage)

    @expose("/recipients", methods=BOTH)
    @has_access
    def recipients(self) -> Any:
        return self._step(RecipientsPage)

    @expose("/number", methods=BOTH)
    @has_access
    def number(self) -> Any:
        return self._step(NumberPage)

    @expose("/done", methods=["GET"])
    @has_access
    def done(self) -> Any:
        act_as.tenant_needed()
        found = progress.current()
        return self.render_template(
            "setup/done.html", found=found, steps=STEPS, names=steps.NAMES, step=None,
            **summary.context(found),
        )  # fmt: skip

    @expose("/dismiss", methods=["POST"])
    @has_access
    def dismiss(self) -> Any:
        act_as.tenant_needed()
        progress.dismiss()
        db.session.commit()
        return redirect(self.appbuilder.get_url_for_index)

    def _step(self, kind: type[StepPage]) -> Any:
        act_as.tenant_needed()
        found = progress.current()
        page = kind(found)
        if request.method == "GET":
            page.show()
        elif page.take(request.form):
            try:
                with explained(page.model):
                    _save(page)
                return _on(steps.after(page.step))
            except Refused as refusal:
                page.refuse(refusal)
        return self._shown(page, found)

    def _shown(self, page: StepPage, found: Progress | None) -> Any:
        before = steps.before(page.step)
        following = steps.after(page.step)
        return self.render_template(
            page.template, page=page, found=found, step=page.step, steps=STEPS, names=steps.NAMES,
            title=steps.QUESTIONS[page.step], number_of_step=STEPS.index(page.step) + 1,
            back=url_for(f"SettingUp.{before}") if before else "",
            later=url_for(f"SettingUp.{following or 'done'}"),
            **page.context,
        )  # fmt: skip


def _save(page: StepPage) -> None:
    page.save()
    if isinstance(page, BusinessPage):
        progress.mark(page.step, page.trade)
    elif not isinstance(page, NumberPage) or page.is_real:
        progress.mark(page.step)
    db.session.commit()


def _on(step: Step | None) -> Any:
    return redirect(url_for(f"SettingUp.{step or 'done'}"))


def _key() -> str:
    """What the new business will be known by: made with the page, and sent along with it."""
    if request.method == "GET":
        return uuid.uuid4().hex
    try:
        return uuid.UUID(hex=request.form.get("key", "")).hex
    except ValueError:
        abort(400)


def _founded(page: NewBusinessPage) -> int:
    """The business's id. The page sent once more changes what it made. Raises Refused."""
    with across_tenants(), explained(Tenant):
        tenant = db.session.scalar(select(Tenant).where(Tenant.public_id == page.key))
        if tenant is None:
            name, zone = page.form.name.data, page.form.timezone.data
            tenant = Tenant(public_id=page.key, name=name, timezone=zone)
            TenantRules().pre_add(tenant)
            db.session.commit()
        tenant_id = tenant.id
        db.session.rollback()
    with acting_for(tenant_id), explained(Tenant):
        page.found = progress.current()
        _save(page)
    return tenant_id
