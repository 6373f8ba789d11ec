"""The numbers of many businesses at once, held against what Twilio has: each account is asked
once, several at a time, and whoever does not answer in time holds up nobody."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from sqlalchemy import exists, select

from app import accounts, carrier, doctor, numbers
from app.carrier import Account, CarrierError, CarrierNumber
from app.extensions import db
from app.models import Tenant, TenantStatus, TwilioNumber
from app.tenancy import across_tenants

PAGE = 25
AT_ONCE = 8
PATIENCE = 15.0  # seconds for all of them


@dataclass(frozen=True, slots=True)
class Problem:
    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One business and its numbers. `unknown` says why Twilio could not tell."""

    tenant_id: int
    name: str
    numbers: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class _Business:
    tenant_id: int
    name: str
    account: Account | None
    is_demo: bool
    numbers: tuple[str, ...]


def survey(first: int, most: int = PAGE) -> list[Surveyed]:
    """Businesses that are open and have numbers, by name, from the `first` on. Platform work."""
    businesses = _businesses(first, most)
    there = _there({b.account for b in businesses if b.account and not b.is_demo})
    return [_surveyed(business, there) for business in businesses]


def _surveyed(business: _Business, there: dict[Account, list[CarrierNumber] | str]) -> Surveyed:
    about = business.tenant_id, business.name, business.numbers
    if business.is_demo:
        return Surveyed(*about, unknown="It is a demo: there is nothing at Twilio.")
    if business.account is None:
        return Surveyed(*about, unknown="Neither it nor the installation has a Twilio account.")
    found = there[business.account]
    if isinstance(found, str):
        return Surveyed(*about, unknown=found)
    findings = doctor.examine(business.numbers, found, numbers.addresses())
    problems = [Problem(f.number, text) for f in findings if f.ours for text in f.problems]
    return Surveyed(*about, problems=tuple(problems))


def _businesses(first: int, most: int) -> list[_Business]:
    demo = accounts.demo()
    has_numbers = exists().where(TwilioNumber.tenant_id == Tenant.id)
    with across_tenants():
        tenants = db.session.scalars(
            select(Tenant)
            .where(Tenant.status != TenantStatus.CLOSED, has_numbers)
            .order_by(Tenant.name, Tenant.id)
            .offset(first)
            .limit(most)
        ).all()
        own = _numbers_of([tenant.id for tenant in tenants])
        found = [
            _Business(
                tenant.id, tenant.name, accounts.account_of(tenant), tenant.account_sid in demo,
                tuple(own.get(tenant.id, ())),
            )
            for tenant in tenants
        ]  # fmt: skip
        db.session.rollback()  # no connection is held while Twilio is asked
    return found


def _numbers_of(tenants: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = db.session.execute(
        select(TwilioNumber.tenant_id, TwilioNumber.number)
        .where(TwilioNumber.tenant_id.in_(tenants))
        .order_by(TwilioNumber.number)
    )
    for tenant_id, number in rows:
        found.setdefault(tenant_id, []).append(number)
    return found


def _there(asked: Iterable[Account]) -> dict[Account, list[CarrierNumber] | str]:
    """What each account has, or why that is not known."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        futures = {account: pool.submit(carrier.numbers, account) for account in asked}
        wait(futures.values(), timeout=PATIENCE)
        return {account: _answer(future) for account, future in futures.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(future: "Future[list[CarrierNumber]]") -> list[CarrierNumber] | str:
    if not future.done():
        return "Twilio did not answer in time."
    try:
        return future.result()
    except CarrierError as problem:
        return problem.reason
