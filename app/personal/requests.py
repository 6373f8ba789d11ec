"""A person's request, as a row: what is done by a job, and what is only noted."""

from datetime import UTC, datetime

from sqlalchemy import select

from app.extensions import db
from app.jobs import outbox
from app.models import DataRequest, Job, JobKind, RequestKind
from app.models.audit import keyed_hash
from app.personal.spelled import Number


def erase(number: Number, actor: str) -> tuple[DataRequest, int]:
    """The request, and the job that does it; those that are under way already, if there are. The
    caller commits, and wakes."""
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
    key = f"{JobKind.ERASE_PERSON}:{request.id}"
    outbox.add(JobKind.ERASE_PERSON, key=key, request_id=request.id, actor=actor)
    return request, db.session.scalars(select(Job.id).where(Job.key == key)).one()


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
