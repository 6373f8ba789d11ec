"""What the mails say: rows become a Letter in the tenant's language, zone and words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from babel.dates import format_date, format_time, get_timezone_name

from app.jobs.post import Letter, Row, header_safe
from app.models import CallSession, Channel, Department, Lead, Outcome
from app.voice.flow.messages import Known
from app.voice.spoken import Speech, _

_HOW = {
    Known.CONFIRMED: _("confirmed by the caller"),
    Known.KEYED: _("keyed in"),
    Known.CALLER_ID: _("from caller ID"),
    Known.HEARD: _("heard, not confirmed"),
}
_FIELDS = {
    "name": _("Name"),
    "phone": _("Phone"),
    "email": _("E-mail"),
    "reason": _("Message"),
}
_OUTCOMES = {
    Outcome.LEAD: _("A message was taken"),
    Outcome.TRANSFERRED: _("The caller was connected"),
    Outcome.ANSWERED: _("Questions were answered"),
    Outcome.ABANDONED: _("The caller hung up"),
    Outcome.BLOCKED: _("The call was not accepted"),
    Outcome.FAILED: _("The call ended because of an error"),
}
_JOBS = {
    "summarise_call": _("Summaries of calls"),
    "call_summary_mail": _("Mails with call summaries"),
    "lead_notification": _("Mails about new messages"),
    "limit_mail": _("Mails about limits"),
    "numbers_mail": _("Mails about changed telephones"),
    "invitation_mail": _("Invitations by mail"),
    "reset_mail": _("Mails to choose a new password"),
    "start_recording": _("Starting recordings"),
    "stop_recording": _("Stopping recordings that callers objected to"),
    "delete_recording": _("Deleting recordings"),
    "delete_tenant": _("Deleting a business"),
    "erase_person": _("Erasing what is kept of a person"),
    "book_numbers": _("Booking what numbers cost"),
    "book_ring_test": _("Booking what a ring test cost"),
    "close_orphans": _("Closing calls whose end was not reported"),
    "cleanup": _("Deleting old data"),
    "collect_messages": _("Looking for recorded messages at Twilio"),
    "forwarding_mail": _("Mails that answers fail"),
    "webhook_out": _("Webhooks to your own systems"),
}
_LEAD_SUBJECT = _("New message from {who}")
_URGENT = _("Urgent: {subject}")
_TEST = _("[Test] {subject}")
_TEST_NOTE = _("This was a test call.")
_READ_BACK = _("The caller confirmed this message when it was read back.")
_NOT_READ_BACK = _("The caller did not confirm this message: please check it when you call back.")
_SUMMARY_SUBJECT = _("Call from {who}")
_SUMMARY = _("Summary")
_CALLER, _CALLED = _("Caller"), _("Number called")
_TIME, _DURATION = _("Time of the call"), _("Duration")
_OUTCOME, _DEPARTMENT = _("Outcome"), _("Department")
_TRIED = _("Tried to connect with")
_MINUTES = _("{minutes} min {seconds} s")
_UNKNOWN = _("an unknown caller")
_WITHHELD = _("number withheld")
_FOOTER = _("Sent by the automated receptionist of {business}. Times are in {zone}.\n{link}")
_PLATFORM = _("this installation")
_ALERT_SUBJECT = _("Something needs your attention: {what}")
_ALERT_NOTE = _("Work was tried several times and then given up. It can be started again by hand.")
_FORWARDED_SUBJECT = _("All calls are sent to {number} for a while")
_FORWARDED_NOTE = _(
    "Several answers failed within a few minutes. So that nobody is left unheard, all calls are"
    " sent to this telephone until {moment}, and are answered by the receptionist again after that."
)
_FORWARDED_END = _("To end it sooner, switch it off under Receptionist.")
_FAILING_SUBJECT = _("The receptionist cannot answer properly")
_FAILING_NOTE = _(
    "Several answers failed within a few minutes, and there is no telephone that calls could be"
    " sent to instead. Enter one under Receptionist."
)
_SENT_TO, _FAILED = _("Calls are sent to"), _("Answers that failed")
_INVITATION_SUBJECT = _("Your invitation to the receptionist of {business}")
_INVITATION_NOTE = _(
    "You were invited to the admin panel. Your user name is {username}. Open the link to choose"
    " your password."
)
_RESET_SUBJECT = _("Choose a new password")
_RESET_NOTE = _(
    "Somebody, probably you, asked for a new password for {username}. Open the link to choose it."
    " If it was not you, do nothing: your password stays as it is."
)
_ONCE = _("The link works once, until {moment}.")
_LINK = _("Link")
_WHAT, _WHY, _HOW_MANY = _("What"), _("Reason"), _("Given up in the last 24 hours")


@dataclass(frozen=True, slots=True)
class Office:
    """Whom a mail is for: the tenant's language, zone and lists, or the installation's."""

    business: str
    zone: tzinfo
    speech: Speech
    link: str
    summary: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    urgent: tuple[str, ...] = ()
    alert: tuple[str, ...] = ()

    def moment(self, at: datetime) -> str:
        """To the minute, with plain spaces: some mail programs show CLDR's narrow ones as boxes."""
        local, locale = at.astimezone(self.zone), self.speech.locale
        day, clock = format_date(local, "full", locale), format_time(local, "short", locale=locale)
        zone = get_timezone_name(local, "short", locale=locale)
        return f"{day}, {clock} {zone}".replace("\u202f", " ").replace("\xa0", " ")

    def footer(self) -> str:
        business = self.business or self.speech.tell(_PLATFORM)
        return self.speech.tell(_FOOTER, business=business, zone=str(self.zone), link=self.link)


def of_lead(office: Office, lead: Lead, department: Department | None, summary: str) -> Letter:
    tell, call = office.speech.tell, lead.call
    who = header_safe(lead.name or lead.phone or lead.email) or tell(_UNKNOWN)
    title = tell(_LEAD_SUBJECT, who=who)
    notes = [tell(_READ_BACK if lead.confirmed else _NOT_READ_BACK)]
    if lead.test:
        notes.insert(0, tell(_TEST_NOTE))
    rows = [*_lead_rows(office.speech, lead)]
    if department:
        rows.append(Row(tell(_DEPARTMENT), department.name))
    rows += _call_rows(office, call) if call else [Row(tell(_TIME), office.moment(lead.created_at))]
    subject = tell(_URGENT, subject=title) if lead.urgent else title
    return Letter(
        subject=tell(_TEST, subject=subject) if lead.test else subject,
        title=title,
        notes=tuple(notes),
        rows=tuple(rows),
        summary_title=tell(_SUMMARY),
        summary=summary,
        footer=office.footer(),
    )


def _lead_rows(language: Speech, lead: Lead) -> Iterable[Row]:
    for key, label in _FIELDS.items():
        if value := getattr(lead, key):
            yield Row(language.tell(label), value, _how(language, lead, key))
    for key, value in lead.answers.items():
        label = key.replace("_", " ").capitalize()
        yield Row(label, str(value), _how(language, lead, key))


def _how(language: Speech, lead: Lead, key: str) -> str:
    how = str(lead.known.get(key, ""))
    return language.tell(_HOW[Known(how)]) if how in tuple(Known) else ""


def of_call(
    office: Office,
    call: CallSession,
    lead: Lead | None,
    departments: list[Department],
    summary: str,
) -> Letter:
    tell = office.speech.tell
    test = call.channel == Channel.TEST
    who = header_safe((lead.name if lead else "") or call.caller) or tell(_UNKNOWN)
    title = tell(_SUMMARY_SUBJECT, who=who)
    rows = list(_call_rows(office, call))
    if call.outcome in _OUTCOMES:
        rows.append(Row(tell(_OUTCOME), tell(_OUTCOMES[Outcome(call.outcome)])))
    if call.duration is not None:
        minutes, seconds = divmod(call.duration, 60)
        took = tell(_MINUTES, minutes=str(minutes), seconds=str(seconds))
        rows.append(Row(tell(_DURATION), took))
    if departments:
        rows.append(Row(tell(_TRIED), ", ".join(d.name for d in departments)))
    if lead:
        rows += _lead_rows(office.speech, lead)
    return Letter(
        subject=tell(_TEST, subject=title) if test else title,
        title=title,
        notes=(tell(_TEST_NOTE),) if test else (),
        rows=tuple(rows),
        summary_title=tell(_SUMMARY),
        summary=summary,
        footer=office.footer(),
    )


def _call_rows(office: Office, call: CallSession) -> Iterable[Row]:
    tell = office.speech.tell
    return (
        Row(tell(_CALLER), call.caller or tell(_WITHHELD)),
        Row(tell(_CALLED), call.called),
        Row(tell(_TIME), office.moment(call.started_at)),
    )


def of_alert(office: Office, kind: str, reason: str, given_up: int) -> Letter:
    tell = office.speech.tell
    what = tell(_JOBS[kind]) if kind in _JOBS else kind
    rows = (
        Row(tell(_WHAT), what),
        Row(tell(_WHY), reason),
        Row(tell(_HOW_MANY), str(given_up)),
    )
    subject = tell(_ALERT_SUBJECT, what=what)
    return Letter(subject, subject, (tell(_ALERT_NOTE),), rows, footer=office.footer())


def of_forwarding(office: Office, failed: int, number: str, until: datetime | None) -> Letter:
    tell = office.speech.tell
    rows = [Row(tell(_FAILED), str(failed))]
    notes: tuple[str, ...]
    if not number or until is None:
        subject, notes = tell(_FAILING_SUBJECT), (tell(_FAILING_NOTE),)
    else:
        subject = tell(_FORWARDED_SUBJECT, number=number)
        moment = office.moment(until)
        notes = (tell(_FORWARDED_NOTE, moment=moment), tell(_FORWARDED_END))
        rows.insert(0, Row(tell(_SENT_TO), number))
    return Letter(subject, subject, notes, tuple(rows), footer=office.footer())


def of_invitation(office: Office, username: str, link: str, until: datetime) -> Letter:
    tell = office.speech.tell
    subject = tell(_INVITATION_SUBJECT, business=office.business or tell(_PLATFORM))
    return _with_link(office, subject, tell(_INVITATION_NOTE, username=username), link, until)


def of_reset(office: Office, username: str, link: str, until: datetime) -> Letter:
    tell = office.speech.tell
    return _with_link(
        office, tell(_RESET_SUBJECT), tell(_RESET_NOTE, username=username), link, until
    )


def _with_link(office: Office, subject: str, note: str, link: str, until: datetime) -> Letter:
    tell = office.speech.tell
    notes = (note, tell(_ONCE, moment=office.moment(until)))
    return Letter(subject, subject, notes, (Row(tell(_LINK), link),), footer=office.footer())
