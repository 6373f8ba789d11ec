"""What there are alerts about, and when one begins, ends and is told of: pure.

An alert begins or ends when what is measured has said so for a while, so that what flutters is not
told of each time. Whoever is told of it is told again every few hours, and once when it is over.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

REMIND: Final = timedelta(hours=4)
OVER_AFTER: Final = timedelta(minutes=5)
"""In which nothing was wrong any more, before an alert is over."""
MOST_THRESHOLD: Final = 1_000_000.0


def _(message: str) -> str:
    """Marks words for `pybabel extract`."""
    return message


class Unit(StrEnum):
    COUNT = "count"
    PERCENT = "percent"
    MINUTES = "minutes"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Rule:
    """At `threshold` and above (in `unit`), for `hold`, it is told. `measures` says what the value
    is, `advice` what to do."""

    name: str
    title: str
    measures: str
    advice: str
    unit: Unit
    threshold: float
    hold: timedelta = timedelta(minutes=2)


_NOW = timedelta(0)
RULES: Final = (
    Rule(
        "database", _("Trouble with the database"),
        _("Connections and statements that failed or took too long, in 5 minutes."),
        _("See whether PostgreSQL runs and is reached, whether its disk is full, and whether"
          " max_connections allows what DB_POOL_SIZE and the number of processes need."),
        Unit.COUNT, 10,
    ),
    Rule(
        "web", _("No web process is alive"),
        _("Time since the last sign of life of any web process."),
        _("Callers hear what nginx or the TwiML Bin says. Start it: python3 run.py web"),
        Unit.MINUTES, 3,
    ),
    Rule(
        "worker", _("No worker is alive"), _("Time since the last sign of life of any worker."),
        _("Summaries, mails and webhooks wait. Start one: python3 run.py worker"),
        Unit.MINUTES, 3,
    ),
    Rule(
        "scheduler", _("No scheduler is alive"),
        _("Time since the last sign of life of any scheduler."),
        _("Calls whose end is not told stay open, and nothing is tidied up. Start it:"
          " python3 run.py scheduler"),
        Unit.MINUTES, 3,
    ),
    Rule(
        "jobs", _("Jobs are given up"), _("Jobs that were given up, in 15 minutes."),
        _("Operations, Given up, says why and tries them again."),
        Unit.COUNT, 5, _NOW,
    ),
    Rule(
        "outbox", _("Work after calls waits"), _("How long the job that waits longest is overdue."),
        _("See under Operations whether workers and Redis run, and what waits."),
        Unit.MINUTES, 10,
    ),
    Rule(
        "mail", _("Mails do not leave"),
        _("Of the attempts to send a mail in 30 minutes those that failed, if there were three."),
        _("Operations, Mails, has the mail server's answers. Check MAIL_SERVER and its login."),
        Unit.PERCENT, 20,
    ),
    Rule(
        "slow", _("Answers come slowly"),
        _("Of the turns of calls in 15 minutes those that took more than 4 seconds, of 20 or"
          " more."),
        _("Compare the model's time and the database's on the dashboard: callers hear fillers."),
        Unit.PERCENT, 5,
    ),
    Rule(
        "fallback", _("Calls do without the model"),
        _("Of the turns in 15 minutes that were the model's those that went a tier down, of 20 or"
          " more."),
        _("See what the model's provider says. Until then the offline interpreter answers, or a"
          " message is recorded."),
        Unit.PERCENT, 10,
    ),
    Rule(
        "silence", _("No calls come in"),
        _("Time since the last call, where at least five are usual in as much time: by the same"
          " hours of the last four weeks."),
        _("Call a number yourself. Number doctor says whether Twilio's numbers point here."),
        Unit.MINUTES, 60,
    ),
    Rule(
        "spend", _("Spending is close to a limit"),
        _("The highest share of its day's or month's limit that a tenant has used."),
        _("At 90 percent its calls are answered without the model, at 100 only messages are"
          " taken. Raise its limit, or ask what it is spent on."),
        Unit.PERCENT, 90, _NOW,
    ),
    Rule(
        "signatures", _("Forged requests"),
        _("Requests to /twilio with a missing or wrong signature, in 5 minutes."),
        _("Somebody tries, or an auth token was changed at Twilio, or PUBLIC_BASE_URL is not what"
          " Twilio calls: then callers are turned away, too."),
        Unit.COUNT, 100, _NOW,
    ),
    Rule(
        "scope", _("A tenant's wall was touched"),
        _("Attempts of the code to reach another tenant's rows, all refused, in an hour."),
        _("A fault of the product. Look for TenancyError or SQLSTATE 42501 in the logs, and report"
          " it."),
        Unit.COUNT, 1, _NOW,
    ),
    Rule(
        "backup", _("The last backup is old"),
        _("Time since the last python3 run.py backup, once there was one."),
        _("See why the job that makes it did not, and make one by hand."),
        Unit.HOURS, 26, _NOW,
    ),
)  # fmt: skip
BY_NAME: Final = {rule.name: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Standing:
    """`turning_since`: since when what is measured says otherwise."""

    firing: bool = False
    since: datetime | None = None
    turning_since: datetime | None = None


def weighed(rule: Rule, before: Standing, wrong: bool, now: datetime) -> Standing:
    """How the alert stands now that something is `wrong`, or is not."""
    if wrong == before.firing:
        return replace(before, turning_since=None)
    since = before.turning_since or now
    if now - since < (rule.hold if wrong else OVER_AFTER):
        return replace(before, turning_since=since)
    return Standing(firing=wrong, since=since)


def is_to_be_told(
    firing: bool,
    told_firing: bool,
    told_at: datetime | None,
    muted_until: datetime | None,
    now: datetime,
) -> bool:
    """By a way that last told `told_firing`. What ends while it is muted is told of afterwards."""
    if muted_until is not None and now < muted_until:
        return False
    if not firing:
        return told_firing
    return not told_firing or told_at is None or now - told_at >= REMIND


def written(value: float, unit: Unit) -> str:
    """In a few words, in English."""
    match unit:
        case Unit.PERCENT:
            return f"{value:.0f} %"
        case Unit.MINUTES:
            return f"{value:.0f} min"
        case Unit.HOURS:
            return f"{value:.0f} h"
    return f"{value:,.0f}"
