"""What is done at Twilio for a tenant: its numbers, and the subaccount they are in.

No transaction is open while Twilio is asked; what Twilio has done is committed at once.
"""

from flask import current_app
from sqlalchemy import select

from app import accounts, carrier, doctor
from app.carrier import Account, Addresses, CarrierNumber, Offer, Subaccount
from app.doctor import Finding
from app.extensions import db
from app.models import Tenant, TwilioNumber
from app.overrides import OVERRIDES
from app.tenancy import across_tenants

SHARED = "Your business has no Twilio account to itself."
ASK = "Ask the operator of this installation, a super admin, to add or remove numbers."


class Unable(Exception):
    """It cannot be done, in words for people; no secret is in them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def addresses() -> Addresses:
    """Where a number of this installation must point."""
    base = current_app.extensions["settings"].public_base_url
    return Addresses(
        voice_url=f"{base}/twilio/voice{OVERRIDES}",
        voice_fallback_url=f"{base}/twilio/fallback{OVERRIDES}",
        status_callback=f"{base}/twilio/call-status{OVERRIDES}",
    )


def account_for(tenant_id: int) -> Account:
    """The account a tenant's numbers are in. Raises Unable."""
    with across_tenants():
        tenant = _tenant(tenant_id)
        account = accounts.account_of(tenant)
        sid = tenant.account_sid
        db.session.rollback()
    if sid and sid in accounts.demo():
        raise Unable("This demo business has a made-up account: there is nothing at Twilio.")
    if account is None:
        raise Unable(
            "There is no Twilio account for this business: set TWILIO_ACCOUNT_SID and "
            "TWILIO_AUTH_TOKEN, or enter its own account under Tenants."
        )
    return account


def offers(tenant_id: int, country: str, area_code: str) -> list[Offer]:
    """Raises Unable, CarrierError."""
    return carrier.offers(account_for(tenant_id), country, area_code)


def buy(tenant_id: int, number: str) -> None:
    """Buy a number that points here from the first moment. Raises Unable, CarrierError."""
    _refuse_taken(tenant_id, number)
    found = carrier.buy_number(account_for(tenant_id), number, addresses())
    _keep(tenant_id, found)


def point(tenant_id: int, number: str) -> None:
    """Point a number of the account at this installation, and take it in if it is not here yet.
    Raises Unable, CarrierError."""
    _refuse_taken(tenant_id, number)
    account = account_for(tenant_id)
    found = carrier.find_number(account, number)
    if found is None:
        raise Unable("This number is not in the Twilio account of this business.")
    carrier.point_number(account, found.sid, addresses())
    _keep(tenant_id, found)


def take_in(tenant_id: int, number: str) -> str:
    """Point a number here that a business adds by itself; its id at Twilio. It must be in an
    account that is this business's alone, or else it could take another's. Raises Unable,
    CarrierError."""
    account = _account_alone(tenant_id)
    found = carrier.find_number(account, number)
    if found is None:
        raise Unable("This number is not in your Twilio account. Buy it there, or check it.")
    if number in of_others(tenant_id):
        raise Unable(f"This number cannot be used. {ASK}")
    carrier.point_number(account, found.sid, addresses())
    return found.sid


def release(tenant_id: int, number: str) -> None:
    """Give a number back, for ever. Raises Unable, CarrierError."""
    if number not in own(tenant_id):
        raise Unable("This number is not one of this business.")
    account = account_for(tenant_id)
    found = carrier.find_number(account, number)
    if found is not None:
        carrier.release_number(account, found.sid)
    with across_tenants():
        row = _row(number)
        if row is not None and row.tenant_id == tenant_id:
            db.session.delete(row)
        db.session.commit()


def own(tenant_id: int) -> list[str]:
    """The tenant's numbers at Twilio, as we know them."""
    with across_tenants():
        found = db.session.scalars(
            select(TwilioNumber.number)
            .where(TwilioNumber.tenant_id == tenant_id, TwilioNumber.practice.is_(False))
            .order_by(TwilioNumber.number)
        ).all()
        db.session.rollback()
    return list(found)


def of_others(tenant_id: int) -> set[str]:
    """Numbers of the installation's other businesses, which may share an account."""
    with across_tenants():
        found = db.session.scalars(
            select(TwilioNumber.number).where(TwilioNumber.tenant_id != tenant_id)
        ).all()
        db.session.rollback()
    return set(found)


def examine(tenant_id: int, account: Account) -> list[Finding]:
    """The tenant's numbers, and those of its account that nobody here has. Raises CarrierError."""
    others = of_others(tenant_id)
    there = [n for n in carrier.numbers(account) if n.number not in others]
    return doctor.examine(own(tenant_id), there, addresses())


def open_subaccount(tenant_id: int) -> None:
    """Give a tenant an account of its own, under the installation's. Raises Unable,
    CarrierError."""
    parent = _parent()
    with across_tenants():
        tenant = _tenant(tenant_id)
        has, name = tenant.account_sid, f"{tenant.name[:40]} [{tenant.public_id}]"
        db.session.rollback()
    if has:
        raise Unable("This business has an account already.")
    if own(tenant_id):
        raise Unable("Its numbers are in the installation's account: release or move them first.")
    made = carrier.find_subaccount(parent, name) or carrier.create_subaccount(parent, name)
    with across_tenants():
        tenant = _tenant(tenant_id)
        tenant.account_sid, tenant.auth_token = made.sid, made.token
        db.session.commit()


def subaccount(tenant_id: int) -> Subaccount | None:
    """As Twilio has it; None if the tenant has none of its own. Raises Unable, CarrierError."""
    sid = _own_sid(tenant_id)
    return carrier.subaccount(_parent(), sid) if sid else None


def set_subaccount(tenant_id: int, status: str) -> None:
    """ "active", "suspended", or "closed", which is for ever. Raises Unable, CarrierError."""
    sid = _own_sid(tenant_id)
    if sid is None:
        raise Unable("This business has no account of its own.")
    carrier.set_status(_parent(), sid, status)


def _account_alone(tenant_id: int) -> Account:
    with across_tenants():
        tenant = _tenant(tenant_id)
        account = accounts.account_of(tenant) if accounts.is_of_its_own(tenant) else None
        same = select(Tenant.id).where(
            Tenant.account_sid == tenant.account_sid, Tenant.id != tenant_id
        )
        is_shared = db.session.scalars(same.limit(1)).first() is not None
        db.session.rollback()
    if account is None or is_shared:
        raise Unable(f"{SHARED} {ASK}")
    return account


def _own_sid(tenant_id: int) -> str | None:
    with across_tenants():
        tenant = _tenant(tenant_id)
        sid = tenant.account_sid if accounts.has_own(tenant) else None
        db.session.rollback()
    return None if sid in accounts.demo() else sid


def _parent() -> Account:
    parent = accounts.installation()
    if parent is None:
        raise Unable("Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN first.")
    return parent


def _tenant(tenant_id: int) -> Tenant:
    tenant = db.session.get(Tenant, tenant_id)
    if tenant is None:
        raise Unable("There is no such business.")
    return tenant


def _row(number: str) -> TwilioNumber | None:
    return db.session.scalar(select(TwilioNumber).where(TwilioNumber.number == number))


def _refuse_taken(tenant_id: int, number: str) -> None:
    with across_tenants():
        row = _row(number)
        taken = row is not None and row.tenant_id != tenant_id
        db.session.rollback()
    if taken:
        raise Unable("This number is in use by another business of this installation.")


def _keep(tenant_id: int, found: CarrierNumber) -> None:
    with across_tenants():
        row = _row(found.number) or TwilioNumber(tenant_id=tenant_id, number=found.number)
        row.phone_sid = found.sid
        db.session.add(row)
        db.session.commit()
