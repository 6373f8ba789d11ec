"""Every closed choice in the owner's words, with the tone of its badge."""

from enum import StrEnum
from typing import NamedTuple

from flask_babel import lazy_gettext as _

from app.models import (
    CallState,
    Channel,
    EntryStatus,
    ForwardCause,
    GapStatus,
    JobKind,
    JobStatus,
    LeadStatus,
    Limited,
    Outcome,
    RecordingStatus,
    RequestKind,
    Speaker,
    SpendKind,
    TenantStatus,
    TransferStatus,
    Treatment,
)
from app.views.mails import Delivery


class Said(NamedTuple):
    """Tones: ok, warn, bad, info, vio, mute, outline; "" is text without a badge."""

    tone: str
    text: str


SAID: dict[type[StrEnum], dict[str, Said]] = {
    Outcome: {
        Outcome.LEAD: Said("info", _("Lead taken")),
        Outcome.ANSWERED: Said("ok", _("Answered")),
        Outcome.TRANSFERRED: Said("vio", _("Put through")),
        Outcome.ABANDONED: Said("warn", _("Hung up")),
        Outcome.FAILED: Said("bad", _("Failed")),
        Outcome.BLOCKED: Said("mute", _("Blocked")),
    },
    LeadStatus: {
        LeadStatus.NEW: Said("info", _("New")),
        LeadStatus.CONTACTED: Said("warn", _("Contacted")),
        LeadStatus.DONE: Said("ok", _("Done")),
        LeadStatus.LOST: Said("mute", _("Lost")),
        LeadStatus.SPAM: Said("mute", _("Spam")),
    },
    EntryStatus: {
        EntryStatus.LIVE: Said("ok", _("Live")),
        EntryStatus.DRAFT: Said("mute", _("Draft")),
    },
    GapStatus: {
        GapStatus.OPEN: Said("warn", _("Open")),
        GapStatus.ANSWERED: Said("ok", _("Answered")),
        GapStatus.IGNORED: Said("mute", _("Ignored")),
    },
    JobStatus: {
        JobStatus.WAITING: Said("mute", _("Waiting")),
        JobStatus.RUNNING: Said("info", _("Running")),
        JobStatus.DONE: Said("ok", _("Done")),
        JobStatus.DEAD: Said("bad", _("Given up")),
        JobStatus.SET_ASIDE: Said("mute", _("Set aside")),
    },
    Delivery: {
        Delivery.WAITING: Said("mute", _("Waiting")),
        Delivery.SENDING: Said("info", _("Being sent")),
        Delivery.SENT: Said("ok", _("Sent")),
        Delivery.FILED: Said("mute", _("Kept as a file")),
        Delivery.AGAIN: Said("warn", _("Trying again")),
        Delivery.GIVEN_UP: Said("bad", _("Given up")),
    },
    TenantStatus: {
        TenantStatus.TRIAL: Said("info", _("Trial")),
        TenantStatus.ACTIVE: Said("ok", _("Active")),
        TenantStatus.SUSPENDED: Said("warn", _("Suspended")),
        TenantStatus.CLOSED: Said("mute", _("Closed")),
    },
    TransferStatus: {
        TransferStatus.RINGING: Said("info", _("Ringing")),
        TransferStatus.ANSWERED: Said("vio", _("Put through")),
        TransferStatus.BUSY: Said("warn", _("Busy")),
        TransferStatus.NO_ANSWER: Said("warn", _("Nobody picked up")),
        TransferStatus.REFUSED: Said("warn", _("Declined")),
        TransferStatus.FAILED: Said("bad", _("Failed")),
    },
    RecordingStatus: {
        RecordingStatus.IN_PROGRESS: Said("info", _("Recording")),
        RecordingStatus.COMPLETED: Said("ok", _("Complete")),
        RecordingStatus.DELETING: Said("warn", _("Being deleted")),
        RecordingStatus.DELETED: Said("mute", _("Deleted")),
    },
    Treatment: {
        Treatment.ANSWER: Said("ok", _("Answer as ever")),
        Treatment.MESSAGE: Said("warn", _("Only take a message")),
        Treatment.REJECT: Said("mute", _("Do not answer")),
    },
    Limited: {
        Limited.LISTED: Said("", _("This number is blocked")),
        Limited.WITHHELD: Said("", _("The number was withheld")),
        Limited.UNVERIFIED: Said("", _("Carriers say that the number is not the caller's")),
        Limited.LOOP: Said("", _("The call came round in a circle from here")),
        Limited.CALLER_RATE: Said("", _("Too many calls from this number within a minute")),
        Limited.CALLER_AT_ONCE: Said("", _("Too many calls at once from this number")),
        Limited.CALLER_SPENT: Said("", _("Calls from this number cost enough for a day")),
        Limited.REPEATED: Said("", _("This number had called and hung up again and again")),
        Limited.BURST: Said("", _("Many strangers called at the same time")),
        Limited.RATE: Said("", _("Too many calls within a minute")),
        Limited.AT_ONCE: Said("", _("Too many calls at once")),
        Limited.SPENT: Said("", _("The money for the day or the month was spent")),
    },
    Channel: {
        Channel.PHONE: Said("", _("Telephone")),
        Channel.TEST: Said("outline", _("Test")),
    },
    Speaker: {
        Speaker.CALLER: Said("", _("Caller")),
        Speaker.RECEPTIONIST: Said("", _("Receptionist")),
    },
    CallState: {
        CallState.GREETING: Said("mute", _("Greeting")),
        CallState.INTENT: Said("mute", _("Finding out")),
        CallState.FAQ: Said("mute", _("Answering")),
        CallState.TRANSFER_ATTEMPT: Said("mute", _("Putting through")),
        CallState.LEAD_CAPTURE: Said("mute", _("Taking a message")),
        CallState.CONFIRMATION: Said("mute", _("Reading back")),
        CallState.WRAP_UP: Said("mute", _("Saying goodbye")),
        CallState.ENDED: Said("mute", _("Over")),
    },
    ForwardCause: {
        ForwardCause.BY_HAND: Said("info", _("Switched on by hand")),
        ForwardCause.FAILED_TURNS: Said("bad", _("Answers failed")),
    },
    JobKind: {
        JobKind.SUMMARISE_CALL: Said("", _("Summary of a call")),
        JobKind.CALL_SUMMARY_MAIL: Said("", _("Mail with a summary")),
        JobKind.LEAD_NOTIFICATION: Said("", _("Mail with a message")),
        JobKind.ALERT_MAIL: Said("", _("Alert by mail")),
        JobKind.FORWARDING_MAIL: Said("", _("Mail that answers fail")),
        JobKind.LIMIT_MAIL: Said("", _("Mail about a limit")),
        JobKind.NUMBERS_MAIL: Said("", _("Mail about changed telephones")),
        JobKind.START_RECORDING: Said("", _("Start of a recording")),
        JobKind.STOP_RECORDING: Said("", _("End of a recording")),
        JobKind.DELETE_RECORDING: Said("", _("Deletion of a recording")),
        JobKind.INVITATION_MAIL: Said("", _("Invitation by mail")),
        JobKind.RESET_MAIL: Said("", _("Mail with a password link")),
        JobKind.CLOSE_ORPHANS: Said("", _("Closing of calls that broke off")),
        JobKind.COLLECT_MESSAGES: Said("", _("Search for recorded messages")),
        JobKind.CLEANUP: Said("", _("Cleaning up")),
        JobKind.WEBHOOK_OUT: Said("", _("Webhook")),
        JobKind.BOOK_NUMBERS: Said("", _("Booking of what numbers cost")),
        JobKind.BOOK_RING_TEST: Said("", _("Booking of what a ring test cost")),
        JobKind.DELETE_TENANT: Said("", _("Deletion of a business")),
        JobKind.ERASE_PERSON: Said("", _("Erasure of a person's data")),
    },
    RequestKind: {
        RequestKind.EXPORT: Said("", _("Handed out")),
        RequestKind.ERASE: Said("", _("Erased")),
    },
    SpendKind: {
        SpendKind.CALLS: Said("", _("Calls")),
        SpendKind.CALL_SECONDS: Said("", _("Seconds of calls")),
        SpendKind.TRANSFERS: Said("", _("Put through")),
        SpendKind.TRANSFER_SECONDS: Said("", _("Seconds put through")),
        SpendKind.TOKENS_IN: Said("", _("Words read by the model")),
        SpendKind.TOKENS_OUT: Said("", _("Words written by the model")),
        SpendKind.RECORDING_SECONDS: Said("", _("Seconds recorded")),
        SpendKind.MAILS: Said("", _("Mails")),
        SpendKind.NUMBERS: Said("", _("Numbers rented")),
    },
}


def said(kind: type[StrEnum], value: object) -> Said:
    """What no table names is written as it is, without its underscores."""
    plain = str(value).replace("_", " ").replace("-", " ")
    return SAID.get(kind, {}).get(str(value)) or Said("", plain[:1].upper() + plain[1:])
