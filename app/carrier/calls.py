"""The true state of a live call, its end, and calls of our own.

https://www.twilio.com/docs/voice/api/call-resource
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.carrier.client import NOT_FOUND, Account, CarrierError, answered, client

NOT_IN_PROGRESS = 21220
SKEW = timedelta(seconds=30)
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


def place_call(
    account: Account, *, to: str, caller: str, twiml: str, ring_seconds: int, talk_seconds: int
) -> CarrierCall:
    """Ring `to` from `caller`, a number of the account; who picks up hears the document. When
    Twilio does not answer, the telephone may ring all the same: the list tells. Raises
    CarrierError."""
    began = datetime.now(UTC)
    try:
        with answered():
            made = client(account).calls.create(
                to=to, from_=caller, twiml=twiml, timeout=ring_seconds, time_limit=talk_seconds
            )
    except CarrierError as error:
        found = _begun(account, to, caller, began) if error.unsure else None
        if found is None:
            raise
        return found
    return CarrierCall(str(made.sid), str(made.status))


def _begun(account: Account, to: str, caller: str, since: datetime) -> CarrierCall | None:
    """The newest call between these two that was made since then, or a little before: clocks
    differ. Raises CarrierError."""
    with answered():
        found = client(account).calls.list(to=to, from_=caller, limit=5)
    made = [call for call in found if call.date_created and call.date_created > since - SKEW]
    # Twilio tells whole seconds: of two within one, that which is not over is the newer.
    newest = max(made, key=lambda call: (call.date_created, call.status not in ENDED), default=None)
    return CarrierCall(str(newest.sid), str(newest.status)) if newest else None


def hang_up(account: Account, call_sid: str) -> None:
    """End a live call; one that has ended already is no error. Raises CarrierError."""
    try:
        with answered():
            client(account).calls(call_sid).update(status="completed")
    except CarrierError as error:
        if error.status != NOT_FOUND and error.code != NOT_IN_PROGRESS:
            raise
