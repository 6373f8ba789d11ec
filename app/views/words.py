"""What the screens of each entity say: what a row is called, what the page is for, what to do when
it is empty. An entity without a line here speaks of “entries”."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

ADD, DELETE = _("Add an entry"), _("Delete entry")
SAVED, DELETED = _("Entry saved"), _("Entry deleted")
LOST = _("It is removed for everyone. This cannot be undone.")
EMPTY = _("Nothing here yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    one: Any
    many: Any
    purpose: Any = ""
    add: Any = ADD
    saved: Any = SAVED
    deleted: Any = DELETED
    delete: Any = DELETE
    lost: Any = LOST
    empty: Any = EMPTY
    how: Any = ""
    icon: str = "inbox"


PLAIN = Words(one=_("entry"), many=_("entries"))

WORDS = {
    "CallSession": Words(
        one=_("call"), many=_("calls"), icon="phone-call",
        purpose=_("Every call that reached you, and what came of it."),
        empty=_("No calls yet"), how=_("Point a phone number here or place a test call."),
    ),
    "Lead": Words(
        one=_("lead"), many=_("leads"), icon="user-plus",
        purpose=_("People who asked for something. Call them back before the due day."),
        add=_("Add a lead"), saved=_("Lead saved"), deleted=_("Lead deleted"),
        delete=_("Delete lead"),
        lost=_("The lead and its notes are removed for everyone. This cannot be undone."),
        empty=_("No leads yet"), how=_("When a caller leaves a message, it appears here."),
    ),
    "Transcript": Words(
        one=_("line"), many=_("lines"), icon="messages-square",
        purpose=_("What callers and the receptionist said, line by line."),
        empty=_("Nothing was said yet"), how=_("The words of each call appear here."),
    ),
    "CallSummary": Words(
        one=_("summary"), many=_("summaries"), icon="file-text",
        purpose=_("What each call was about, in a few sentences."),
        empty=_("No summaries yet"), how=_("One is written after each call."),
    ),
    "TransferAttempt": Words(
        one=_("transfer"), many=_("transfers"), icon="phone-forwarded",
        purpose=_("Each time a caller was put through to a department, and whether it worked."),
        empty=_("Nobody was put through yet"),
        how=_("When a caller asks for a department, the attempt appears here."),
    ),
    "Recording": Words(
        one=_("recording"), many=_("recordings"), icon="mic",
        purpose=_("Calls that were recorded with the caller's consent."),
        deleted=_("Recording deleted"), delete=_("Delete recording"),
        lost=_("The sound is deleted for everyone. The written conversation stays."),
        empty=_("No recordings yet"), how=_("Switch recording on under Receptionist."),
    ),
    "Block": Words(
        one=_("blocked caller"), many=_("blocked callers"), icon="ban",
        purpose=_("Numbers whose calls are not answered."),
        add=_("Block a number"), saved=_("Number blocked"), deleted=_("Number unblocked"),
        delete=_("Unblock number"), lost=_("Calls from this number are answered again."),
        empty=_("Nobody is blocked"), how=_("Block a number here or on the page of its call."),
    ),
    "ReceptionistConfig": Words(
        one=_("receptionist"), many=_("receptionists"), icon="headset",
        purpose=_("How callers are greeted, what they are asked, and who is told."),
        saved=_("Receptionist saved"),
        empty=_("No receptionist yet"), how=_("Each business gets one when it is added."),
    ),
    "CallLimits": Words(
        one=_("limits"), many=_("limits"), icon="sliders-horizontal",
        purpose=_("How many calls, how long, at what cost; and what of doubtful callers."),
        saved=_("Limits saved"),
        empty=_("No limits yet"), how=_("Each business gets them when it is added."),
    ),
    "TwilioNumber": Words(
        one=_("number"), many=_("numbers"), icon="hash",
        purpose=_("The telephone numbers that the receptionist answers."),
        add=_("Add a number"), saved=_("Number saved"), deleted=_("Number deleted"),
        delete=_("Delete number"),
        lost=_("Calls to this number are no longer answered. This cannot be undone."),
        empty=_("No numbers yet"), how=_("Add the number that callers dial."),
    ),
    "Department": Words(
        one=_("department"), many=_("departments"), icon="split",
        purpose=_("To whom callers can be put through, and on which telephones."),
        add=_("Add a department"), saved=_("Department saved"), deleted=_("Department deleted"),
        delete=_("Delete department"),
        lost=_("Callers can no longer be put through to it. Its opening hours go with it."),
        empty=_("No departments yet"),
        how=_("Add one so that callers can be put through to a person."),
    ),
    "OpeningHours": Words(
        one=_("opening time"), many=_("opening times"), icon="clock",
        purpose=_("When you are open, day by day. A department can have its own."),
        add=_("Add opening hours"), saved=_("Opening hours saved"),
        deleted=_("Opening hours deleted"), delete=_("Delete opening hours"),
        lost=_("Callers are told that you are closed at this time."),
        empty=_("No opening hours yet"),
        how=_("Without them callers hear that you are closed."),
    ),
    "Holiday": Words(
        one=_("holiday"), many=_("holidays"), icon="calendar-days",
        purpose=_("Days on which you are closed or keep other hours."),
        add=_("Add a holiday"), saved=_("Holiday saved"), deleted=_("Holiday deleted"),
        delete=_("Delete holiday"), lost=_("The usual hours hold on this day again."),
        empty=_("No holidays yet"),
        how=_("Add the days you are closed so that callers hear the right hours."),
    ),
    "KnowledgeEntry": Words(
        one=_("answer"), many=_("answers"), icon="book-open",
        purpose=_("What the receptionist may tell callers, word for word."),
        add=_("Write an answer"), saved=_("Answer saved"), deleted=_("Answer deleted"),
        delete=_("Delete answer"),
        lost=_("Callers no longer hear this answer. This cannot be undone."),
        empty=_("No answers yet"),
        how=_("Write what callers often ask, such as where you are and what it costs."),
    ),
    "KnowledgeGap": Words(
        one=_("question"), many=_("questions"), icon="circle-question-mark",
        purpose=_("What callers asked and nobody had written down. Most recent first."),
        saved=_("Question saved"), deleted=_("Question deleted"), delete=_("Delete question"),
        lost=_("It is forgotten that callers asked this. When one asks it again, it comes back."),
        empty=_("All questions have an answer"),
        how=_("When a caller asks something that is not written down, it appears here."),
    ),
    "User": Words(
        one=_("person"), many=_("people"), icon="users",
        purpose=_("Who may sign in, and what they may do."),
        add=_("Invite a person"), saved=_("Person saved"), deleted=_("Person deleted"),
        delete=_("Delete person"), lost=_("They can no longer sign in. What they did stays."),
        empty=_("Nobody yet"), how=_("Invite the people who work with your calls and leads."),
    ),
    "ApiKey": Words(
        one=_("API key"), many=_("API keys"), icon="key-round",
        purpose=_("Keys with which your own programs read and change your data."),
        add=_("Make an API key"), saved=_("API key made"), deleted=_("API key revoked"),
        delete=_("Revoke key"),
        lost=_("Programs that use it are refused from now on. This cannot be undone."),
        empty=_("No API keys yet"), how=_("Make one for each program that needs your data."),
    ),
    "WebhookEndpoint": Words(
        one=_("webhook"), many=_("webhooks"), icon="webhook",
        purpose=_("Addresses of yours that are told when something happens."),
        add=_("Add a webhook"), saved=_("Webhook saved"), deleted=_("Webhook deleted"),
        delete=_("Delete webhook"), lost=_("This address is told nothing from now on."),
        empty=_("No webhooks yet"),
        how=_("Add the address of a program that wants to know of calls and leads."),
    ),
    "Tenant": Words(
        one=_("tenant"), many=_("tenants"), icon="building-2",
        purpose=_("The businesses on this installation."),
        add=_("Add a tenant"), saved=_("Tenant saved"), deleted=_("Tenant deleted"),
        delete=_("Delete tenant"),
        lost=_("Everything of this business is deleted: calls, leads, knowledge and people."),
        empty=_("No tenants yet"), how=_("Add the first business whose calls are answered here."),
    ),
    "Job": Words(
        one=_("job"), many=_("jobs"), icon="mail",
        purpose=_("Mails, summaries and webhooks: what was sent, what waits, what failed."),
        empty=_("No jobs yet"), how=_("After each call its mails and webhooks appear here."),
    ),
    "SpendLedger": Words(
        one=_("line"), many=_("lines"), icon="chart-column",
        purpose=_("What calls, words and mails were used."),
        empty=_("Nothing was used yet"), how=_("Each call is written down here."),
    ),
    "Price": Words(
        one=_("price"), many=_("prices"), icon="tag",
        purpose=_(
            "What calls, words and mails cost, from which day on. A new installation begins with "
            "the vendors' public list prices: check them against your contracts."
        ),
        add=_("Add a price"), saved=_("Price saved"), deleted=_("Price deleted"),
        delete=_("Delete price"), lost=_("What was used at this price has no cost any more."),
        empty=_("No prices yet"), how=_("Without prices the usage is shown without its cost."),
    ),
    "DataRequest": Words(
        one=_("request"), many=_("requests"), icon="shield-check",
        purpose=_("What people asked about themselves, and what was done."),
        empty=_("Nobody has asked yet"),
        how=_("Each export and each erasure leaves a receipt here."),
    ),
    "AuditLog": Words(
        one=_("change"), many=_("changes"), icon="history",
        purpose=_("Who changed what, and when."),
        empty=_("No changes yet"), how=_("Whatever people change is written down here."),
    ),
}  # fmt: skip


def of(model: str) -> Words:
    return WORDS.get(model, PLAIN)
