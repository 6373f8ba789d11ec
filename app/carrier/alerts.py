"""What Twilio itself complained about: its own log of errors and warnings.

https://www.twilio.com/docs/usage/monitor-alert
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.carrier.client import Account, answered, client

MOST = 100


@dataclass(frozen=True, slots=True)
class Alert:
    """`about` is the id of what it concerns, most often a call. The text of an alert is left out:
    it repeats what callers said."""

    at: datetime | None
    level: str
    code: str
    about: str


def alerts(account: Account, since: datetime) -> list[Alert]:
    """The newest first. Raises CarrierError."""
    with answered():
        found = client(account).monitor.v1.alerts.list(
            start_date=since, end_date=since + timedelta(days=30), limit=MOST
        )
    return [
        Alert(a.date_created, str(a.log_level), str(a.error_code), str(a.resource_sid or ""))
        for a in found
    ]
