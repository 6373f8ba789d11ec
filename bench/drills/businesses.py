"""Two businesses of the drills, every text of theirs with a canary of whose it is.

Made by the product's own models in a process of its own, as `run.py` makes the demo.
"""

from dataclasses import dataclass
from datetime import time

from app.cli.prepare import worker
from config import Settings

ALL_WEEK = range(7)


@dataclass(frozen=True, slots=True)
class Business:
    """`canary` occurs in each of its texts and nowhere else. `answer` is to `question`; `person`
    rings when `department` is asked for."""

    canary: str
    number: str
    account_sid: str
    auth_token: str
    person: str
    tenant_id: int = 0

    @property
    def name(self) -> str:
        return f"Harbour {self.canary.title()}"

    @property
    def mailbox(self) -> str:
        return f"office@{self.canary}.example.com"

    @property
    def department(self) -> str:
        return f"{self.canary.title()} Workshop"

    @property
    def question(self) -> str:
        return "Where can I park?"

    @property
    def answer(self) -> str:
        return f"You can park in the yard behind {self.canary.title()} house."


# No number of theirs is of the range that is kept for practice: production has none of those.
BUSINESSES = (
    Business("zephyrak", "+12125550411", "AC" + "a1" * 16, "d1" * 16, "+12125550471"),
    Business("quokkaby", "+13035550422", "AC" + "b2" * 16, "e2" * 16, "+13035550482"),
)


def make(settings: Settings) -> tuple[Business, ...]:
    """Raises app.cli.prepare.NotPrepared."""
    with worker(settings.data_dir / "log" / "prepare.log") as call:
        return tuple(call(_make, settings, BUSINESSES))


def _make(settings: Settings, wanted: tuple[Business, ...]) -> list[Business]:
    from app import create_app
    from app.extensions import db
    from app.tenancy import across_tenants

    made = []
    with create_app(settings, admin=False).app_context(), across_tenants():
        for business in wanted:
            made.append(_add(business))
        db.session.commit()
    return made


def _add(business: Business) -> Business:
    from dataclasses import replace

    from app.extensions import db
    from app.models import (
        Department,
        KnowledgeEntry,
        OpeningHours,
        ReceptionistConfig,
        Tenant,
        TwilioNumber,
    )

    mark, mail = business.canary, [business.mailbox]
    tenant = Tenant(
        name=business.name, slug=mark, timezone="America/New_York",
        account_sid=business.account_sid, auth_token=business.auth_token,
    )  # fmt: skip
    db.session.add(tenant)
    db.session.flush()
    rows = [
        TwilioNumber(number=business.number, label=f"{mark} line"),
        ReceptionistConfig(
            greeting=f"Welcome to {business.name}.", persona=mark.title(),
            summary_recipients=mail, lead_recipients=mail, urgent_recipients=mail,
            alert_recipients=mail,
        ),
        Department(
            name=business.department, description=f"Repairs and punctures of {mark}",
            numbers=[business.person], position=1,
        ),
        KnowledgeEntry(question=business.question, answer=business.answer, category=mark),
        KnowledgeEntry(
            question="Do you rent out bicycles?", category=mark,
            answer=f"{mark.title()} rents out city bicycles by the day.",
        ),
        *(OpeningHours(weekday=day, opens=time(0), closes=time(0)) for day in ALL_WEEK),
    ]  # fmt: skip
    for row in rows:
        row.tenant_id = tenant.id
    db.session.add_all(rows)
    db.session.flush()
    return replace(business, tenant_id=tenant.id)
