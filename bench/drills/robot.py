"""The call robot: many callers at once, who live through their calls and write the ledger."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from app.phone.callee import TransferResult
from app.phone.conversation import Caller, Played, play
from app.phone.leg import Heard
from app.phone.script import Step
from app.phone.turn import How, Turn
from app.phone.wire import CallDropped
from bench.drills.businesses import Business
from bench.drills.carrier import CarriedLine, RecordedWire
from bench.drills.ledger import Call, Ledger
from bench.drills.outside import TwilioRest

AT_ONCE = 64
PATIENCE = 60.0
WISH = "my brakes need a repair"
LEAVE = "I would like to leave a message please"
FIRST = ("Ada", "Bruno", "Carla", "Dorian", "Edith", "Felix", "Greta", "Hugo", "Ingrid", "Jonas")
LAST = ("Ashdown", "Birch", "Calder", "Dunmore", "Everett", "Fairley", "Gorman", "Hadley")
_numbers = itertools.count()


class Robot:
    """Callers of one drill. Names and numbers never repeat in this process."""

    def __init__(self, url: str, twilio: TwilioRest, ledger: Ledger) -> None:
        self.url, self.twilio, self.ledger = url, twilio, ledger
        self.wire: type[RecordedWire] = RecordedWire

    def line(
        self, business: Business, result: TransferResult = TransferResult.NO_ANSWER
    ) -> CarriedLine:
        """A call that is not dialled yet."""
        n = next(_numbers)
        name = f"{FIRST[n % 10]} {LAST[n // 10 % 8]}{_letters(n // 80)}"
        phone = f"+1617{2_340_000 + n}"
        call = self.ledger.open(
            Call(business, "CA" + f"{n:08x}" + "0" * 16 + "d41150ff", phone, name, phone)
        )
        line = CarriedLine(call, self.url, self.twilio, result, self.wire)
        self.twilio.has_call(business.account_sid, call.call_sid, "in-progress",
                             caller=phone, called=business.number,
                             began_at=line.began)  # fmt: skip
        return line

    def leaves_message(
        self, business: Business, each: Callable[[Turn], None] | None = None
    ) -> Call:
        """Somebody who wants to be called back, says who they are and agrees to the read-back."""
        line = self.line(business)
        call = line.call
        answers = {
            "name": f"my name is {call.name}", "reason": WISH, "confirm": "yes that is right",
            "phone": " ".join(call.phone[2:]), "anything_else": "no thank you",
            "goodbye": "goodbye", "": LEAVE,  # said again to whoever did not hear it
        }  # fmt: skip
        self.play(line, Caller((Step(Heard(LEAVE)),), answers, patience=3), each)
        return call

    def asks(self, business: Business, words: str = "") -> Call:
        """Somebody with a question, who then says goodbye."""
        line = self.line(business)
        steps = (Step(Heard(words or business.question)), Step(Heard("no thank you, goodbye")))
        self.play(line, Caller(steps, {"anything_else": "no thank you", "goodbye": "goodbye"}))
        return line.call

    def is_connected(
        self, business: Business, result: TransferResult = TransferResult.ANSWERED
    ) -> Call:
        """Somebody who asks for the department."""
        line = self.line(business, result)
        steps = (Step(Heard("please connect me with the workshop")),)
        self.play(line, Caller(steps, {"goodbye": "goodbye"}))
        return line.call

    def at_once(self, calls: Sequence[Callable[[], Any]], most: int = AT_ONCE) -> list[Any]:
        """Side by side; what they return, in order."""
        with self.meanwhile(calls, most) as pending:
            return [one.result() for one in pending]

    @contextmanager
    def meanwhile(
        self, calls: Sequence[Callable[[], Any]], most: int = AT_ONCE
    ) -> Iterator[list["Future[Any]"]]:
        """Side by side, while the block runs; all are over after it."""
        with ThreadPoolExecutor(min(most, len(calls))) as pool:
            pending = [pool.submit(call) for call in calls]
            yield pending
            for one in pending:
                one.result()

    def play(
        self, line: CarriedLine, caller: Caller, each: Callable[[Turn], None] | None = None
    ) -> Played | None:
        """`each` sees every turn as it comes back. None: Twilio would have dropped the call."""

        def watch(_step: Step | None, turn: Turn) -> None:
            note(line.call, turn)
            if each:
                each(turn)

        try:
            return play(line, caller, watch)
        except CallDropped as problem:
            line.call.dropped = problem.reason
            return None
        finally:
            line.call.warnings += line.warnings
            line.close()


class Midway:
    """Where calls wait for each other, after so many turns, until all may `go_on`."""

    def __init__(self, turns: int = 2) -> None:
        self.turns = turns
        self._here, self._go = threading.Semaphore(0), threading.Event()

    def each(self) -> Callable[[Turn], None]:
        """Of one call."""
        left = itertools.count(1)

        def arrived(turn: Turn) -> None:
            if next(left) == self.turns:
                self._here.release()
                self._go.wait(PATIENCE)

        return arrived

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            self._here.acquire(timeout=PATIENCE)

    def go_on(self) -> None:
        self._go.set()


def note(call: Call, turn: Turn) -> None:
    """One turn as the caller lived it."""
    call.said += turn.said
    call.fillers += turn.fillers
    call.waits.append(turn.seconds)
    if turn.how is not None:
        call.ended = str(turn.how)
        call.rejected = turn.how is How.REJECT


def _letters(number: int) -> str:
    """A name's tail that can be said: "", "a", "b", … "aa"."""
    tail = ""
    while number:
        number, rest = divmod(number - 1, 26)
        tail = chr(97 + rest) + tail
    return tail
