"""Everything kept of a person is erased: what Twilio has first, then the rows, then every other
place that names the number. The rest stays as it was.

Each step is committed by itself and safe to repeat. The receipt counts what was erased, by store;
the number itself goes with the last step.
"""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, delete, select

from app import carrier, mailbox
from app.carrier import CarrierError
from app.extensions import db
from app.jobs import recordings
from app.jobs.outbox import JobError, Unfinished, Work
from app.models import CallSession, Channel, DataRequest, Job, JobKind, JobStatus
from app.models.audit import record
from app.personal import elsewhere, found, spelled
from app.personal.found import PROOFS, Person

MOST_SECONDS = 60.0
"""Less than a lease; then the job is called again."""
CALLS = 25  # erased in one transaction
UNDER_WAY = "A call of this person, or work for one, is under way."
_SENT: dict[str, str] = {
    JobKind.CALL_SUMMARY_MAIL: "mails_sent", JobKind.LEAD_NOTIFICATION: "mails_sent",
    JobKind.WEBHOOK_OUT: "webhooks_sent",
}  # fmt: skip


def erase_person(work: Work) -> dict[str, Any]:
    """In the tenant's scope. Raises JobError; Unfinished when there is more than fits in one go."""
    request = db.session.get(DataRequest, work.args["request_id"])
    if request is None or request.finished_at is not None:
        return {"skipped": "it was done before"}
    number = spelled.number(str(request.phone))
    eraser = _Eraser(request.id, request.tenant_id, number)
    db.session.rollback()
    eraser.calls()
    eraser.rest()
    eraser.mails()
    eraser.mentions()
    return eraser.finish(str(work.args.get("actor", "system")))


class _Eraser:
    """One go. `counts` is the receipt as far as it is."""

    def __init__(self, request_id: int, tenant_id: int, number: spelled.Number) -> None:
        self._request_id, self._tenant_id, self._number = request_id, tenant_id, number
        self._until = time.monotonic() + MOST_SECONDS

    def calls(self) -> None:
        """Also the messages left in them, and all else that hangs on them."""
        whose = found.person(self._number)
        busy = _busy(whose)
        ended = [
            pair for pair in zip(whose.calls, whose.call_sids, strict=True) if pair[0] not in busy
        ]
        db.session.rollback()  # no transaction stays open while Twilio is asked
        for at in range(0, len(ended), CALLS):
            some = whose.only(ended[at : at + CALLS])
            self._sounds(some)
            self._rows(some)
            self._rest_if_due()

    def _sounds(self, whose: Person) -> None:
        """Twilio's own list is asked: it may have recordings that we never heard of."""
        account = recordings.twilio_account()
        phoned = select(CallSession.call_sid).where(
            CallSession.id.in_(whose.calls), CallSession.channel == Channel.PHONE
        )
        sids = db.session.scalars(phoned).all()
        db.session.rollback()
        gone = 0
        try:
            for call_sid in sids if account else ():
                for sound in carrier.call_recordings(account, call_sid):  # type: ignore[arg-type]
                    recordings.remove(account, call_sid, sound)  # type: ignore[arg-type]
                    gone += 1
        except CarrierError as error:
            raise JobError(error.reason, error.permanent) from error
        self._count("erased", {"recordings_at_twilio": gone})
        db.session.commit()

    def _rows(self, whose: Person) -> None:
        """Children first. Files before the rows that name them, so that none is left behind."""
        jobs = self._locked_jobs(whose)
        mails = sum(_unlink(mailbox.path_of(self._tenant_id, job.id)) for job in jobs)
        counts = {table.name: self._delete(table, whose) for table in reversed(found.tables())}
        self._count("erased", counts | {"mails": mails})
        self._count("sent_before", Counter(_SENT[j.kind] for j in jobs if _was_sent(j)))
        db.session.commit()

    def _locked_jobs(self, whose: Person) -> list[Job]:
        """No worker takes one up until the commit; one that has would write what is erased."""
        jobs = list(
            db.session.scalars(
                select(Job).where(Job.id.in_(found.jobs_of(whose))).with_for_update()
            )
        )
        if any(job.status == JobStatus.RUNNING for job in jobs):
            raise JobError(UNDER_WAY)
        return jobs

    def rest(self) -> None:
        """Messages that no call is known of, and whether the number was blocked. A call that is
        under way is waited for, before its number is taken out where others name it."""
        whose = found.person(self._number)
        if whose.calls:
            raise JobError(UNDER_WAY)
        self._rows(Person(self._number, leads=whose.leads, blocks=whose.blocks))

    def _delete(self, table: Table, whose: Person) -> int:
        condition = found.rows_of(table, whose)
        if table.name in PROOFS or condition is None:
            return 0
        own = (table.c.tenant_id == self._tenant_id) & condition
        return int(db.session.execute(delete(table).where(own)).rowcount)  # type: ignore[attr-defined]

    def mails(self) -> None:
        """Of jobs long gone, which were mailed when the number still stood in them."""
        named = found.mails_of(Person(self._number), self._tenant_id)
        self._count("erased", {"mails": sum(_unlink(path) for path in named)})
        db.session.commit()

    def mentions(self) -> None:
        """Goes on where the last go ended."""
        own = set(elsewhere.set_up(self._tenant_id, self._number))
        for table in elsewhere.tables():
            if table.name == "transfer_attempt" and own:
                continue  # it is a telephone of the business itself that was rung
            looked = self._request().receipt.get("looked_until", {}).get(table.name, 0)
            for last, places in elsewhere.batches(self._tenant_id, table, self._number, looked):
                for place in places:
                    elsewhere.take_out(place)
                self._count("mentions", {table.name: len(places)})
                self._looked(table.name, last)
                db.session.commit()
                self._rest_if_due()
        self._note("still_set_up", sorted(own))

    def finish(self, actor: str) -> dict[str, Any]:
        """In the transaction that finishes the job."""
        self._forget_progress()
        request = self._request()
        request.phone = None
        request.finished_at = datetime.now(UTC)
        entry = record("erase", "DataRequest", request.id, {"phone": request.phone_hash})
        entry.actor = actor
        db.session.add(entry)
        db.session.flush()
        return dict(request.receipt)

    def _request(self) -> DataRequest:
        return db.session.get_one(DataRequest, self._request_id)

    def _count(self, what: str, counts: Mapping[str, int]) -> None:
        before = Counter(self._request().receipt.get(what, {}))
        self._note(what, {name: count for name, count in (before + Counter(counts)).items()})

    def _note(self, name: str, value: Any) -> None:
        request = self._request()
        request.receipt = dict(request.receipt) | ({name: value} if value else {})

    def _looked(self, table: str, last: int) -> None:
        before = self._request().receipt.get("looked_until", {})
        self._note("looked_until", before | {table: last})

    def _forget_progress(self) -> None:
        request = self._request()
        request.receipt = {k: v for k, v in request.receipt.items() if k != "looked_until"}

    def _rest_if_due(self) -> None:
        if time.monotonic() > self._until:
            raise Unfinished("There is more to erase.")


def _busy(whose: Person) -> set[int]:
    """Calls that are under way, and those for which a worker does something right now: it would
    write what was just erased."""
    live = select(CallSession.id).where(
        CallSession.id.in_(whose.calls), CallSession.outcome.is_(None)
    )
    working = select(Job.call_id).where(
        Job.call_id.in_(whose.calls), Job.status == JobStatus.RUNNING
    )
    return {pk for pk in (*db.session.scalars(live), *db.session.scalars(working)) if pk}


def _was_sent(job: Job) -> bool:
    """What has left the house cannot be called back: whoever asked is told how much it was."""
    return job.kind in _SENT and job.status == JobStatus.DONE and "skipped" not in job.result


def _unlink(path: Any) -> bool:
    there = path.exists()
    path.unlink(missing_ok=True)
    return bool(there)
