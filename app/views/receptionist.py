"""How a tenant's receptionist speaks, on which numbers, to whom it connects and when."""

from datetime import time

from app.models import (
    Department,
    Holiday,
    OpeningHours,
    ReceptionistConfig,
    TwilioNumber,
)
from app.views import checks
from app.views.entity import READ, Entity
from app.views.refusals import Refused

CATEGORY = "Receptionist"
RECIPIENTS = ("summary_recipients", "lead_recipients", "urgent_recipients")
MAILED = {name: checks.email for name in (*RECIPIENTS, "alert_recipients")}

RECEPTIONISTS = Entity(
    model=ReceptionistConfig, resource="receptionists", menu="Receptionist", category=CATEGORY,
    icon="fa-headset",
    list_columns=("greeting", "voice", "language", "after_hours"),
    form_columns=(
        "greeting", "persona", "voice", "language", "model", "intake_fields", "urgent_words",
        "after_hours", "recording", "staff_first", "max_turns", "max_transfers", *RECIPIENTS,
        "alert_recipients",
    ),
    may=(*READ, "edit"),
    checks=MAILED,
)  # fmt: skip

NUMBERS = Entity(
    model=TwilioNumber, resource="numbers", menu="Numbers", category=CATEGORY, icon="fa-phone",
    list_columns=("number", "label"),
    form_columns=("number", "label", "phone_sid"),
    show_columns=("number", "label", "phone_sid", "tenant"),
    checks={"number": checks.phone},
)  # fmt: skip

DEPARTMENTS = Entity(
    model=Department, resource="departments", menu="Departments", category=CATEGORY,
    icon="fa-sitemap", order=("position", "asc"),
    list_columns=("name", "description", "numbers", "position", "operator"),
    form_columns=(
        "name", "description", "numbers", "position", "operator", "ring_seconds", *RECIPIENTS
    ),
    checks={"name": checks.filled, "numbers": checks.phone} | MAILED,
)  # fmt: skip


class WeekdayRules:
    def pre_add(self, item: OpeningHours) -> None:
        if not 0 <= item.weekday <= 6:
            raise Refused("Must be from 0 (Monday) to 6 (Sunday).", "weekday")

    pre_update = pre_add


HOURS = Entity(
    model=OpeningHours, resource="hours", menu="Opening hours", category=CATEGORY,
    icon="fa-clock-o", order=("weekday", "asc"),
    list_columns=("weekday", "opens", "closes", "department"),
    form_columns=("weekday", "opens", "closes", "department"),
    labels={"weekday": "Weekday (0 is Monday)"},
    page=WeekdayRules, api=WeekdayRules,
)  # fmt: skip


class HolidayRules:
    def pre_add(self, item: Holiday) -> None:
        hours: tuple[time | None, time | None] = (item.opens, item.closes)
        if (hours[0] is None) != (hours[1] is None):
            raise Refused("Give both hours, or neither for a closed day.", "closes")

    pre_update = pre_add


HOLIDAYS = Entity(
    model=Holiday, resource="holidays", menu="Holidays", category=CATEGORY, icon="fa-calendar",
    order=("day", "asc"),
    list_columns=("day", "name", "opens", "closes", "department"),
    form_columns=("day", "name", "opens", "closes", "department"),
    page=HolidayRules, api=HolidayRules,
)  # fmt: skip
