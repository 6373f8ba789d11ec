"""Step 2: the week of the whole business."""

from collections.abc import Mapping

from app.models import OpeningHours
from app.views import opening, weekly
from app.views.setup.page import StepPage
from app.views.setup.steps import Step
from app.views.weekly import Day


class HoursPage(StepPage):
    step = Step.HOURS
    template = "setup/hours.html"
    model = OpeningHours
    days: list[Day]
    suggested = False

    def show(self) -> None:
        starter = self.found.starter
        self.suggested = self.found.offers(self.step) and starter is not None
        if self.suggested and starter:
            rows = [OpeningHours(weekday=d, opens=o, closes=c) for d, o, c in starter.hours]
        else:
            rows = opening.rows(None)
        self.days = weekly.saved(rows)

    def take(self, typed: Mapping[str, str]) -> bool:
        self.days = weekly.typed(typed)
        return not any(day.error for day in self.days)

    def save(self) -> None:
        opening.replace(None, self.days)
