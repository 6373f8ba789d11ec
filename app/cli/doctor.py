"""Would calls reach us: each number at Twilio compared with what it should be."""

import argparse

from sqlalchemy import select

from app import create_app, doctor, numbers
from app.carrier import CarrierError
from app.cli import needs
from app.extensions import db
from app.models import Tenant, TenantStatus
from app.numbers import Unable
from app.tenancy import across_tenants
from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    """1 if anything is wrong."""
    argparse.ArgumentParser(prog="run.py doctor", description=__doc__).parse_args(argv)
    needs.database(settings)
    app = create_app(settings, admin=False)
    with app.app_context():
        found = [*_address(settings), *_numbers()]
    for line in found or ["Nothing is wrong."]:
        print(line)
    return 1 if found else 0


def _address(settings: Settings) -> list[str]:
    problem = doctor.certificate(settings.public_base_url)
    return [problem] if problem else []


def _numbers() -> list[str]:
    with across_tenants():
        open_ones = select(Tenant.id, Tenant.name).where(Tenant.status != TenantStatus.CLOSED)
        rows = db.session.execute(open_ones.order_by(Tenant.name))
        tenants = [(tenant_id, name) for tenant_id, name in rows]
        db.session.rollback()
    found: list[str] = []
    for tenant_id, name in tenants:
        if not numbers.own(tenant_id):
            continue
        try:
            findings = numbers.examine(tenant_id, numbers.account_for(tenant_id))
        except (Unable, CarrierError) as problem:
            found.append(f"{name}: {problem.reason}")
            continue
        found += [f"{name}: {f.number}: {text}" for f in findings if f.ours for text in f.problems]
    return found
