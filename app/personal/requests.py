"""A person's request, as a row: what is done by a job, and what is only noted."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import func, select, update

from app.extensions import db
from app.jobs import outbox
from app.models import DataRequest, Job, JobKind, JobStatus, RequestKind
from app.models.audit import keyed_hash
from app.personal.spelled import Number


def erase(number: Number, actor: str) -> tuple[DataRequest, int]:
    """The request, and the job that does it; those that are under way already, if there are: one
    that was given up is taken up again. The caller commits, and wakes."""
    waiting = select(DataRequest).where(
        DataRequest.kind == RequestKind.ERASE,
        DataRequest.phone_hash == hashed(number),
        DataRequest.finished_at.is_(None),
    )
    request = db.session.scalar(waiting.limit(1))
    if request is None:
        request = _request(RequestKind.ERASE, number, actor)
        request.phone = number.e164
        db.session.add(request)
        db.session.flush()
    own = Job.key == key_of(request)
    outbox.add(JobKind.ERASE_PERSON, key=key_of(request), request_id=request.id, actor=actor)
    again = update(Job).where(own, Job.status == JobStatus.DEAD)
    db.session.execute(
        again.values(
            status=JobStatus.WAITING, attempts=0, finished_at=None, last_error="",
            run_at=func.clock_timestamp(),
        ),
        execution_options={"synchronize_session": False},
    )  # fmt: skip
    return request, db.session.scalars(select(Job.id).where(own)).one()


def key_of(request: DataRequest) -> str:
    return f"{JobKind.ERASE_PERSON}:{request.id}"


def given_up(requests: Iterable[DataRequest]) -> dict[int, str]:
    """Of those whose job was given up, by id: why."""
    keys = {key_of(one): one.id for one in requests if one.finished_at is None}
    dead = select(Job.key, Job.last_error).where(Job.key.in_(keys), Job.status == JobStatus.DEAD)
    return {keys[key]: reason for key, reason in db.session.execute(dead)}


def exported(number: Number, actor: str, rows: dict[str, int]) -> DataRequest:
    """The receipt of an export that begins now. The caller commits."""
    request = _request(RequestKind.EXPORT, number, actor)
    request.receipt = {"exported": rows}
    request.finished_at = datetime.now(UTC)
    db.session.add(request)
    return request


def hashed(number: Number) -> str:
    return keyed_hash(number.e164)


def _request(kind: RequestKind, number: Number, actor: str) -> DataRequest:
    return DataRequest(
        kind=kind, phone_hash=hashed(number), ends_in=number.e164[-2:], requested_by=actor
    )
