"""Mails with a link that sets a password. The link is made here, as it leaves: no row holds it."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.sql import ColumnElement

from app.extensions import db
from app.jobs import letters, mails, post
from app.jobs.letters import Letter, Office
from app.jobs.outbox import Work
from app.models import Tenant, TenantStatus, TokenKind, User, UserToken
from app.tenancy import across_tenants

LIFETIMES = {TokenKind.INVITE: timedelta(days=7), TokenKind.RESET: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    tenant_id: int | None
    username: str
    email: str
    has_password: bool


def invitation_mail(work: Work) -> dict[str, Any]:
    """In the tenant's scope, to a user who has not chosen a password yet."""
    person = _person(User.id == work.args.get("user_id"))
    if person is None or person.has_password:
        return {"skipped": "nobody waits for it"}
    with across_tenants():
        office = mails.office_of(person.tenant_id)
        link, until = _issue(person, TokenKind.INVITE)
    letter = letters.of_invitation(office, person.username, link, until)
    return _send(work, person, office, letter)


def reset_mail(work: Work) -> dict[str, Any]:
    """Platform work. Whoever asked was told the same whether there is such a user or not."""
    name = str(work.args.get("name", "")).lower()
    by_name = or_(func.lower(User.email) == name, func.lower(User.username) == name)
    person = _person(by_name)
    if person is None:
        return {"skipped": "no such user"}
    office = mails.office_of(person.tenant_id)
    link, until = _issue(person, TokenKind.RESET)
    return _send(work, person, office, letters.of_reset(office, person.username, link, until))


def _person(which: ColumnElement[bool]) -> Person | None:
    user = db.session.scalar(
        select(User)
        .where(
            which,
            User.active.is_(True),
            ~exists().where(Tenant.id == User.tenant_id, Tenant.status == TenantStatus.CLOSED),
        )
        .order_by(User.id)
        .limit(1)
    )
    if user is None:
        return None
    return Person(user.id, user.tenant_id, user.username, user.email, bool(user.password))


def _issue(person: Person, kind: TokenKind) -> tuple[str, datetime]:
    """Platform work; commits. Earlier links to a forgotten password stay good until one is used, or
    else somebody could spoil them by asking for more; of invitations only the newest is good."""
    token, until = secrets.token_urlsafe(32), datetime.now(UTC) + LIFETIMES[kind]
    row = UserToken(
        token_hash=UserToken.hash_of(token), user_id=person.id, kind=kind, email=person.email,
        expires_at=until,
    )  # fmt: skip
    if kind == TokenKind.INVITE:
        former = delete(UserToken).where(UserToken.user_id == person.id, UserToken.kind == kind)
        db.session.execute(former, execution_options={"synchronize_session": False})
    db.session.add(row)
    db.session.commit()
    return f"{current_app.extensions['settings'].public_base_url}/password/set/{token}", until


def _send(work: Work, person: Person, office: Office, letter: Letter) -> dict[str, Any]:
    return post.deliver(work, letter, post.addresses([person.email]), office.speech, private=True)
