"""Looks up whose number, call or account something is, before a tenant is known.

The only reader of the platform role on the way in: it returns ids and what a signature is checked
with, and nothing else.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from flask import current_app
from sqlalchemy import func, or_, select, text

from app import at_once, practice
from app.extensions import db
from app.models import (
    ReceptionistConfig,
    Tenant,
    TransferAttempt,
    TransferStatus,
    TwilioNumber,
    User,
)
from app.rules import dialling
from app.tenancy import PLATFORM, across_tenants, current_scope, switch

RINGS: Final = timedelta(minutes=2)
"""Nobody is rung for longer."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something is. `account_sid` is the account that may speak for it, `token` its key.
    `called` is the number of the call or the number itself, `call_id` the call, if there is one.
    `ours`: who calls it, or forwarded the call, is answered or just being rung here itself; `rung`:
    somebody here is being rung for this very caller. `kept`: the account and the sealed token in
    the tenant's row, of which these were made."""

    tenant_id: int
    account_sid: str
    token: str = field(repr=False)
    called: str = ""
    call_id: int | None = None
    ours: bool = False
    rung: bool = False
    kept: tuple[str | None, str | None] = field(default=(None, None), repr=False)


# Written out, as every call asks one of them and many a turn. Of a tenant only what a signature is
# checked with.
_KEYS: Final = "tenant.id, tenant.public_id, tenant.account_sid, tenant.sealed_auth_token"
_OF_NUMBER: Final = f"""
    select {_KEYS}, twilio_number.number as called, twilio_number.practice, {{}}
    from twilio_number join tenant on tenant.id = twilio_number.tenant_id
    where twilio_number.number = :number
"""
# Attempts to put somebody through, of just now and of calls that go on.
_RINGING: Final = f"""
    select from transfer_attempt as attempt
    join call_session as call on call.tenant_id = attempt.tenant_id and call.id = attempt.call_id
    where attempt.status = '{TransferStatus.RINGING}' and call.outcome is null
      and attempt.created_at > now() - interval '{RINGS.seconds} seconds'
"""
_OF_A_NUMBER: Final = text(_OF_NUMBER.format("false as ours, false as rung"))
_OF_A_NUMBER_AND_CIRCLES: Final = text(
    _OF_NUMBER.format(f"""
        exists (select from twilio_number as answered where answered.number = any(:known))
            or exists ({_RINGING} and attempt.numbers @> array[:forwarder]::text[]) as ours,
        exists ({_RINGING} and call.caller = :caller) as rung
    """)
)
_OF_CALL: Final = text(f"""
    select {_KEYS}, call.called, twilio_number.practice, call.id as call_id
    from call_session as call join tenant on tenant.id = call.tenant_id
    left join twilio_number
        on twilio_number.tenant_id = call.tenant_id and twilio_number.id = call.number_id
    where call.call_sid = :call_sid
""")


def owner_of_number(number: str, caller: str = "", forwarder: str = "") -> Owner | None:
    """The tenant whose number this is; suspended and closed ones, too. What is asked besides, of
    all tenants' numbers and transfers, finds calls that go round in circles."""
    known = [number for number in {caller, forwarder} if number.startswith("+")]
    circles = {"known": known, "forwarder": forwarder, "caller": caller} if known else {}
    asked = _OF_A_NUMBER_AND_CIRCLES if known else _OF_A_NUMBER
    row = at_once.row(PLATFORM, asked, {"number": number} | circles)
    found = _owner(row) if row else None
    return (
        replace(found, ours=row.ours, rung=row.rung and caller in known) if row and found else None
    )


def owner_of_call(call_sid: str) -> Owner | None:
    row = at_once.row(PLATFORM, _OF_CALL, {"call_sid": call_sid})
    found = _owner(row) if row else None
    return replace(found, call_id=row.call_id) if row and found else None


def answered_here(numbers: list[str]) -> list[str]:
    """Which of these numbers ring at this installation; not whose they are. Asked in the midst of
    a request: on its transaction, past its session, whose rows stay as they are."""
    connection = db.session.connection()
    switch(connection, PLATFORM)
    try:
        wanted = select(TwilioNumber.number).where(TwilioNumber.number.in_(numbers))
        return list(connection.execute(wanted).scalars())
    finally:
        switch(connection, current_scope())


def leads_to_another(name: str, user_id: int | None) -> bool:
    """Whether somebody else signs in by this, as user name or e-mail address; not who. Asked like
    `answered_here`."""
    connection, folded = db.session.connection(), name.lower()
    switch(connection, PLATFORM)
    try:
        wanted = select(User.id).where(
            or_(func.lower(User.username) == folded, func.lower(User.email) == folded),
            User.id != (user_id or 0),
        )
        return connection.execute(wanted.limit(1)).first() is not None
    finally:
        switch(connection, current_scope())


def allowed_countries() -> frozenset[str]:
    """Where the tenant in scope may ring: those of its receptionist; else its own."""
    listed = db.session.scalar(select(ReceptionistConfig.allowed_countries))
    return frozenset(listed) if listed else own_country()


def own_country() -> frozenset[str]:
    """That of the first number of the tenant in scope; none before it has one."""
    in_order = (TwilioNumber.practice, TwilioNumber.id)
    first = db.session.scalar(select(TwilioNumber.number).order_by(*in_order).limit(1))
    return frozenset({dialling.country_of(first)} if first else ())


def numbers_of_attempt(tenant_id: int, call_id: int, attempt_id: int) -> list[str]:
    """The numbers that a transfer attempt of this call rings; none if it is not this call's."""
    with across_tenants():
        numbers = db.session.execute(
            select(TransferAttempt.numbers).where(
                TransferAttempt.tenant_id == tenant_id,
                TransferAttempt.call_id == call_id,
                TransferAttempt.id == attempt_id,
            )
        ).scalar_one_or_none()
    db.session.remove()
    return numbers or []


def tokens_of_account(account_sid: str) -> list[str]:
    """Every token that signs for this account: the installation's, or those of its tenants."""
    settings = current_app.extensions["settings"]
    with across_tenants():
        tenants = db.session.scalars(select(Tenant).where(Tenant.account_sid == account_sid)).all()
        tokens = [tenant.auth_token for tenant in tenants]
    db.session.remove()
    if account_sid == settings.twilio_account_sid:
        tokens.append(settings.twilio_auth_token)
    return [token for token in tokens if token]


def account_of(tenant: Tenant) -> tuple[str, str]:
    """The account that speaks for a tenant's calls, and the token that signs for it (""; its own
    is not known): the tenant's, else the installation's, else the built-in telephone's."""
    settings = current_app.extensions["settings"]
    if tenant.account_sid:
        return tenant.account_sid, tenant.auth_token or ""
    if settings.twilio_account_sid:
        return settings.twilio_account_sid, settings.twilio_auth_token
    return practice.account(settings.secret_key)


def _owner(row: Any) -> Owner | None:
    """None: a practice number in production, where nobody practises."""
    if row.practice and current_app.extensions["settings"].is_production:
        return None
    kept = row.account_sid, row.sealed_auth_token
    tenant = Tenant(
        id=row.id, public_id=row.public_id, account_sid=kept[0], sealed_auth_token=kept[1]
    )
    account_sid, token = account_of(tenant)
    return Owner(row.id, account_sid, token, row.called, kept=kept)
