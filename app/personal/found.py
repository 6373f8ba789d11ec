"""Which rows of a tenant's are of the person with a telephone number.

Of a person are the calls from the number, the messages that name it, the calls these were left in,
and all that hangs on them. A message's number may be another one than the call came from: whoever
left it is the person to be called back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, func, or_, select

from app import archive, mailbox
from app.extensions import db
from app.models import Block, CallSession, Job, Lead, TwilioNumber
from app.personal import spelled
from app.personal.spelled import Number

# Nobody's calls: what a business sets up itself. A number there is its own to change.
SET_UP: Final = frozenset(
    {"tenant", "ab_user", "api_key", "receptionist_config", "twilio_number", "department",
     "opening_hours", "holiday", "knowledge_entry", "webhook_endpoint"}
)  # fmt: skip
# Append only, and without a value that could be read; and the receipts themselves.
PROOFS: Final = frozenset({"audit_log", "spend_ledger", "data_request"})


@dataclass(frozen=True, slots=True)
class Person:
    number: Number
    calls: tuple[int, ...] = ()
    call_sids: tuple[str, ...] = ()
    leads: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()

    def only(self, calls: Iterable[tuple[int, str]]) -> "Person":
        """No more than these calls, and what hangs on them."""
        some = list(calls)
        return replace(
            self, calls=tuple(pk for pk, _ in some), call_sids=tuple(sid for _, sid in some),
            leads=(), blocks=(),
        )  # fmt: skip


def person(number: Number) -> Person:
    """In the tenant's scope."""
    leads = [
        (pk, call_id)
        for pk, phone, call_id in db.session.execute(
            select(Lead.id, Lead.phone, Lead.call_id).where(_can_be(Lead.phone, number))
        )
        if spelled.mentioned(phone, number)
    ]
    left_in = [call_id for _, call_id in leads if call_id is not None]
    calls = [
        (pk, sid)
        for pk, sid, caller in db.session.execute(
            select(CallSession.id, CallSession.call_sid, CallSession.caller)
            .where(or_(_can_be(CallSession.caller, number), CallSession.id.in_(left_in)))
            .order_by(CallSession.id)
        )
        if pk in set(left_in) or spelled.mentioned(caller, number)
    ]
    ids = tuple(pk for pk, _ in calls)
    on_calls = db.session.scalars(select(Lead.id).where(Lead.call_id.in_(ids)))
    blocks = db.session.execute(select(Block.id, Block.phone).where(_can_be(Block.phone, number)))
    return Person(
        number,
        calls=ids,
        call_sids=tuple(sid for _, sid in calls),
        leads=tuple(sorted({pk for pk, _ in leads} | set(on_calls))),
        blocks=tuple(pk for pk, phone in blocks if spelled.mentioned(phone, number)),
    )


def _can_be(column: Any, number: Number) -> ColumnElement[bool]:
    """By the index where it is written as we write it; else by its digits, which a SIP address may
    have more of."""
    digits = func.regexp_replace(column, r"\D", "", "g")
    return or_(
        column == number.e164,
        ~column.startswith("+") & or_(*(digits.contains(way) for way in number.digits)),
        column.startswith("+") & digits.in_(number.digits),
    )


def is_our_own(number: Number) -> bool:
    """Whether the business is called at it."""
    own = select(TwilioNumber.id).where(TwilioNumber.number == number.e164).limit(1)
    return db.session.scalar(own) is not None


def rows_of(table: Table, whose: Person) -> ColumnElement[bool] | None:
    """Which rows of a table are this person's; None: it holds nobody's."""
    if table.name in SET_UP or table.name in ("audit_log", "data_request"):
        return None
    match table.name:
        case "call_session":
            return table.c.id.in_(whose.calls)
        case "lead":
            return or_(table.c.id.in_(whose.leads), table.c.call_id.in_(whose.calls))
        case "block":
            return table.c.id.in_(whose.blocks)
        case "inbound_request":
            return table.c.call_sid.in_(whose.call_sids)
        case "lease":
            return table.c.holder.in_(whose.call_sids)
        case "job":
            about = table.c.args["lead_id"].astext.in_(map(str, whose.leads))
            return or_(table.c.call_id.in_(whose.calls), about)
        case "knowledge_gap":  # asked by others, too: then it is no longer this person's
            return table.c.call_id.in_(whose.calls) & (table.c.asked == 1)
    return table.c.call_id.in_(whose.calls) if "call_id" in table.c else None


def tables() -> list[Table]:
    """All that can hold something of a person, parents first."""
    nobody = Person(Number("", frozenset()))
    return [table for table in archive.tables() if rows_of(table, nobody) is not None]


def counted(whose: Person, tenant_id: int) -> dict[str, int]:
    """Rows by table, where there are any; mails of this machine under "mails"."""
    counts = {}
    for table in tables():
        own = (table.c.tenant_id == tenant_id) & wanted(table, whose)
        counts[table.name] = db.session.scalar(select(func.count()).where(own)) or 0
    counts["mails"] = len(mails_of(whose, tenant_id))
    return {name: count for name, count in counts.items() if count}


def wanted(table: Table, whose: Person) -> ColumnElement[bool]:
    condition = rows_of(table, whose)
    assert condition is not None
    return condition


def jobs_of(whose: Person) -> list[int]:
    return list(db.session.scalars(select(Job.id).where(wanted(Job.__table__, whose))))


def mails_of(whose: Person, tenant_id: int) -> list[Any]:
    """Files that these jobs wrote, and those of jobs long gone that name the number."""
    written = {mailbox.path_of(tenant_id, pk) for pk in jobs_of(whose)}
    return [
        path
        for path in sorted(mailbox.of_tenant(tenant_id))
        if path in written or spelled.mentioned(mailbox.words_of(path), whose.number)
    ]
