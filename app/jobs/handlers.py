"""Which function does which kind of job, how often it is tried, and how long it waits between."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.jobs import (
    collecting,
    erasing,
    leaving,
    ledger,
    mails,
    owners,
    people,
    recordings,
    rings,
    summaries,
    upkeep,
    webhooks,
)
from app.jobs.outbox import Work
from app.models import JobKind


@dataclass(frozen=True, slots=True)
class Handler:
    """`run` is safe to run twice. Delays double from `first` to `longest`, `attempts` in all."""

    run: Callable[[Work], dict[str, Any]]
    attempts: int
    platform: bool = False  # of no tenant: what a tenant's row asks of it is refused
    first: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(hours=1)


# Nothing else can be run, whatever a row says. Mails are tried for about five hours, webhooks for
# a day.
HANDLERS: dict[str, Handler] = {
    JobKind.SUMMARISE_CALL: Handler(summaries.summarise_call, attempts=8),
    JobKind.CALL_SUMMARY_MAIL: Handler(mails.call_summary_mail, attempts=12),
    JobKind.LEAD_NOTIFICATION: Handler(mails.lead_notification, attempts=12),
    JobKind.ALERT_MAIL: Handler(mails.alert_mail, attempts=12),
    JobKind.FORWARDING_MAIL: Handler(mails.forwarding_mail, attempts=12),
    JobKind.LIMIT_MAIL: Handler(owners.limit_mail, attempts=12),
    JobKind.NUMBERS_MAIL: Handler(owners.numbers_mail, attempts=12),
    # A call lasts minutes: a recording is begun soon or not at all.
    JobKind.START_RECORDING: Handler(
        recordings.start_recording, attempts=6, first=timedelta(seconds=2)
    ),
    JobKind.STOP_RECORDING: Handler(
        recordings.stop_recording, attempts=12, first=timedelta(seconds=2)
    ),
    JobKind.DELETE_RECORDING: Handler(recordings.delete_recording, attempts=12),
    JobKind.INVITATION_MAIL: Handler(people.invitation_mail, attempts=12),
    JobKind.RESET_MAIL: Handler(people.reset_mail, attempts=5),
    JobKind.CLOSE_ORPHANS: Handler(upkeep.close_orphans, attempts=3, platform=True),
    JobKind.COLLECT_MESSAGES: Handler(collecting.collect_messages, attempts=3, platform=True),
    JobKind.CLEANUP: Handler(upkeep.cleanup, attempts=3, platform=True),
    JobKind.BOOK_NUMBERS: Handler(ledger.book_numbers, attempts=3, platform=True),
    # Twilio may be away for a day and a half.
    JobKind.BOOK_RING_TEST: Handler(rings.book_ring_test, attempts=40, first=timedelta(seconds=30)),
    JobKind.DELETE_TENANT: Handler(
        leaving.delete_tenant, attempts=40, platform=True, first=timedelta(seconds=30)
    ),
    # A call may last for hours; Twilio may be away for a day and a half.
    JobKind.ERASE_PERSON: Handler(erasing.erase_person, attempts=40, first=timedelta(seconds=30)),
    JobKind.WEBHOOK_OUT: Handler(webhooks.webhook_out, attempts=32),
}
