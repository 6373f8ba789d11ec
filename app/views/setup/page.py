"""What every step is: shown as saved, taken as typed, saved by the rules of the forms."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import ReceptionistConfig
from app.views.refusals import Refused
from app.views.setup.progress import Progress
from app.views.setup.steps import Step
from app.views.tenants import INTAKE


class StepPage:
    """One request of one step. `model` is what its refusals speak of; `error` is said above all,
    where no field is at fault."""

    step: Step
    template: str
    model: type
    error: str = ""

    def __init__(self, found: Progress) -> None:
        self.found = found

    def show(self) -> None:
        """As it is saved, else as the trade suggests."""
        raise NotImplementedError

    def take(self, typed: Mapping[str, str]) -> bool:
        """As it was typed; whether it can be saved."""
        raise NotImplementedError

    def save(self) -> None:
        """In the caller's transaction. Raises Refused."""
        raise NotImplementedError

    def refuse(self, refusal: Refused) -> None:
        self.error = refusal.text

    @property
    def context(self) -> dict[str, Any]:
        return {}


def receptionist() -> ReceptionistConfig:
    """The one of the tenant in scope, made where there is none yet."""
    found = db.session.scalars(select(ReceptionistConfig)).one_or_none()
    if found is None:
        found = ReceptionistConfig(intake_fields=INTAKE)
        db.session.add(found)
        db.session.flush()
    return found
