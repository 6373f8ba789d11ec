"""What a business sets up: how it is answered, on which numbers, to whom it connects and when."""

from wtforms import SelectChoice, SelectField

from app.models import (
    Department,
    Holiday,
    OpeningHours,
    ReceptionistConfig,
)
from app.rules import intake, week, wording
from app.views import checks, rules, widgets
from app.views.bulk import RowActions
from app.views.departments import DepartmentPage, Placed
from app.views.entity import READ, Entity
from app.views.greeting import Greeting

CATEGORY = "Receptionist"
RECIPIENTS = ("summary_recipients", "lead_recipients", "urgent_recipients")
MAILED = {name: checks.email for name in (*RECIPIENTS, "alert_recipients")}
KEPT = ("transcript_days", "recording_days", "call_days", "lead_days")
MAILED_HELP = {
    "summary_recipients": "Who gets a summary of each call by mail: one address a line.",
    "lead_recipients": "Who gets each message that was taken: one address a line.",
    "urgent_recipients": "Who gets urgent messages at once: one address a line.",
}

FORWARDING = (
    "fallback_number", "forward_calls", "forward_until", "forward_after", "forward_window",
    "forward_minutes",
)  # fmt: skip
MANNER = (
    "greeting", "persona", "voice", "language", "other_language", "model", "intake_fields",
    "intake_questions", "urgent_words", "on_call", "after_hours", "recording", "staff_first",
    "staff_first_seconds", "max_turns", "max_transfers", "allowed_countries", "suspension_number",
)  # fmt: skip
TOLD = (*RECIPIENTS, "alert_recipients")

RECEPTIONISTS = Entity(
    model=ReceptionistConfig, resource="receptionists", menu="Receptionist", category=CATEGORY,
    icon="fa-headset",
    list_columns=("greeting", "voice", "language", "after_hours"),
    form_columns=(*MANNER, *FORWARDING, *KEPT, *TOLD),
    show_columns=(*MANNER, *FORWARDING, "forward_cause", *KEPT, *TOLD),
    may=(*READ, "edit"), page=Greeting,
    checks=MAILED | {
        "urgent_words": wording.urgent_word, "allowed_countries": checks.country,
        "suspension_number": checks.phone, "fallback_number": checks.phone,
        "intake_questions": intake.line, "other_language": checks.language,
    },
    rule=rules.receptionist,
    labels={
        "intake_fields": "What is asked of callers", "intake_questions": "Your own questions",
        "other_language": "Second language", "urgent_words": "Urgent words",
        "on_call": "On call for urgent words",
        "after_hours": "When closed", "recording": "Recording of calls",
        "staff_first": "Ring this department first",
        "staff_first_seconds": "Rings first for (seconds)",
        "max_turns": "Longest call (turns)", "max_transfers": "Most transfers in a call",
        "allowed_countries": "Countries that may be rung",
        "suspension_number": "Forward to while suspended",
        "fallback_number": "Telephone for when it cannot answer",
        "forward_calls": "Send all calls to this telephone now",
        "forward_until": "Send them until", "forward_cause": "Sent because",
        "forward_after": "Send by itself after (failed answers)",
        "forward_window": "Failed within (minutes)", "forward_minutes": "Then send for (minutes)",
        "transcript_days": "What was said (days)", "recording_days": "Recordings (days)",
        "call_days": "Calls (days)", "lead_days": "Leads (days)",
    },
    help={
        "greeting": "The first sentence that callers hear. Say whose receptionist it is.",
        "persona": "How it should sound, such as: friendly, brief, first names.",
        "voice": "The voice of Twilio that speaks, such as Polly.Joanna-Neural.",
        "language": "The language that it speaks, such as en-US or es-US.",
        "model": "The language model that understands callers. Empty: the installation's.",
        "other_language":
            "Such as es-US. Callers are told to press 8 for it. Empty: only the one above.",
        "intake_fields": "One a line: name, phone, email, reason, or a key of your own.",
        "intake_questions":
            "One a line, such as: Party size: How many of you will come? To ask only callers who "
            "say certain words, begin with them: [quote, estimate] Budget: What budget do you "
            "have in mind?",
        "urgent_words": "One a line. A message that contains one of them is urgent.",
        "on_call":
            "Rung at once when a caller says an urgent word, also when you are closed. "
            "Empty: urgent messages are only taken.",
        "after_hours": "Answer questions as ever, or take a message at once.",
        "recording": "Announce: calls are recorded unless the caller refuses.",
        "staff_first": "Rings before the receptionist speaks, while it is open.",
        "staff_first_seconds": "Then the receptionist answers: from 5 to 60.",
        "max_turns": "After so many turns the receptionist says goodbye: from 5 to 200.",
        "max_transfers": "How often one call may be connected: from 0 to 5.",
        "allowed_countries":
            "Two letters each, one a line, such as US. Departments cannot be rung elsewhere. "
            "Empty: only the country of your first number.",
        "suspension_number":
            "While this business is suspended, callers are connected to this telephone, such as "
            "+12125550111. Empty: they hear that the number is not taking calls.",
        "fallback_number":
            "A telephone that people pick up, such as +12125550111. Calls are connected to it at "
            "once, without the receptionist; whoever is not taken may speak a message.",
        "forward_calls": "From the next call on. Switch it off and the receptionist answers again.",
        "forward_until": "In your own time zone. Empty: until you switch it off.",
        "forward_after":
            "So many answers that failed, and all calls are sent there for a while; you are told "
            "by mail. From 0, which is never, to 100.",
        "forward_window": "From 1 to 60.",
        "forward_minutes": "After that the receptionist answers again: from 1 to 1440.",
        "transcript_days":
            "After so many days transcripts, summaries and unanswered questions are deleted: "
            "from 2 to 3650. Empty: they are kept.",
        "recording_days":
            "After so many days recordings are deleted, at Twilio, too. Empty: they are kept.",
        "call_days":
            "After so many days calls are deleted, with all that was said and recorded. Usage and "
            "cost stay. Empty: they are kept.",
        "lead_days":
            "After so many days leads are deleted, whatever their status. Empty: they are kept.",
        **MAILED_HELP,
        "alert_recipients": "Who is told when something does not work: one address a line.",
    },
    fieldsets={
        "Voice": ("greeting", "persona", "voice", "language", "other_language", "model"),
        "Conversation": (
            "intake_fields", "intake_questions", "urgent_words", "on_call", "after_hours",
            "recording", "staff_first", "staff_first_seconds", "max_turns", "max_transfers",
            "allowed_countries", "suspension_number",
        ),
        "When it cannot answer": FORWARDING,
        "Mail": TOLD,
        "How long things are kept": KEPT,
    },
)  # fmt: skip

DEPARTMENTS = Entity(
    related={"Lead": "department", "TransferAttempt": "department"},
    model=Department, resource="departments", menu="Departments", category=CATEGORY,
    icon="fa-sitemap", order=("position", "asc"),
    list_columns=("name", "description", "numbers", "position", "operator"),
    form_columns=(
        "name", "description", "numbers", "position", "operator", "ring_seconds", "ring_in_order",
        *RECIPIENTS,
    ),
    checks={"name": checks.filled, "numbers": checks.phone} | MAILED,
    rule=rules.department, page=DepartmentPage, api=Placed,
    labels={"position": "Key on the telephone", "operator": "Rung for an operator",
            "ring_seconds": "Rings for (seconds)", "ring_in_order": "One after the other"},
    help={
        "name": "As callers say it, such as: Sales.",
        "description": "What it is for, in the words callers use. The receptionist goes by it.",
        "numbers": "Telephones that ring at once, one a line, such as +12125550111.",
        "position":
            "The key that leads here, from 1 to 9, and its place in lists. The others make room. "
            "Empty: the last.",
        "operator": "Whether callers who ask for a person, and no department, come here.",
        "ring_seconds": "Then the receptionist takes a message: from 5 to 120.",
        "ring_in_order": "Telephones ring in the order above, each that long, not all at once.",
        **MAILED_HELP,
    },
    fieldsets={
        "Department": ("name", "description"),
        "Telephones": ("numbers", "position", "operator", "ring_seconds", "ring_in_order"),
        "Mail": RECIPIENTS,
    },
)  # fmt: skip

WEEKDAY = SelectField(
    "Weekday",
    choices=[SelectChoice(value=day, label=name) for day, name in enumerate(week.NAMES)],
    coerce=int,
    widget=widgets.Choice(),
)
WHOSE = "Empty: the whole business, and every department without hours of its own."


class WeekdayPage(RowActions):
    """Weekdays by name."""

    def _init_properties(self) -> None:
        super()._init_properties()  # type: ignore[misc]
        named = {"weekday": lambda day: week.NAMES[day]}
        self.formatters_columns = self.formatters_columns | named  # type: ignore[has-type]


HOURS = Entity(
    model=OpeningHours, resource="hours", menu="Opening hours", category=CATEGORY,
    icon="fa-clock-o", order=("weekday", "asc"),
    list_columns=("weekday", "opens", "closes", "department"),
    form_columns=("weekday", "opens", "closes", "department"),
    help={
        "weekday": "The day on which it opens; 0 is Monday.",
        "opens": "In your own time zone, such as 09:00.",
        "closes": "Such as 17:30. At or before the opening: on the next day.",
        "department": WHOSE,
    },
    inputs={"weekday": WEEKDAY},
    rule=rules.hours,
    page=WeekdayPage,
)  # fmt: skip

HOLIDAYS = Entity(
    model=Holiday, resource="holidays", menu="Holidays", category=CATEGORY, icon="fa-calendar",
    order=("day", "asc"),
    list_columns=("day", "name", "opens", "closes", "department"),
    form_columns=("day", "name", "opens", "closes", "department"),
    checks={"name": checks.filled},
    help={
        "day": "One date; add next year's as well.",
        "name": "Callers hear it, such as: New Year's Day.",
        "opens": "Empty, with the closing: closed all day.",
        "closes": "Such as 12:00.",
        "department": WHOSE,
    },
    rule=rules.holiday, page=RowActions,
)  # fmt: skip
