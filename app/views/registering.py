"""Test calls are registered before anybody dials: by whom, and how many of theirs may live."""

import secrets
from datetime import UTC, datetime, timedelta

from flask import g
from flask_babel import gettext
from sqlalchemy import func, select

from app.extensions import db
from app.models import CallSession, CallState, Channel, TwilioNumber, User
from app.tenancy import current_tenant_id
from app.views.refusals import Refused

MOST_LIVE = 5
FORGOTTEN = timedelta(minutes=10)
"""A call that nobody goes on with is closed after that, by a job."""


def registered(called: str) -> CallSession:
    """The row of a test call to come, for the caller to add and commit: the first webhook that
    names its CallSid begins the call. Raises Refused."""
    number = db.session.scalar(select(TwilioNumber).where(TwilioNumber.number == called))
    if number is None:
        raise Refused(gettext("Not a number of this tenant."), "number")
    _leave_room()
    return CallSession(
        call_sid="CA" + secrets.token_hex(16), channel=Channel.TEST, called=number.number,
        number_id=number.id, state=CallState.GREETING, turn=0, memory={}, placed_by=asking(),
    )  # fmt: skip


def asking() -> str:
    """Who asks, as `placed_by` names them."""
    return f"key:{g.api_key}" if "api_key" in g else f"user:{g.signed_in.id}"


def name_of(placed_by: str) -> str:
    """A person of this tenant by name; of others, and of keys, what they are."""
    kind, _, which = placed_by.partition(":")
    if kind == "key":
        return gettext("the API key %(prefix)s…", prefix=which)
    if kind != "user":
        return ""
    person = db.session.scalar(
        select(User).where(User.id == int(which), User.tenant_id == current_tenant_id())
    )
    return person.get_full_name() if person else gettext("somebody who is not among your people")


def _leave_room() -> None:
    """One after the other for each person: two at once would each see room for one more."""
    person = asking()
    key = func.hashtext(f"test call of {person} in {current_tenant_id()}")
    db.session.execute(select(func.pg_advisory_xact_lock(key)))
    live = db.session.scalar(
        select(func.count(CallSession.id)).where(
            CallSession.outcome.is_(None),
            CallSession.last_turn_at > datetime.now(UTC) - FORGOTTEN,
            CallSession.channel == Channel.TEST,
            CallSession.placed_by == person,
        )
    )
    if (live or 0) >= MOST_LIVE:
        text = gettext(
            "You have %(number)d test calls that go on. Hang up one of them, or wait ten minutes: "
            "those that were left alone are then closed.",
            number=live,
        )
        raise Refused(text, "number")
