"""What a call caused, in the order of time: transfers, consent, lead, mails, webhooks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.jobs import again
from app.models import (
    CallSession,
    Consent,
    ConsentKind,
    Job,
    JobKind,
    JobStatus,
    Lead,
    TransferAttempt,
    TransferStatus,
)
from app.views import conversation, tones, written

MOST_JOBS = 50  # of one call; the list of jobs has all
AGAIN = tones.Said("warn", _("Trying again"))
CONSENT = {
    (ConsentKind.RECORDING, True): _("Agreed to being recorded"),
    (ConsentKind.RECORDING, False): _("Did not want to be recorded"),
    (ConsentKind.MESSAGE, True): _("Left a message after the tone"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """`tone`: ok, bad, wait, or "". `again` is a job that can be done once more, `way` how that is
    called."""

    at: datetime
    text: Any
    tone: str = "ok"
    detail: Any = ""
    url: str = ""
    again: int = 0
    way: Any = ""


def of(
    call: CallSession,
    attempts: Iterable[TransferAttempt],
    lead: Lead | None,
    may_read: Any,
    may_replay: bool,
) -> list[Happening]:
    """`may_read` tells whether whoever asks may read rows of a model, by its name."""
    found = [Happening(call.started_at, gettext("Call answered"))]
    found += [_transfer(attempt) for attempt in attempts]
    if may_read("Consent"):
        found += [_consent(one) for one in _rows(Consent, call)]
    if lead is not None:
        url = url_for("LeadPage.show", pk=lead.id)
        found.append(Happening(lead.created_at, gettext("Lead saved"), url=url))
    if call.ended_at:
        found.append(Happening(call.ended_at, gettext("Call ended")))
    if may_read("Job"):
        found += [_job(job, may_replay) for job in _jobs(call)]
    return sorted(found, key=lambda one: one.at)


def _rows(model: Any, call: CallSession) -> Any:
    return db.session.scalars(select(model).where(model.call_id == call.id).order_by(model.id))


def _jobs(call: CallSession) -> Any:
    query = select(Job).where(Job.call_id == call.id).options(selectinload(Job.webhook))
    return db.session.scalars(query.order_by(Job.id).limit(MOST_JOBS))


def _transfer(attempt: TransferAttempt) -> Happening:
    put_through = attempt.status == TransferStatus.ANSWERED
    tone = "ok" if put_through else "wait" if attempt.status == TransferStatus.RINGING else "bad"
    talked = attempt.seconds if put_through else None
    detail = gettext("%(length)s long", length=written.length(talked)) if talked else ""
    url = url_for("TransferAttemptPage.show", pk=attempt.id)
    return Happening(attempt.created_at, conversation.rang(attempt), tone, detail, url)


def _consent(one: Consent) -> Happening:
    text = CONSENT.get((ConsentKind(one.kind), one.given), _("Answered whether to be recorded"))
    return Happening(one.created_at, text)


def _job(job: Job, may_replay: bool) -> Happening:
    said = tones.said(JobStatus, job.status)
    if job.status == JobStatus.WAITING and job.attempts:
        said = AGAIN
    tone = {"ok": "ok", "bad": "bad"}.get(said.tone, "wait")
    replayable = may_replay and again.can_be_replayed(job)
    return Happening(
        job.finished_at or job.run_at,
        _named(job),
        tone,
        _outcome(job, said),
        url_for("JobPage.show", pk=job.id),
        job.id if replayable else 0,
        gettext("Send again") if job.kind == JobKind.WEBHOOK_OUT else gettext("Try again"),
    )


def _named(job: Job) -> str:
    kind = str(tones.said(JobKind, job.kind).text)
    if job.kind != JobKind.WEBHOOK_OUT:
        return kind
    event = str((job.args or {}).get("event", ""))
    url = job.webhook.url if job.webhook else gettext("a webhook that is deleted")
    return gettext("%(event)s to %(address)s", event=event, address=url)


def _outcome(job: Job, said: tones.Said) -> str:
    if job.last_error and job.status != JobStatus.DONE:
        return gettext("%(status)s: %(reason)s", status=said.text, reason=job.last_error[:200])
    return str(said.text)
