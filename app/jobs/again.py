"""Work that was given up: taken up again or set aside by a person. Webhooks are also sent once
more after they arrived. Pages and REST both come here.

Nothing here commits. What is taken up again keeps its row, so a mail keeps its Message-ID and a
webhook its delivery id: whoever has it already can tell.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from app.extensions import db
from app.jobs.outbox import STILL_DONE
from app.models import Job, JobKind, JobStatus, Tenant, TenantStatus, WebhookEndpoint

MOST = 1000  # rows that are taken up again at once
GIVEN_UP = (JobStatus.DEAD, JobStatus.SET_ASIDE)
REPLAY = {"replay": True}  # receivers are told that a person asked for it

_CLOSED = exists().where(Tenant.id == Job.tenant_id, Tenant.status == TenantStatus.CLOSED)
_LISTENS = exists().where(
    WebhookEndpoint.tenant_id == Job.tenant_id,
    WebhookEndpoint.id == Job.webhook_id,
    WebhookEndpoint.active,
)
# What would only be given up once more is left as it is.
_CAN = and_(or_(Job.kind != JobKind.WEBHOOK_OUT, _LISTENS), or_(Job.kind.in_(STILL_DONE), ~_CLOSED))
_MARK = case((Job.kind == JobKind.WEBHOOK_OUT, literal(REPLAY, JSONB)), else_=literal({}, JSONB))


class NotPossible(Exception):
    """This cannot be done with the job; `reason` says why to a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Taken:
    """How many rows of a kind are taken up again, and how many are still given up."""

    rows: int
    left: int


def replay(job: Job) -> None:
    """Take it up again if it was given up; send a webhook once more. Raises NotPossible."""
    if job.status not in (*GIVEN_UP, JobStatus.DONE):
        raise NotPossible("It is still being sent." if _is_webhook(job) else "It is under way.")
    if job.status == JobStatus.DONE and not _is_webhook(job):
        raise NotPossible("It is done. Only webhooks can be sent again.")
    if _is_webhook(job) and (job.webhook is None or not job.webhook.active):
        raise NotPossible("Its webhook is deleted or switched off.")
    if job.status == JobStatus.DONE:
        _send_again(job)
    elif not _take_up(Job.id == job.id):
        raise NotPossible("The business is closed: nothing more is done for it.")


def replay_kind(kind: JobKind) -> Taken:
    """All of a kind that were given up and not set aside, the oldest first, MOST at once."""
    given_up = and_(Job.kind == kind, Job.status == JobStatus.DEAD)
    taken = _take_up(
        Job.id.in_(
            select(Job.id).where(given_up, _CAN).order_by(Job.created_at, Job.id).limit(MOST)
        )
    )
    left = select(Job.id).where(given_up).limit(MOST).subquery()
    return Taken(taken, db.session.scalar(select(func.count()).select_from(left)) or 0)


def set_aside(job: Job) -> None:
    """A person has looked, and nothing is to be done: it no longer wants anybody. Raises
    NotPossible."""
    if not _become(Job.id == job.id, (JobStatus.DEAD,), status=JobStatus.SET_ASIDE):
        raise NotPossible("It is not given up, so there is nothing to set aside.")


def can_be_replayed(job: Job) -> bool:
    """As far as its own row tells."""
    if _is_webhook(job):
        finished = job.status in (*GIVEN_UP, JobStatus.DONE)
        return finished and job.webhook is not None and job.webhook.active
    return job.status in GIVEN_UP


def _take_up(which: Any) -> int:
    return _become(
        and_(which, _CAN), GIVEN_UP, status=JobStatus.WAITING, attempts=0, finished_at=None,
        run_at=func.clock_timestamp(),
        args=Job.args.op("||")(_MARK),
    )  # fmt: skip


def _become(which: Any, before: tuple[JobStatus, ...], **values: Any) -> int:
    """How many rows; one that somebody else has changed meanwhile is not among them."""
    changed = db.session.execute(
        update(Job)
        .where(which, Job.status.in_(before))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]


def _send_again(job: Job) -> None:
    """As it was, under its own delivery id, as a row of its own beside the one that arrived."""
    again = Job(
        tenant_id=job.tenant_id, kind=job.kind, call_id=job.call_id, webhook_id=job.webhook_id,
        key=f"webhook_replay:{job.id}:{secrets.token_hex(8)}", args=dict(job.args) | REPLAY,
    )  # fmt: skip
    db.session.add(again)
    db.session.flush()


def _is_webhook(job: Job) -> bool:
    return job.kind == JobKind.WEBHOOK_OUT
