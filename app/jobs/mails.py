"""The mails a business gets: a message taken, a call summarised, something that went wrong."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import current_app
from sqlalchemy import func, select

from app.extensions import db
from app.jobs import letters, post
from app.jobs.letters import Office
from app.jobs.outbox import Work
from app.models import (
    CallSession,
    CallSummary,
    Channel,
    Department,
    Job,
    JobStatus,
    Lead,
    ReceptionistConfig,
    Role,
    Tenant,
    TransferAttempt,
    User,
)
from app.roles import RoleName
from app.tenancy import acting_for
from app.voice.spoken import speech


def call_summary_mail(work: Work) -> dict[str, Any]:
    """After the summary was saved, to those who want to read of every call."""
    call = db.session.scalar(select(CallSession).where(CallSession.id == work.call_id))
    if call is None:
        return {"skipped": "the call is gone"}
    office, lead = _office(), _lead_of(call.id)
    departments = _tried(call.id)
    own = _department(lead)
    recipients = post.addresses(
        office.summary, *(d.summary_recipients for d in departments + ([own] if own else []))
    )
    test = call.channel == Channel.TEST
    letter = letters.of_call(office, call, lead, departments, _summary_of(call.id))
    return post.deliver(work, letter, recipients, office.speech, counted=not test)


def lead_notification(work: Work) -> dict[str, Any]:
    """As soon as a message is taken; urgent ones also go to those who want only these."""
    lead = db.session.scalar(select(Lead).where(Lead.id == work.args.get("lead_id")))
    lead = lead or (_lead_of(work.call_id) if work.call_id else None)
    if lead is None:
        return {"skipped": "the message is gone"}
    office, department = _office(), _department(lead)
    lists = [office.lead, department.lead_recipients if department else None]
    if lead.urgent:
        lists += [office.urgent, department.urgent_recipients if department else None]
    letter = letters.of_lead(office, lead, department, _summary_of(lead.call_id))
    test = lead.test
    return post.deliver(work, letter, post.addresses(*lists), office.speech, counted=not test)


def alert_mail(work: Work) -> dict[str, Any]:
    """To the tenant; of the platform's work, or where a tenant names nobody, to the operator."""
    office = _office() if work.tenant_id is not None else _platform()
    operator = current_app.extensions["settings"].alert_email
    recipients = post.addresses(office.alert) or post.addresses(operator.split(","))
    kind, reason = str(work.args.get("job_kind", "")), str(work.args.get("reason", ""))
    letter = letters.of_alert(office, kind, reason, _given_up(kind))
    return post.deliver(work, letter, recipients, office.speech)


def forwarding_mail(work: Work) -> dict[str, Any]:
    """Answers keep failing: to the owner, who can do without us, and to the operator, who must see
    to it."""
    office = _office()
    operator = current_app.extensions["settings"].alert_email
    recipients = post.addresses(office.alert or _admins(), operator.split(","))
    until = str(work.args.get("until", ""))
    letter = letters.of_forwarding(
        office,
        failed=int(work.args.get("failed", 0)),
        number=str(work.args.get("number", "")),
        until=datetime.fromisoformat(until) if until else None,
    )
    return post.deliver(work, letter, recipients, office.speech)


def _admins() -> list[str]:
    """Whoever may set this business up, when it names nobody to be told."""
    found = select(User.email).where(
        User.active.is_(True), User.roles.any(Role.name == RoleName.TENANT_ADMIN)
    )
    return list(db.session.scalars(found.order_by(User.id)))


def office_of(tenant_id: int | None) -> Office:
    """For platform work that writes to one tenant's people, or to the platform's own."""
    if tenant_id is None:
        return _platform()
    with acting_for(tenant_id):
        return _office()


def _office() -> Office:
    tenant = db.session.scalars(select(Tenant)).one()
    config = db.session.scalar(select(ReceptionistConfig)) or ReceptionistConfig()
    return Office(
        business=tenant.name,
        zone=_zone(tenant.timezone),
        speech=speech(config.language or "en-US"),
        link=current_app.extensions["settings"].public_base_url,
        summary=tuple(config.summary_recipients or ()),
        lead=tuple(config.lead_recipients or ()),
        urgent=tuple(config.urgent_recipients or ()),
        alert=tuple(config.alert_recipients or ()),
    )


def _platform() -> Office:
    link = current_app.extensions["settings"].public_base_url
    return Office(business="", zone=UTC, speech=speech("en-US"), link=link)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _lead_of(call_id: int) -> Lead | None:
    return db.session.scalar(select(Lead).where(Lead.call_id == call_id))


def _department(lead: Lead | None) -> Department | None:
    if lead is None or lead.department_id is None:
        return None
    return db.session.scalar(select(Department).where(Department.id == lead.department_id))


def _tried(call_id: int) -> list[Department]:
    found = db.session.scalars(
        select(Department)
        .join(TransferAttempt, TransferAttempt.department_id == Department.id)
        .where(TransferAttempt.call_id == call_id)
        .order_by(TransferAttempt.turn)
    )
    return list(dict.fromkeys(found))


def _summary_of(call_id: int | None) -> str:
    found = db.session.scalar(select(CallSummary.text).where(CallSummary.call_id == call_id))
    return found or ""


def _given_up(kind: str) -> int:
    since = datetime.now(UTC) - timedelta(days=1)
    return (
        db.session.scalar(
            select(func.count(Job.id)).where(
                Job.status == JobStatus.DEAD, Job.kind == kind, Job.finished_at > since
            )
        )
        or 0
    )
