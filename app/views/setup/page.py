"""What every step is: shown as saved, taken as typed, saved by the rules of the forms."""

from collections.abc import Mapping
from typing import Any

from app.views.refusals import Refused
from app.views.setup.progress import Progress
from app.views.setup.steps import Step


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
