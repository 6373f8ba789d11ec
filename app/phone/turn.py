"""What comes back to a caller: the receptionist's words, and what is waited for."""

from dataclasses import dataclass
from enum import StrEnum

from app.phone.wire import Fetch


class How(StrEnum):
    """How a call came to its end."""

    HANGUP = "hangup"
    BRIDGED = "bridged"
    REJECT = "reject"
    RAN_OUT = "end_of_document"
    CALLER = "caller_hung_up"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one Say says, and in which language ("": Twilio's own choice)."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What came back. `turn` and `asks` are read off the address that the next input goes to
    (turn None: there is none); `keys` is how many keys are a whole answer (0: until #), `language`
    the one that is listened for. `seconds` is the server's time, fillers and a Dial's webhooks
    included; `fetches` tells them apart. `url` and `document` are what `Line.resume` takes, with
    `lasted`, the seconds that the call has taken so far. `holds`: it stopped at a filler, and
    `Line.go_on` waits on."""

    spoken: tuple[Spoken, ...] = ()
    asks: str = ""
    turn: int | None = None
    gathers: bool = False
    records: bool = False
    holds: bool = False
    keys: int = 0
    language: str = ""
    ended: bool = False
    how: How | None = None
    seconds: float = 0.0
    lasted: float = 0.0
    fillers: int = 0
    dialled: tuple[str, ...] = ()
    fetches: tuple[Fetch, ...] = ()
    url: str = ""
    document: str = ""

    @property
    def said(self) -> tuple[str, ...]:
        return tuple(spoken.text for spoken in self.spoken)
