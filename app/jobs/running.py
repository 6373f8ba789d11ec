"""Runs due rows of the outbox: claims one, acts for its tenant, records what came of it."""

import json
import random
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from logging import getLogger
from typing import Any

from sqlalchemy import func, text, update

from app import at_once, database, logs, masking
from app.extensions import db
from app.jobs import holding, outbox
from app.jobs.handlers import HANDLERS, Handler
from app.jobs.outbox import JobError, Unfinished, Work
from app.metrics import catalogue, counting
from app.metrics.keeping import keep_now_and_then
from app.models import MAILS, Job, JobKind, JobStatus
from app.tenancy import PLATFORM, across_tenants, acting_for
from app.tracing import spans
from app.tracing.spans import Span, Value

LONGEST_REASON = 1000
AWAY_SECONDS = 60.0  # that a row which is done waits for a database to record it
PAUSE = 1.0

log = getLogger(__name__)


_JOB = Job.__table__
# By the moment at which the statement came: the indexes can be searched for it.
_OPEN = "status in ('waiting', 'running')"
_DUE = "run_at <= now() and (status = 'waiting' or (status = 'running' and lease_until < now()))"
_FIRST = f"{_DUE} order by run_at, id limit 1 for update skip locked"
_BUSY = """array(
    select coalesce(tenant_id, 0) from job where status = 'running' and lease_until > now()
)"""
# The next tenant that has open rows, found without looking at those of the one before: a backlog of
# thousands costs nobody anything.
_NEXT = f"select tenant_id from job where {_OPEN} and tenant_id > {{}} order by tenant_id limit 1"
_OF_TENANTS = f"""
    with recursive turn as (
        ({_NEXT.format("{begin}")})
        union all
        select ({_NEXT.format("turn.tenant_id")}) from turn where turn.tenant_id is not null
    )
    select first.id from turn
    cross join lateral (select id from job where job.tenant_id = turn.tenant_id and {_FIRST})
        as first
    where turn.tenant_id <> all({{idle}}) limit 1
"""
_OF_PLATFORM = f"select id from job where tenant_id is null and 0 <> all({{idle}}) and {_FIRST}"
# Whose turn it is: the tenants behind the one that was served last, the platform, then from the
# start; and first only those who have nothing under way. A tenant with a thousand mails to a server
# that hangs so costs another one of them, and not a thousand.
_IN_TURN = (
    _OF_TENANTS.replace("{begin}", ":after"), _OF_PLATFORM, _OF_TENANTS.replace("{begin}", "0"),
)  # fmt: skip
_CLAIMS = tuple(
    text(f"""
        update job
        set status = 'running', attempts = attempts + 1, lease_token = :token,
            lease_until = clock_timestamp() + :lease, updated_at = clock_timestamp()
        where id = ({whose.format(idle=idle)})
        returning id, tenant_id, kind, key, call_id, webhook_id, args, attempts, created_at,
            exists (
                select from tenant where tenant.id = job.tenant_id and tenant.status = 'closed'
            ) as closed,
            coalesce((
                select call_sid from call_session
                where call_session.tenant_id = job.tenant_id and call_session.id = job.call_id
            ), '') as call_sid
    """)
    for idle in (_BUSY, "array[]::integer[]")
    for whose in _IN_TURN
)
_FINISH = text("""
    update job set status = :status, finished_at = clock_timestamp(), last_error = :error,
        result = coalesce(cast(:result as jsonb), result), lease_token = null, lease_until = null,
        updated_at = now()
    where id = :id and lease_token = :token
    returning id
""")
_ANY_DUE = text(f"select exists (select from job where {_DUE})")
_SOMEBODYS = text(f"select coalesce(tenant_id, 0) from job where {_DUE} order by random() limit 1")


class Ended(JobError):
    """Not done, and nobody need look."""


def any_due() -> bool:
    found = at_once.row(PLATFORM, _ANY_DUE, {})
    return bool(found and found[0])


def claim(after: int = 0) -> Work | None:
    """A row that is due, leased to the caller; also one whose worker died. Whose turn it is: the
    tenant next to `after`; and of a tenant's rows, the one that is due longest."""
    token = secrets.token_hex(16)
    given = {"token": token, "lease": holding.LEASE, "after": after}
    for statement in _CLAIMS:
        if (row := at_once.row(PLATFORM, statement, given)) is not None:
            return Work(**row._mapping, token=token)
    return None


def run_due(seconds: float = 60.0, stopping: Callable[[], bool] = lambda: False) -> int:
    """Run rows until none is due, `seconds` have passed or `stopping`; how many were run.

    One claim each: a batch under one lease would outlive it behind a slow row.
    """
    until, ran, after = time.monotonic() + seconds, 0, _somebody()
    while time.monotonic() < until and not stopping():
        work = claim(after)
        if work is None:
            break
        run(work, stopping)
        keep_now_and_then()
        ran, after = ran + 1, work.tenant_id or 0
    return ran


def _somebody() -> int:
    """Most likely whoever has most that is due: begin with the one after."""
    found = at_once.row(PLATFORM, _SOMEBODYS, {})
    return int(found[0]) if found else 0


def run(work: Work, stopping: Callable[[], bool] = lambda: False) -> None:
    """Run one claimed row and record the result, the next attempt, or why it was given up.

    When the database goes away meanwhile, it is run again as soon as that is back: `work.done`
    keeps what was done outside by then, so that no mail leaves twice for want of a record.
    """
    began = time.monotonic()
    about = {"call_sid": work.call_sid} if work.call_sid else {}
    with logs.about(**_fields(work), **about), holding.held(work):
        while True:
            try:
                return _run(work, began)
            except Exception as error:
                waited = time.monotonic() - began > AWAY_SECONDS
                if stopping() or waited or not database.is_away(error):
                    return _failed(work, error, began)
                log.warning("a job waits for the database")
            time.sleep(PAUSE)


def _run(work: Work, began: float) -> None:
    try:
        if work.closed and work.kind not in outbox.STILL_DONE:
            raise Ended("The business is closed.", permanent=True)
        with _scope(work.tenant_id):
            result = _handler(work).run(work)
            if not _finish(work, status=JobStatus.DONE, result=result, last_error=""):
                db.session.rollback()
                log.warning("job finished by another worker")
                return
            db.session.commit()
        _count(work, "done", began)
        log.info("job done", extra={"ms": round((time.monotonic() - began) * 1000)})
    except Exception as error:  # the edge: one bad row must not stop the others
        if database.is_away(error):
            raise
        _failed(work, error, began)
    finally:
        db.session.remove()


def _count(work: Work, result: str, began: float) -> None:
    counting.count(catalogue.JOBS, job=work.kind, result=result)
    counting.observe(catalogue.JOB_DURATION, time.monotonic() - began, job=work.kind)
    if result in ("again", "given_up") and work.kind in MAILS:
        counting.count(catalogue.MAILS, result=result)
    if spans.is_on():
        _trace(work, result, began)


def _trace(work: Work, result: str, began: float) -> None:
    trace_id = spans.trace_of(work.call_sid)
    root = spans.root_of(trace_id) if work.call_sid else ""
    about: dict[str, Value] = {"job_id": work.id, "attempt": work.attempts, "result": result}
    if work.tenant_id is not None:
        about["tenant_id"] = work.tenant_id
    since = spans.ago(time.monotonic() - began)
    name, failed = f"job {work.kind}", result != "done"
    spans.note(Span(name, trace_id, since, time.time_ns(), root, "", failed, about))


def _scope(tenant_id: int | None) -> AbstractContextManager[None]:
    return across_tenants() if tenant_id is None else acting_for(tenant_id)


def _handler(work: Work) -> Handler:
    handler = HANDLERS.get(work.kind)
    if handler is None:  # perhaps of a newer version that is being rolled out
        raise JobError(f"this version knows no jobs of kind {work.kind!r}")
    if handler.platform and work.tenant_id is not None:
        raise JobError("of the platform only", permanent=True)
    if work.attempts > handler.attempts:
        raise JobError("each worker that took it died or ran out of its lease", permanent=True)
    return handler


def _failed(work: Work, error: Exception, began: float) -> None:
    db.session.rollback()
    reason = _reason(error)
    kept = {"result": found} if (found := getattr(error, "result", None)) else {}
    handler = HANDLERS.get(work.kind, Handler(run=lambda _: {}, attempts=8))
    if isinstance(error, Unfinished):
        return _go_on(work, **kept)
    dead = getattr(error, "permanent", False) or work.attempts >= handler.attempts
    level = log.error if dead else log.warning
    level("job given up" if dead else "job to be tried again",
          extra={"error": type(error).__name__},
          exc_info=None if isinstance(error, JobError) else error)  # fmt: skip
    result = "given_up" if dead else "again"
    _count(work, "ended" if isinstance(error, Ended) else result, began)
    with _scope(work.tenant_id):
        if dead:
            told = _finish(work, status=JobStatus.DEAD, last_error=reason, **kept)
            if told and not isinstance(error, Ended):
                _alert(work, reason)
        else:
            _try_again(work, handler, last_error=reason, **kept)
        db.session.commit()


def _go_on(work: Work, **values: Any) -> None:
    with _scope(work.tenant_id):
        _update(
            work, status=JobStatus.WAITING, attempts=0, last_error="",
            run_at=func.clock_timestamp(), **values,
        )  # fmt: skip
        db.session.commit()
    log.info("job goes on")


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, JobError) else f"{type(error).__name__}: {error}"
    return masking.mask(reason.replace("\x00", ""))[:LONGEST_REASON]


def _try_again(work: Work, handler: Handler, **values: Any) -> None:
    delay = min(handler.first * 2 ** (work.attempts - 1), handler.longest)
    _update(
        work,
        status=JobStatus.WAITING,
        run_at=func.clock_timestamp() + delay * random.uniform(0.75, 1.25),
        **values,
    )


def _finish(
    work: Work, status: JobStatus, last_error: str, result: Mapping[str, Any] | None = None
) -> bool:
    """False when the lease is no longer ours: then whoever has it records its own result."""
    told = None if result is None else json.dumps(result)
    given = {"id": work.id, "token": work.token, "status": status, "error": last_error}
    return db.session.execute(_FINISH, given | {"result": told}).first() is not None


def _update(work: Work, **values: Any) -> bool:
    """As `_finish`."""
    changed = db.session.execute(
        update(_JOB)
        .where(_JOB.c.id == work.id, _JOB.c.lease_token == work.token)
        .values(lease_token=None, lease_until=None, **values)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def _alert(work: Work, reason: str) -> None:
    """One mail for a kind and hour: when the cause is common, a thousand rows die of it."""
    if work.kind == JobKind.ALERT_MAIL:
        return
    hour = int(time.time() // 3600)
    outbox.add(
        JobKind.ALERT_MAIL, key=f"alert:{work.kind}:{hour}",
        job_id=work.id, job_kind=work.kind, reason=reason,
    )  # fmt: skip


def _fields(work: Work) -> dict[str, Any]:
    return {
        "job_id": work.id, "tenant_id": work.tenant_id, "kind": work.kind,
        "attempt": work.attempts,
    }  # fmt: skip
