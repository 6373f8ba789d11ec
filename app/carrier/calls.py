"""The true state of a live call, and its end.

https://www.twilio.com/docs/voice/api/call-resource
"""

from dataclasses import dataclass
from datetime import datetime

from app.carrier.client import NOT_FOUND, Account, CarrierError, answered, client

NOT_IN_PROGRESS = 21220
ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """`status` in Twilio's words; `duration` in seconds, once it has ended. `caller` and `called`
    are numbers, or what stands for a number that is withheld."""

    sid: str
    status: str
    duration: int | None = None
    ended_at: datetime | None = None
    caller: str = ""
    called: str = ""
    began_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


def call_status(account: Account, call_sid: str) -> CarrierCall | None:
    """None if the account has no such call. Raises CarrierError."""
    try:
        with answered():
            found = client(account).calls(call_sid).fetch()
    except CarrierError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    duration = int(found.duration) if str(found.duration or "").isdigit() else None
    return CarrierCall(
        call_sid, str(found.status), duration, found.end_time,
        caller=str(found._from or ""), called=str(found.to or ""), began_at=found.start_time,
    )  # fmt: skip


def hang_up(account: Account, call_sid: str) -> None:
    """End a live call; one that has ended already is no error. Raises CarrierError."""
    try:
        with answered():
            client(account).calls(call_sid).update(status="completed")
    except CarrierError as error:
        if error.status != NOT_FOUND and error.code != NOT_IN_PROGRESS:
            raise
