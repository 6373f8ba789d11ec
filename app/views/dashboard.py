"""The first page: what waits, counted."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import redirect
from flask_appbuilder import IndexView, expose
from flask_login import current_user
from sqlalchemy import func, select

from app.extensions import db
from app.models import CallSession, Channel, Job, JobStatus, Lead, LeadStatus, Tenant


@dataclass(frozen=True)
class Counts:
    tenant: str
    calls: int
    leads: int
    jobs: int


class Dashboard(IndexView):
    @expose("/")
    def index(self) -> Any:
        if not current_user.is_authenticated:
            return redirect(self.appbuilder.get_url_for_login)
        self.update_redirect()
        return self.render_template("dashboard.html", rows=_counts())


def _counts() -> list[Counts]:
    since = datetime.now(UTC) - timedelta(days=1)
    calls = _by_tenant(
        CallSession, CallSession.started_at >= since, CallSession.channel != Channel.TEST
    )
    leads = _by_tenant(Lead, Lead.status == LeadStatus.NEW, Lead.test.is_(False))
    jobs = _by_tenant(Job, Job.status == JobStatus.WAITING)
    tenants = db.session.execute(select(Tenant.id, Tenant.name).order_by(Tenant.name).limit(200))
    return [Counts(n, calls.get(i, 0), leads.get(i, 0), jobs.get(i, 0)) for i, n in tenants]


def _by_tenant(model: Any, *conditions: Any) -> dict[int, int]:
    counted = select(model.tenant_id, func.count()).where(*conditions).group_by(model.tenant_id)
    return {tenant_id: count for tenant_id, count in db.session.execute(counted)}
