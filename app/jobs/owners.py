"""Mails that tell a business's owners what they must know of its money and its telephones."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from babel.numbers import format_currency
from sqlalchemy import select

from app import limits, rates
from app.extensions import db
from app.jobs import mails, post
from app.jobs.letters import Office
from app.jobs.outbox import Work
from app.jobs.post import Letter, Row
from app.models import Department, Role, User
from app.roles import RoleName
from app.spending import REACHED
from app.voice.spoken import _

LIMITS_PAGE: Final = "/calllimitspage/list/"
_MONEY: Final = ("day_cents", "month_cents")
_NAMES: Final = {
    "day_cents": _("what calls may cost in a day"),
    "month_cents": _("what calls may cost in a month"),
    "calls_at_once": _("calls at once"),
    "calls_per_minute": _("calls within a minute"),
}
_NEAR, _REACHED = _("Close to a limit: {what}"), _("A limit is reached: {what}")
_NEAR_NOTE = _("80 percent of it are used.")
_MONEY_NOTE = _(
    "From 90 percent on, calls are answered without the language model. When all of it is used, the"
    " receptionist only takes messages and puts nobody through, until the day or month is over;"
    " when twice as much is used, callers hear a busy tone."
)
_CALLS_NOTE = _(
    "Callers beyond it can only leave a message. At twice as many they hear a busy tone."
)
_CHANGE_NOTE = _("You can change the limit under Limits, as far as your operator allows.")
_LIMIT, _LIMITS = _("Limit"), _("Limits")
_CHANGED = _("Other telephones are rung: {what}")
_CHANGED_NOTE = _(
    "If neither you nor a colleague did this, change it back, end all sign-ins of that person and"
    " look into the audit log."
)
_WHAT, _BEFORE, _NOW = _("What"), _("Before"), _("Now")
_WHO, _WHEN, _WHERE_FROM = _("Who"), _("When"), _("From the address")
_NONE, _GONE = _("none"), _("a department that is gone")
_OF_DEPARTMENT = _("telephones of {name}")
_FIELDS: Final = {
    "suspension_number": _("where callers are forwarded while suspended"),
    "fallback_number": _("where calls go when the receptionist cannot answer"),
    "on_call_id": _("who is on call for urgent words"),
}


def limit_mail(work: Work) -> dict[str, Any]:
    """Once for each limit, period and step."""
    office, name = mails.office_of(work.tenant_id), str(work.args.get("limit", ""))
    if work.tenant_id is None or name not in _NAMES:
        return {"skipped": "no such limit"}
    tell = office.speech.tell
    reached = work.args.get("percent") == REACHED
    title = tell(_REACHED if reached else _NEAR, what=tell(_NAMES[name]))
    happens = tell(_MONEY_NOTE if name in _MONEY else _CALLS_NOTE)
    notes = (happens,) if reached else (tell(_NEAR_NOTE), happens)
    rows = (
        Row(tell(_LIMIT), _shown(getattr(limits.of_tenant(work.tenant_id), name), name, office)),
        Row(tell(_LIMITS), f"{office.link}{LIMITS_PAGE}"),
    )
    letter = Letter(title, title, (*notes, tell(_CHANGE_NOTE)), rows, footer=office.footer())
    return post.deliver(work, letter, _owners(office, alone=True), office.speech)


def numbers_mail(work: Work) -> dict[str, Any]:
    """Who changed which telephones, from what to what: written out, so that whoever reads it sees
    whether they are the right ones."""
    office, change = mails.office_of(work.tenant_id), _change(work)
    tell = office.speech.tell
    what = _said_of(change, office)
    title = tell(_CHANGED, what=what)
    rows = [
        Row(tell(_WHAT), what),
        Row(tell(_BEFORE), _listed(change, change.before, office)),
        Row(tell(_NOW), _listed(change, change.after, office)),
        Row(tell(_WHO), change.by.partition(":")[2] or change.by),
        Row(tell(_WHEN), office.moment(work.created_at or datetime.now(UTC))),
    ]
    if change.address:
        rows.append(Row(tell(_WHERE_FROM), change.address))
    letter = Letter(title, title, (tell(_CHANGED_NOTE),), tuple(rows), footer=office.footer())
    return post.deliver(work, letter, _owners(office), office.speech)


@dataclass(frozen=True, slots=True)
class Change:
    """As app/jobs/changed.py notes it: numbers, or ids of departments."""

    entity: str
    row: int
    column: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    by: str
    address: str


def _change(work: Work) -> Change:
    told = work.args
    return Change(
        entity=str(told.get("entity", "")),
        row=int(told.get("row") or 0),
        column=str(told.get("column", "")),
        before=tuple(map(str, told.get("before") or ())),
        after=tuple(map(str, told.get("after") or ())),
        by=str(told.get("by", "")),
        address=str(told.get("address", "")),
    )


def _said_of(change: Change, office: Office) -> str:
    tell = office.speech.tell
    if change.entity == Department.__name__:
        return tell(_OF_DEPARTMENT, name=_department(change.row, office))
    return tell(_FIELDS[change.column]) if change.column in _FIELDS else change.column


def _listed(change: Change, values: tuple[str, ...], office: Office) -> str:
    if change.column.endswith("_id"):
        values = tuple(_department(int(value), office, rung=True) for value in values)
    return ", ".join(values) or office.speech.tell(_NONE)


def _department(department_id: int, office: Office, rung: bool = False) -> str:
    row = db.session.scalar(select(Department).where(Department.id == department_id))
    if row is None:
        return office.speech.tell(_GONE)
    return f"{row.name} ({', '.join(row.numbers)})" if rung and row.numbers else row.name


def _shown(value: int, name: str, office: Office) -> str:
    if name not in _MONEY:
        return str(value)
    return str(format_currency(value / 100, rates.current().currency, locale=office.speech.locale))


def _owners(office: Office, alone: bool = False) -> list[str]:
    """Who is told of alerts, and the tenant's admins; `alone`: these only where nobody else is."""
    if alone and (named := post.addresses(office.alert)):
        return named
    admins = db.session.scalars(
        select(User.email).where(
            User.active.is_(True), User.roles.any(Role.name == str(RoleName.TENANT_ADMIN))
        )
    )
    return post.addresses(office.alert, admins)
