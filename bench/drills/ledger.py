"""What the robot lived through, kept outside the product: the other side of the ledger check."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.phone.callee import TransferResult
from bench.drills.businesses import Business

# What is said only when a message is kept (lines.MESSAGE_SAVED, notices.thanks, nginx's own).
NOTED = "I have noted your message"
THANKED = "Thank you for your message"


@dataclass(slots=True)
class Request:
    """One webhook as Twilio sent it, retries included: `seconds` until the last byte, `status` 0
    when no try was answered. `document` is the TwiML."""

    path: str
    seconds: float
    tries: int
    status: int
    document: str = ""


@dataclass(slots=True)
class Call:
    """A call of the robot's. `name` and `phone` are what its caller leaves, and no other's; without
    a name it is not the robot's usual message.
    `waits` is, for each turn, the seconds until the caller was asked or told something again."""

    business: Business
    call_sid: str
    caller: str
    name: str
    phone: str
    requests: list[Request] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    dials: list[tuple[tuple[str, ...], TransferResult]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    fallbacks: int = 0
    fillers: int = 0
    dropped: str = ""
    ended: str = ""
    rejected: bool = False
    told_end: bool = False  # the product has taken note of the call's end
    duration: int = 0  # seconds, as the carrier told

    @property
    def accepted(self) -> bool:
        return bool(self.said) and not self.rejected

    @property
    def promised(self) -> bool:
        return any(NOTED in text or THANKED in text for text in self.said)

    @property
    def read_back(self) -> bool:
        """A message was read back, agreed to and said to be noted: not one after the tone."""
        usual = bool(self.name) and not self.recordings
        return usual and any(NOTED in text for text in self.said)

    @property
    def turns(self) -> list[Request]:
        """Requests that a caller waits for."""
        beside = ("/twilio/call-status", "/twilio/recording-status")
        return [one for one in self.requests if one.path not in beside]


class Ledger:
    """All calls of one drill; safe for many threads."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._lock = threading.Lock()

    def open(self, call: Call) -> Call:
        with self._lock:
            self.calls.append(call)
        return call

    @property
    def accepted(self) -> list[Call]:
        return [call for call in self.calls if call.accepted]

    @property
    def dropped(self) -> list[Call]:
        return [call for call in self.calls if call.dropped]

    def seconds(self) -> list[float]:
        """Of every request that a caller waited for, shortest first."""
        return sorted(one.seconds for call in self.calls for one in call.turns)

    def waits(self) -> list[float]:
        return sorted(wait for call in self.calls for wait in call.waits)


def share(seconds: Iterable[float], part: float) -> float:
    """The value that `part` (0 to 1) of them do not exceed; 0 of none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0
