"""Looks up whose number, call or account something is, before a tenant is known.

The only reader of the platform role on the way in: it returns ids and what a signature is checked
with, and nothing else.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from flask import current_app
from sqlalchemy import Exists, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from app import practice
from app.extensions import db
from app.models import (
    CallSession,
    ReceptionistConfig,
    Tenant,
    TransferAttempt,
    TransferStatus,
    TwilioNumber,
    User,
)
from app.rules import dialling
from app.tenancy import PLATFORM, across_tenants, apart, current_scope, switch

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


def _ringing() -> Exists:
    """Attempts to put somebody through, of just now and of calls that go on."""
    return exists().where(
        TransferAttempt.tenant_id == CallSession.tenant_id,
        TransferAttempt.call_id == CallSession.id,
        TransferAttempt.status == TransferStatus.RINGING,
        TransferAttempt.created_at > func.now() - RINGS,
        CallSession.outcome.is_(None),
    )


# Made once, as every turn asks one of them. Of a tenant only what a signature is checked with.
_KEYS = (Tenant.id, Tenant.public_id, Tenant.account_sid, Tenant.sealed_auth_token)
_OF_NUMBER = (
    select(*_KEYS, TwilioNumber.number.label("called"), TwilioNumber.practice)
    .join(TwilioNumber, TwilioNumber.tenant_id == Tenant.id)
    .where(TwilioNumber.number == bindparam("number"))
)
_answered = aliased(TwilioNumber)
_here = exists().where(_answered.number.in_(bindparam("known", expanding=True)))
_forwards = _ringing().where(TransferAttempt.numbers.contains(bindparam("forwarders")))
_same = _ringing().where(CallSession.caller == bindparam("caller"))
_OF_NUMBER_AND_CIRCLES = _OF_NUMBER.add_columns(
    or_(_here, _forwards).label("ours"), _same.label("rung")
)
_OF_CALL = (
    select(*_KEYS, CallSession.called, CallSession.id.label("call_id"), TwilioNumber.practice)
    .join(CallSession, CallSession.tenant_id == Tenant.id)
    .outerjoin(CallSession.number)
    .where(CallSession.call_sid == bindparam("call_sid"))
)


def owner_of_number(number: str, caller: str = "", forwarder: str = "") -> Owner | None:
    """The tenant whose number this is; suspended and closed ones, too. What is asked besides, of
    all tenants' numbers and transfers, finds calls that go round in circles."""
    known = [number for number in {caller, forwarder} if number.startswith("+")]
    circles = {"known": known, "forwarders": [forwarder], "caller": caller} if known else {}
    asked = _OF_NUMBER_AND_CIRCLES if known else _OF_NUMBER
    with apart(PLATFORM) as connection:
        row = connection.execute(asked, {"number": number} | circles).one_or_none()
    found = _owner(row) if row else None
    if row and found and known:
        return replace(found, ours=row.ours, rung=row.rung and caller in known)
    return found


def owner_of_call(call_sid: str) -> Owner | None:
    with apart(PLATFORM) as connection:
        row = connection.execute(_OF_CALL, {"call_sid": call_sid}).one_or_none()
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
