"""The ledger check: what the robot and the stand-ins saw, against what the product has kept.

Pure: every discrepancy is a sentence. A drill passes when there is none.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.phone.callee import TALK_SECONDS, TransferResult
from bench.drills.ledger import Call
from bench.drills.rows import UNDER_WAY, Kept, KeptJob
from bench.drills.settings import OPERATOR

R = TypeVar("R")
OVER = "ended"
WHOSE = re.compile(r"\S+, of its (day|month)")  # who spends much, as an alert tells its operator
HOURLY = ("close_orphans", "collect_messages", "cleanup", "book_numbers")


@dataclass(frozen=True, slots=True)
class Mail:
    """One that the sink accepted, with all its text."""

    message_id: str
    recipients: tuple[str, ...]
    text: str

    @property
    def is_alert(self) -> bool:
        """The operator's own (app/alerts)."""
        return self.message_id.startswith("<alert-") and self.recipients == (OPERATOR,)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a drill's own injury makes unavoidable; anything else is a discrepancy. `copies`: of one
    mail, in all; `unread`: the model's replies may have been paid for and never read; `dead`:
    kinds of jobs that may be given up; `strangers`: rows of calls that the robot did not place;
    `held`: callers are asked for patience while the database is away, each time within 8 s, and
    what Twilio only tells may go unheard; `untold`: how long people talked is told to nobody."""

    copies: int = 1
    unread: bool = False
    dead: frozenset[str] = frozenset()
    strangers: bool = False
    held: bool = False
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """Outside the product: calls of the robot, mails of the sink, tokens of the model."""

    calls: tuple[Call, ...] = ()
    mails: tuple[Mail, ...] = ()
    tokens: int = 0
    model_requests: tuple[str, ...] = ()
    log_lines: tuple[str, ...] = ()
    canaries: tuple[str, ...] = field(default=())


def discrepancies(seen: Seen, kept: Kept, allowed: Allowed) -> list[str]:
    return [
        *of_calls(seen, kept, allowed), *of_leads(seen, kept), *of_transfers(seen, kept),
        *of_outbox(kept, allowed), *of_mails(seen, kept, allowed), *of_spend(seen, kept, allowed),
        *of_canaries(seen),
    ]  # fmt: skip


def is_settled(placed: Iterable[Call], kept: Kept) -> bool:
    """Whether nothing is under way any more; then the check can be made."""
    over = {row.call_sid for row in kept.calls if row.outcome is not None}
    calls = all(call.call_sid in over for call in placed if call.accepted)
    jobs = all(job.status not in UNDER_WAY for job in kept.jobs if job.kind not in HOURLY)
    return calls and jobs and not _missing_jobs(kept)


def of_calls(seen: Seen, kept: Kept, allowed: Allowed) -> list[str]:
    rows = Counter(row.call_sid for row in kept.calls)
    by_sid = {row.call_sid: row for row in kept.calls}
    found = []
    for call in seen.calls:
        row = by_sid.get(call.call_sid)
        if not call.accepted:
            continue
        if row is None:
            found.append(f"call {call.call_sid} was accepted and has no row")
            continue
        if rows[call.call_sid] > 1:
            found.append(f"call {call.call_sid} has {rows[call.call_sid]} rows")
        if row.tenant_id != call.business.tenant_id:
            found.append(f"call {call.call_sid} is another tenant's")
        if row.state != OVER or row.outcome is None:
            found.append(f"call {call.call_sid} is not over: {row.state}, {row.outcome}")
    invented = set(by_sid) - {call.call_sid for call in seen.calls}
    if invented and not allowed.strangers:
        found.append(f"{len(invented)} calls that nobody placed, such as {min(invented)}")
    return found


def of_leads(seen: Seen, kept: Kept) -> list[str]:
    of_call, of_name = (
        _grouped(kept.leads, by) for by in (lambda lead: lead.call_id, lambda lead: lead.name)
    )
    ids = {row.call_sid: row.id for row in kept.calls}
    found = []
    for call in seen.calls:
        leads = of_call.get(ids.get(call.call_sid), [])
        if len(leads) > 1:
            found.append(f"call {call.call_sid} has {len(leads)} leads")
        if call.promised and not leads:
            found.append(f"LOST: the message of call {call.call_sid} was promised")
        named = of_name.get(call.name, [])
        if call.read_back and len(named) != 1:
            found.append(f"{len(named)} leads of {call.name}, who left one message")
        for lead in leads:
            if call.read_back and (lead.phone, lead.confirmed) != (call.phone, True):
                found.append(f"the message of {call.name} is kept otherwise than it was read back")
            if lead.tenant_id != call.business.tenant_id:
                found.append(f"the message of call {call.call_sid} is another tenant's")
    return found


def of_transfers(seen: Seen, kept: Kept) -> list[str]:
    of_call = _grouped(kept.transfers, lambda row: row.call_id)
    ids = {row.call_sid: row.id for row in kept.calls}
    found = []
    for call in seen.calls:
        rows = of_call.get(ids.get(call.call_sid), [])
        dialled = Counter(numbers for numbers, _ in call.dials)
        if dialled != Counter(row.numbers for row in rows):
            found.append(f"call {call.call_sid} dialled {len(call.dials)}, kept {len(rows)}")
        if any(row.status == "ringing" for row in rows):
            found.append(f"call {call.call_sid} still rings")
        if foreign := {n for numbers, _ in call.dials for n in numbers} - {call.business.person}:
            found.append(f"call {call.call_sid} dialled {', '.join(foreign)}")
    return found


def of_outbox(kept: Kept, allowed: Allowed) -> list[str]:
    found = [
        f"job {job.key} is stuck: {job.status} after {job.attempts} tries ({job.error[:80]})"
        for job in kept.jobs
        if job.status in UNDER_WAY and job.kind not in HOURLY
    ]
    found += [
        f"job {job.key} was given up: {job.error[:80]}"
        for job in kept.jobs
        if job.status == "dead" and job.kind not in allowed.dead
    ]
    return found + _missing_jobs(kept)


def _missing_jobs(kept: Kept) -> list[str]:
    """Work that the end of each call, and each message, must cause."""
    keys: dict[int | None, set[str]] = {}
    for job in kept.jobs:
        keys.setdefault(job.call_id, set()).add(job.kind)
    with_lead = {lead.call_id for lead in kept.leads}
    found = []
    for call in kept.calls:
        wanted = set()
        if call.outcome not in (None, "blocked"):
            wanted |= {"summarise_call", "call_summary_mail"}
        if call.outcome is not None and call.id in with_lead:
            wanted |= {"lead_notification"}
        found += [
            f"call {call.call_sid} has no job {kind}"
            for kind in sorted(wanted - keys.get(call.id, set()))
        ]
    return found


def of_mails(seen: Seen, kept: Kept, allowed: Allowed) -> list[str]:
    """Each at least once and at most as often as allowed, under one Message-ID. What the operator
    is alerted of comes without a job: the outbox may be what it is about."""
    by_job = [mail for mail in seen.mails if not mail.is_alert]
    copies = Counter(mail.message_id for mail in by_job)
    sent = {job.message_id: job for job in kept.jobs if job.is_mail and job.message_id}
    found = []
    for job in kept.jobs:
        if job.is_mail and job.status == "done" and "skipped" in job.result:
            found.append(f"LOST: mail {job.key} was left out: {job.result['skipped']}")
        elif job.is_mail and job.status == "done" and not copies[job.message_id]:
            found.append(f"LOST: mail {job.key} is done and never arrived")
    for message_id, count in copies.items():
        if message_id not in sent:
            found.append(f"mail {message_id} arrived and no job sent it")
        elif count > allowed.copies:
            found.append(f"mail {message_id} arrived {count} times")
    return found


def _fallen_back(calls: Iterable[Call]) -> int:
    """Conversations of calls that went through /fallback, where Twilio does not say how a Dial
    ended."""
    return sum(
        result is TransferResult.ANSWERED
        for call in calls if call.fallbacks
        for _, result in call.dials
    )  # fmt: skip


def _of_transfers(bridged: int, perhaps_untold: int, kept: Kept) -> dict[str, int]:
    """As many as are booked, if those of which nothing may have been told can be missing."""
    booked = kept.spent_on("transfers")
    count = booked if bridged - perhaps_untold <= booked <= bridged else bridged
    return {"transfers": count, "transfer_seconds": count * TALK_SECONDS}


def of_spend(seen: Seen, kept: Kept, allowed: Allowed) -> list[str]:
    answered = [call for call in seen.calls if call.accepted]
    bridged = sum(
        result is TransferResult.ANSWERED for call in answered for _, result in call.dials
    )
    recipients = {mail.message_id: len(mail.recipients) for mail in seen.mails}
    mails = sum(recipients.get(job.message_id, 0) for job in kept.jobs if _is_charged(job))
    seconds = sum(call.duration for call in answered)
    expected = {
        "calls": len(answered),
        "call_seconds": seconds,
        "transfers": bridged,
        "transfer_seconds": bridged * TALK_SECONDS,
        "mails": mails,
    }
    if allowed.held and kept.spent_on("call_seconds") < seconds:
        del expected["call_seconds"]  # the end of a call that was over here was told to nobody
    if allowed.held:
        expected |= _of_transfers(bridged, _fallen_back(answered), kept)
    if allowed.untold:
        expected = {kind: min(many, kept.spent_on(kind)) for kind, many in expected.items()}
    if allowed.strangers:
        expected = {kind: max(many, kept.spent_on(kind)) for kind, many in expected.items()}
    found = [
        f"{kind} booked: {kept.spent_on(kind)}, outside: {count}"
        for kind, count in expected.items()
        if kept.spent_on(kind) != count
    ]
    booked = kept.spent_on("tokens_in", "tokens_out")
    if booked > seen.tokens or (booked < seen.tokens and not allowed.unread):
        found.append(f"tokens booked: {booked}, by the model's own count: {seen.tokens}")
    return found


def _is_charged(job: KeptJob) -> bool:
    return job.is_mail and job.tenant_id is not None


def of_canaries(seen: Seen) -> list[str]:
    """Words of one business where another's are, or where nobody's belong."""
    found = []
    for call in seen.calls:
        heard = " ".join(one.document for one in call.requests)
        foreign = _others(seen.canaries, call.business.canary)
        found += [f"LEAK: call {call.call_sid} heard {m}" for m in _marks(heard, foreign)]
    for mail in seen.mails:
        own = [canary for canary in seen.canaries if canary in " ".join(mail.recipients)]
        foreign = _others(seen.canaries, *own)
        text = WHOSE.sub("", mail.text) if mail.is_alert else mail.text
        found += [f"LEAK: mail {mail.message_id} holds {m}" for m in _marks(text, foreign)]
    for request in seen.model_requests:
        if len(marks := _marks(request, seen.canaries)) > 1:
            found.append(f"LEAK: one request to the model holds {' and '.join(marks)}")
    for line in seen.log_lines:
        found += [f"LEAK: a log line holds {m}: {line[:120]}" for m in _marks(line, seen.canaries)]
    return found


def _grouped(rows: Iterable[R], by: Callable[[R], Any]) -> dict[Any, list[R]]:
    found: dict[Any, list[R]] = {}
    for row in rows:
        found.setdefault(by(row), []).append(row)
    return found


def _others(canaries: Iterable[str], *own: str) -> list[str]:
    return [canary for canary in canaries if canary not in own]


def _marks(text: str, canaries: Iterable[str]) -> list[str]:
    low = text.lower()
    return [canary for canary in canaries if canary in low]
