"""What must hold of a row beside its siblings: the same for page and REST. Each raises Refused."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import inspect, select

from app import directory
from app.extensions import db
from app.models import (
    Department,
    EntryStatus,
    Holiday,
    KnowledgeEntry,
    OpeningHours,
    ReceptionistConfig,
    TwilioNumber,
)
from app.rules import blanks, dialling, week
from app.views.refusals import Refused

CIRCLE = (
    "{number} is answered by a receptionist: a call connected to it would go round in circles. "
    "Give the number of a telephone that people pick up."
)


def hours(item: OpeningHours) -> None:
    if not 0 <= item.weekday <= 6:
        raise Refused("Must be from 0 (Monday) to 6 (Sunday).", "weekday")
    own = week.Span(item.weekday, item.opens, item.closes)
    siblings = _spans(_others(OpeningHours, item, item.department_id))
    # Only what this row is part of: former sins of its siblings are not its fault.
    for other in siblings:
        if clash := week.clash((own, other)):
            raise Refused(clash, "opens")


def holiday(item: Holiday) -> None:
    if (item.opens is None) != (item.closes is None):
        raise Refused("Give both hours, or neither for a closed day.", "closes")
    for other in _others(Holiday, item, item.department_id):
        if other.day == item.day:
            raise Refused(
                f"{other.name} is on this day already. Change that one, or delete it.", "day"
            )
    special = week.SpecialDay(item.day, item.opens, item.closes)
    if clash := week.holiday_clash(special, _spans(_weekly(item.department_id))):
        raise Refused(clash, "opens")


def department(item: Department) -> None:
    numbers = item.numbers or []
    if len(set(numbers)) < len(numbers):
        raise Refused("A number is listed twice. Leave it once.", "numbers")
    _may_be_rung(numbers, directory.allowed_countries(), "numbers")


def _may_be_rung(numbers: list[str], countries: frozenset[str], field: str) -> None:
    home = directory.own_country()
    for number in numbers:
        if refusal := dialling.refusal(number, countries, home):
            raise Refused(refusal, field)
    if answered := directory.answered_here(numbers):
        raise Refused(CIRCLE.format(number=answered[0]), field)


def number(item: TwilioNumber) -> None:
    forwarded = select(ReceptionistConfig.suspension_number, ReceptionistConfig.fallback_number)
    if any(item.number in numbers for numbers in db.session.execute(forwarded)):
        raise Refused(
            "Callers are forwarded to this number while the business is suspended or cannot "
            "answer, so it must not be answered here. Change the receptionist first.",
            "number",
        )
    for place in db.session.scalars(select(Department)):
        if item.number in place.numbers:
            raise Refused(
                f"{place.name} is rung at this number, which must not be answered here. "
                "Change the department first.",
                "number",
            )


def receptionist(item: ReceptionistConfig) -> None:
    """Also that no department is left with a number in a country that is no longer allowed."""
    folded = [word.casefold() for word in item.urgent_words or []]
    if len(set(folded)) < len(folded):
        raise Refused("A word is listed twice. Leave it once.", "urgent_words")
    countries = frozenset(item.allowed_countries or ())
    for field in ("suspension_number", "fallback_number"):
        if to := getattr(item, field):
            _may_be_rung([to], countries or directory.own_country(), field)
    _forwarding(item)
    if not countries:
        return
    for place in db.session.scalars(select(Department)):
        for rung in place.numbers:
            if dialling.country_of(rung) not in countries:
                raise Refused(
                    f"{place.name} is rung at {rung}, which is in {dialling.country_of(rung)}. "
                    "Add this country, or change the department first.",
                    "allowed_countries",
                )


def knowledge(item: KnowledgeEntry) -> None:
    if problem := unfilled(item.status or EntryStatus.LIVE, item.question, item.answer):
        raise Refused(problem, "answer")


def unfilled(status: str, question: str, answer: str) -> str:
    """What is wrong with telling this answer to callers; "": nothing."""
    left = blanks.left(answer) if status == EntryStatus.LIVE else ()
    if not left:
        return ""
    return (
        f"The answer to “{question[:80]}” has a blank that is not filled in: {str(left[0])[:80]}. "
        "Fill it in, or keep it as a draft: callers would hear it."
    )


def _forwarding(item: ReceptionistConfig) -> None:
    """Somewhere to send calls to, and a time that is still to come; one that passed has ended it
    already."""
    if item.forward_calls and item.forward_until and item.forward_until <= datetime.now(UTC):
        if inspect(item).attrs.forward_until.history.has_changes():
            raise Refused("Choose a time that is still to come, or none.", "forward_until")
        item.forward_calls = False
    if not item.forward_calls:
        item.forward_until = None
    elif not item.fallback_number:
        raise Refused("Give the telephone that calls are to be sent to first.", "fallback_number")


def _others(model: Any, item: Any, department_id: int | None) -> list[Any]:
    found = db.session.scalars(select(model).where(model.department_id == department_id))
    return [row for row in found if row.id != item.id and row is not item]


def _weekly(department_id: int | None) -> list[OpeningHours]:
    """A department without hours of its own keeps the tenant's."""
    own = select(OpeningHours).where(OpeningHours.department_id == department_id)
    shared = select(OpeningHours).where(OpeningHours.department_id.is_(None))
    return list(db.session.scalars(own)) or list(db.session.scalars(shared))


def _spans(rows: Iterable[OpeningHours]) -> list[week.Span]:
    return [week.Span(row.weekday, row.opens, row.closes) for row in rows]
