"""TwiML for a TwiML Bin of each tenant: what callers hear when nothing here answers."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from app import create_app
from app.cli import administered
from app.extensions import db
from app.models import Tenant, TenantStatus, TwilioNumber
from app.tenancy import across_tenants, acting_for
from app.voice import facts, standing
from config import Settings

HOW = """\
# One document for each tenant. In Twilio's console make a TwiML Bin of it (from <?xml on) and enter
# the Bin's address at the tenant's numbers under "Primary handler fails". Print them anew when a
# tenant's fallback number, voice or language changes. They hold no secrets.
"""


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    slug: str
    numbers: tuple[str, ...]
    twiml: str


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py fallback", description=__doc__)
    parser.add_argument("--tenant", metavar="SLUG", help="this one's document, and nothing else")
    wanted = parser.parse_args(argv).tenant
    with (
        administered.settings_in_use(settings) as used,
        create_app(used, admin=False).app_context(),
    ):
        found = list(_documents(settings.public_base_url, wanted))
    if not found:
        missing = f"There is no open tenant {wanted!r}." if wanted else "There are no tenants yet."
        print(missing, file=sys.stderr)
        return 1
    if wanted:
        print(found[0].twiml)
        return 0
    print(HOW)
    for each in found:
        print(f"# {each.name} ({each.slug}): {', '.join(each.numbers) or 'no numbers yet'}")
        print(each.twiml, end="\n\n")
    return 0


def _documents(base_url: str, wanted: str | None) -> Iterator[Document]:
    with across_tenants():
        select_open = select(Tenant.id, Tenant.name, Tenant.slug, Tenant.status).where(
            Tenant.status != TenantStatus.CLOSED
        )
        if wanted:
            select_open = select_open.where(Tenant.slug == wanted)
        rows = db.session.execute(select_open.order_by(Tenant.name)).all()
        db.session.rollback()
    for tenant_id, name, slug, status in rows:
        with acting_for(tenant_id):
            found = facts.current()
            numbers = tuple(db.session.scalars(select(TwilioNumber.number).order_by("number")))
            db.session.rollback()
        called = numbers[0] if numbers else ""
        if status == TenantStatus.SUSPENDED and not found.suspension_number:
            twiml = standing.not_in_service(found)
        else:
            suspended = status == TenantStatus.SUSPENDED
            to = found.suspension_number if suspended else found.fallback_number
            twiml = standing.document(found, to, called, base_url)
        yield Document(name, slug, numbers, twiml)
