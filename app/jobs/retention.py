"""What a tenant keeps for so many days only is deleted after them, recordings at Twilio first.

A business says under Receptionist how long; what it does not limit is kept. All goes in batches,
each committed by itself, so that years of calls lock nothing for long.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.sql import ColumnElement

from app import mailbox
from app.extensions import db
from app.jobs import outbox
from app.models import (
    CallSession,
    CallSummary,
    Job,
    JobKind,
    JobStatus,
    KnowledgeGap,
    Lead,
    ReceptionistConfig,
    Recording,
    RecordingStatus,
    Transcript,
)
from app.tenancy import acting_for

BATCH = 1000
MAIL_DAYS = 30  # of mails kept as files, like the finished jobs that sent them
_UNDER_WAY = (JobStatus.WAITING, JobStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Limits:
    """In days; None: kept."""

    tenant_id: int
    transcripts: int | None
    recordings: int | None
    calls: int | None
    leads: int | None

    @property
    def shortest(self) -> int | None:
        return min((days for days in self._all() if days is not None), default=None)

    def _all(self) -> tuple[int | None, ...]:
        return self.transcripts, self.recordings, self.calls, self.leads


class Spent(Exception):
    """The time for this go is over."""


class Round:
    """One go through all tenants, until the monotonic clock stands at `until`. `counts` is what
    was deleted so far; `unfinished`: there is more."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._now = datetime.now(UTC)
        self.counts: dict[str, int] = {}
        self.unfinished = False

    def go(self) -> None:
        """Platform work. Commits."""
        limits = list(_limits())
        try:
            for own in limits:
                with acting_for(own.tenant_id):
                    self._tenant(own)
        except Spent:
            self.unfinished = True
        self._count("mails", _delete_mails(limits, self._now))

    def _tenant(self, own: Limits) -> None:
        """Recordings before their calls, which go only when Twilio has none of them any more."""
        sounds = [days for days in (own.recordings, own.calls) if days is not None]
        if sounds:
            self._count("recordings", self._ask_to_delete(self._before(min(sounds))))
        if own.transcripts is not None:
            self._words(self._before(own.transcripts))
        if own.leads is not None:
            self._delete("leads", Lead, Lead.created_at < self._before(own.leads))
        if own.calls is not None:
            self._delete("calls", CallSession, _over(self._before(own.calls)))
        if own.shortest is not None:
            ended = Job.finished_at < self._before(own.shortest)
            self._delete("jobs", Job, ended & Job.status.not_in(_UNDER_WAY))

    def _words(self, before: datetime) -> None:
        """Callers' words wherever they stand: also as questions, and in what a call remembers."""
        self._delete("transcripts", Transcript, Transcript.created_at < before)
        self._delete("summaries", CallSummary, CallSummary.created_at < before)
        self._delete("gaps", KnowledgeGap, KnowledgeGap.last_asked_at < before)
        old = (CallSession.started_at < before) & CallSession.outcome.is_not(None)
        self._in_batches(
            lambda: (
                update(CallSession)
                .where(CallSession.id.in_(_some(CallSession, old & (CallSession.memory != {}))))
                .values(memory={}, updated_at=CallSession.updated_at)
            )
        )

    def _ask_to_delete(self, before: datetime) -> int:
        """By jobs, which try again while Twilio is away; one a day that was given up is begun anew.
        The sound goes first, then the row says so."""
        due = select(Recording.id, Recording.call_id, Recording.recording_sid).where(
            Recording.created_at < before,
            Recording.status != RecordingStatus.DELETED,
            ~exists().where(
                Job.call_id == Recording.call_id,
                Job.kind == JobKind.DELETE_RECORDING,
                Job.status.in_(_UNDER_WAY),
                Job.args["recording_sid"].astext == Recording.recording_sid,
            ),
        )
        rows = db.session.execute(due.order_by(Recording.id).limit(BATCH)).all()
        for _, call_id, sid in rows:
            key = f"{JobKind.DELETE_RECORDING}:{sid}:{self._now:%Y%m%d}"
            outbox.add(JobKind.DELETE_RECORDING, key=key, call_id=call_id, recording_sid=sid)
        marked = update(Recording).where(Recording.id.in_([pk for pk, _, _ in rows]))
        db.session.execute(marked.values(status=RecordingStatus.DELETING), _QUIETLY)
        db.session.commit()
        return len(rows)

    def _delete(self, name: str, model: Any, condition: ColumnElement[bool]) -> None:
        gone = self._in_batches(lambda: delete(model).where(model.id.in_(_some(model, condition))))
        self._count(name, gone)

    def _in_batches(self, statement: Any) -> int:
        done = 0
        while True:
            if time.monotonic() > self._until:
                raise Spent
            result = db.session.execute(statement(), execution_options=_QUIETLY)
            db.session.commit()
            done += result.rowcount  # type: ignore[attr-defined]
            if result.rowcount < BATCH:  # type: ignore[attr-defined]
                return done

    def _before(self, days: int) -> datetime:
        return self._now - timedelta(days=days)

    def _count(self, name: str, number: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + number


_QUIETLY = {"synchronize_session": False}


def _some(model: Any, condition: ColumnElement[bool]) -> Any:
    return select(model.id).where(condition).limit(BATCH)


def _limits() -> Iterator[Limits]:
    c = ReceptionistConfig
    columns = (c.tenant_id, c.transcript_days, c.recording_days, c.call_days, c.lead_days)
    found = [Limits(*row) for row in db.session.execute(select(*columns).order_by(c.tenant_id))]
    db.session.rollback()
    return (one for one in found if one.shortest is not None)


def _over(before: datetime) -> ColumnElement[bool]:
    """Calls that have ended, none of whose recordings is at Twilio any more."""
    kept = exists().where(
        Recording.call_id == CallSession.id, Recording.status != RecordingStatus.DELETED
    )
    return (CallSession.started_at < before) & CallSession.outcome.is_not(None) & ~kept


def _delete_mails(limits: list[Limits], now: datetime) -> int:
    """Files of this machine, named after tenant and job."""
    days = {str(own.tenant_id): min(own.shortest or MAIL_DAYS, MAIL_DAYS) for own in limits}
    gone = 0
    for path in mailbox.folder().glob("job-*.eml"):
        kept = days.get(mailbox.owner(path), MAIL_DAYS)
        oldest = now - timedelta(days=kept)
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) < oldest:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
