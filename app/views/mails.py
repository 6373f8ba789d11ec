"""A mail as it was sent, and what became of it for each recipient."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.jobs import outbox
from app.models import MAILS, Job, JobStatus

Key = tuple[int | None, str]


class Delivery(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FILED = "filed"  # there is no mail server: it lies in DATA_DIR
    AGAIN = "again"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Recipient:
    """`answer` is what the mail server said, or why it was not asked."""

    address: str
    state: Delivery
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """`private`: it held a link that sets a password, so its text was not kept. `skipped`: nobody
    was to get it, or what it was about is gone."""

    subject: str
    recipients: tuple[Recipient, ...]
    text: str
    html: str
    private: bool
    skipped: str

    @property
    def states(self) -> dict[Delivery, int]:
        """How many recipients it stands so with."""
        found: dict[Delivery, int] = {}
        for recipient in self.recipients:
            found[recipient.state] = found.get(recipient.state, 0) + 1
        return found


def is_mail(job: Job) -> bool:
    return job.kind in MAILS


def of(jobs: Iterable[Job]) -> dict[int, Mail]:
    """By the id of their job; by one statement for those that did not reach everybody at once."""
    mails = [job for job in jobs if is_mail(job)]
    rest = _rest(mails)
    return {job.id: _mail(job, rest) for job in mails}


def _mail(job: Job, rest: Mapping[Key, Job]) -> Mail:
    told = job.result
    return Mail(
        subject=str(told.get("subject", "")),
        recipients=tuple(_became(job, address, rest) for address in _addresses(job)),
        text=str(told.get("text", "")),
        html=str(told.get("html", "")),
        private=bool(told.get("private")),
        skipped=str(told.get("skipped", "")),
    )


def _addresses(job: Job) -> list[str]:
    found = job.result.get("recipients") or job.args.get("only")
    return [str(address) for address in found] if isinstance(found, list) else []


def _became(job: Job, address: str, rest: Mapping[Key, Job]) -> Recipient:
    """Of a job that left it over, the one that carries on says it."""
    answer = _answer(job, address)
    while job.status == JobStatus.DONE and address in job.result.get("later", ()):
        follower = rest.get((job.tenant_id, _key(job, _remainder(job) + 1)))
        if follower is None:
            return Recipient(address, Delivery.GIVEN_UP, answer)
        job = follower
        answer = _answer(job, address) or answer
    return Recipient(address, _state(job, address), answer)


def _state(job: Job, address: str) -> Delivery:
    match job.status:
        case JobStatus.WAITING:
            return Delivery.AGAIN if job.attempts or _remainder(job) else Delivery.WAITING
        case JobStatus.RUNNING:
            return Delivery.SENDING
        case JobStatus.DONE if address not in job.result.get("refused", ()):
            return Delivery.FILED if job.result.get("filed") else Delivery.SENT
    return Delivery.GIVEN_UP


def _answer(job: Job, address: str) -> str:
    answers = job.result.get("answers") or job.result.get("refused") or {}
    return str(answers.get(address, "")) or job.last_error


def _remainder(job: Job) -> int:
    """Which of the jobs it is that carry on with what the first left over; 0: the first."""
    return int(job.args.get("remainder", 0))


def _key(job: Job, number: int) -> str:
    """Of the job that carries on for the `number`-th time."""
    first = job.key.removesuffix(outbox.remainder_key("", _remainder(job)))
    return outbox.remainder_key(first, number)


def _rest(jobs: list[Job]) -> dict[Key, Job]:
    left = [job for job in jobs if job.result.get("later")]
    keys = {_key(job, n + 1) for job in left for n in range(outbox.MOST_REMAINDERS)}
    if not keys:
        return {}
    found: Any = db.session.scalars(
        select(Job).where(
            Job.key.in_(keys), Job.tenant_id.in_({job.tenant_id for job in jobs if job.tenant_id})
        )
    )
    return {(job.tenant_id, job.key): job for job in found}
