"""What needs a person: a line and one action each, worst first."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, ngettext

from app.figures import waiting
from app.figures.behind import BEHIND, Figure
from app.figures.period import Period
from app.views import behind, written

WORST_FIRST = (Figure.MAILS, Figure.WORK, Figure.LATE, Figure.OPEN, Figure.NEW)


@dataclass(frozen=True, slots=True)
class Need:
    tone: str
    text: str
    action: str
    url: str


def of(period: Period, may: Any) -> list[Need]:
    """Nothing is good news."""
    readable = [figure for figure in WORST_FIRST if may(BEHIND[figure][0].__name__)]
    counts = waiting.counts(period, readable)
    return [
        Need(*_said(figure, count), behind.url(figure, period))
        for figure, count in counts.items()
        if count
    ]


def _said(figure: Figure, count: int) -> tuple[str, str, str]:
    """Tone, text, action."""
    many = {"number": _number(count)}
    match figure:
        case Figure.MAILS:
            text = ngettext(
                "%(number)s mail could not be sent", "%(number)s mails could not be sent", count,
                **many,
            )  # fmt: skip
            return "bad", text, gettext("See the mails")
        case Figure.WORK:
            text = ngettext(
                "%(number)s job was given up", "%(number)s jobs were given up", count, **many
            )
            return "bad", text, gettext("See the jobs")
        case Figure.LATE:
            text = ngettext(
                "%(number)s lead is late: the day to call back has passed",
                "%(number)s leads are late: the day to call back has passed", count, **many,
            )  # fmt: skip
            return "bad", text, gettext("Open late leads")
        case Figure.OPEN:
            text = ngettext(
                "%(number)s question has no answer", "%(number)s questions have no answer", count,
                **many,
            )  # fmt: skip
            return "warn", text, gettext("Write answers")
    text = ngettext(
        "%(number)s new lead waits for a call back", "%(number)s new leads wait for a call back",
        count, **many,
    )  # fmt: skip
    return "warn", text, gettext("Open new leads")


def _number(count: int) -> str:
    if count > waiting.ENOUGH:
        return gettext("More than %(number)s", number=written.number(waiting.ENOUGH))
    return str(written.number(count))
