"""Calls and leads of the same person: of one tenant, by the telephone number."""

from collections.abc import Iterable
from typing import Any

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse
from phonenumbers import is_possible_number as is_possible
from sqlalchemy import Select, func, select, union

from app.extensions import db
from app.models import CallSession, Lead
from app.views import moments

SHOWN = 10


def normalised(phone: str) -> str:
    """E.164 if it is a number, read as the tenant's country writes them; else as it was given."""
    try:
        number = parse(phone, moments.business().region)
    except NumberParseException:
        return phone.strip()
    if number.extension or not is_possible(number):
        return phone.strip()
    return format_number(number, PhoneNumberFormat.E164)


def _calls(phones: Iterable[str]) -> Any:
    """Which call is whose: by caller ID, or by the number noted on it."""
    wanted = list(phones)
    rang = select(CallSession.caller.label("phone"), CallSession.id.label("call_id"))
    left = select(Lead.phone, Lead.call_id).where(Lead.call_id.is_not(None))
    return union(
        rang.where(CallSession.caller.in_(wanted)), left.where(Lead.phone.in_(wanted))
    ).subquery()


def counted(phones: Iterable[str]) -> dict[str, int]:
    """How many calls each of these has made, by one statement."""
    wanted = {phone for phone in phones if phone}
    if not wanted:
        return {}
    calls = _calls(wanted)
    query = select(calls.c.phone, func.count()).group_by(calls.c.phone)
    return {phone: count for phone, count in db.session.execute(query)}


def latest(phone: str) -> list[CallSession]:
    """Newest first."""
    if not phone:
        return []
    calls = _calls([phone])
    query: Select[Any] = select(CallSession).where(CallSession.id.in_(select(calls.c.call_id)))
    return list(db.session.scalars(query.order_by(CallSession.id.desc()).limit(SHOWN)))


def leads(lead: Lead) -> list[Lead]:
    """The others of the same person, newest first."""
    if not lead.phone:
        return []
    query = select(Lead).where(Lead.phone == lead.phone, Lead.id != lead.id)
    return list(db.session.scalars(query.order_by(Lead.id.desc()).limit(SHOWN)))
