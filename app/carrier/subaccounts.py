"""Subaccounts: one for each tenant that shall have its own numbers, bill and token.

https://www.twilio.com/docs/iam/api/subaccounts
"""

from dataclasses import dataclass, field
from typing import Any

from app.carrier.client import Account, CarrierError, answered, client


@dataclass(frozen=True, slots=True)
class Subaccount:
    """`status` is active, suspended or closed."""

    sid: str
    token: str = field(repr=False)
    status: str


def create_subaccount(parent: Account, name: str) -> Subaccount:
    """`name` must be nobody else's: when Twilio does not answer, the list is asked whether there is
    one of this name. Raises CarrierError."""
    try:
        with answered():
            made = client(parent).api.v2010.accounts.create(friendly_name=name)
    except CarrierError as error:
        found = find_subaccount(parent, name) if error.unsure else None
        if found is None:
            raise
        return found
    return _subaccount(made)


def find_subaccount(parent: Account, name: str) -> Subaccount | None:
    """One of this name that is not closed. Raises CarrierError."""
    with answered():
        found = client(parent).api.v2010.accounts.list(friendly_name=name, limit=20)
    return next(
        (_subaccount(a) for a in found if a.friendly_name == name and a.status != "closed"), None
    )


def subaccount(parent: Account, sid: str) -> Subaccount:
    """Raises CarrierError."""
    with answered():
        return _subaccount(client(parent).api.v2010.accounts(sid).fetch())


def set_status(parent: Account, sid: str, status: str) -> None:
    """ "active", "suspended" or "closed"; the last is for ever and releases its numbers. Raises
    CarrierError."""
    with answered():
        client(parent).api.v2010.accounts(sid).update(status=status)


def _subaccount(found: Any) -> Subaccount:
    return Subaccount(str(found.sid), str(found.auth_token), str(found.status))
