"""Twilio's side of one call, for the robot.

The line of `run.py call`, with what a carrier does besides: it holds Twilio's 15 seconds, retries
as the URL asks, then goes to the fallback URL
(https://www.twilio.com/docs/usage/security/availability-reliability), waits out each Pause, and
tells the stand-in Twilio of calls and recordings.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from app.phone.callee import TransferResult
from app.phone.document import Verb
from app.phone.leg import Leg
from app.phone.line import OVERRIDES, Line
from app.phone.wire import CallDropped, Reply, Wire
from bench.drills.ledger import Call, Request
from bench.drills.outside import TwilioRest
from bench.drills.settings import PUBLIC

FALLBACK = f"/twilio/fallback{OVERRIDES}"
COULD_NOT_HAVE = "11200"  # https://www.twilio.com/docs/api/errors/11200
MOST_FALLBACKS = 5


class RecordedWire(Wire):
    """Writes each request into the call's ledger."""

    def __init__(self, call: Call, server: str) -> None:
        super().__init__(PUBLIC, call.business.auth_token, server)
        self.call = call

    def send(self, url: str, form: Mapping[str, str], method: str = "POST") -> Reply:
        path, began = url.removeprefix(PUBLIC).partition("?")[0].partition("#")[0], time.monotonic()
        try:
            reply = super().send(url, form, method)
        except CallDropped:
            self.call.requests.append(Request(path, time.monotonic() - began, 0, 0))
            raise
        fetch = reply.fetch
        self.call.requests.append(
            Request(path, fetch.seconds, fetch.tries, reply.status, reply.text)
        )
        if path == "/twilio/call-status" and reply.status < 300:
            self.call.told_end = True
        return reply


class CarriedLeg(Leg):
    """The caller's leg: what cannot be had is asked for at the fallback URL."""

    def __init__(self, wire: RecordedWire, form: Mapping[str, str]) -> None:
        super().__init__(wire, form)
        self.call = wire.call

    def fetch(self, url: str, extra: Mapping[str, str] | None = None, method: str = "POST") -> None:
        try:
            super().fetch(url, extra, method)
        except CallDropped:
            self.call.fallbacks += 1
            if url.endswith(FALLBACK) or self.call.fallbacks > MOST_FALLBACKS:
                raise
            failed = {"ErrorCode": COULD_NOT_HAVE, "ErrorUrl": url}
            super().fetch(PUBLIC + FALLBACK, failed)

    def pause(self, seconds: int) -> None:
        super().pause(seconds)
        time.sleep(seconds)


class CarriedLine(Line):
    def __init__(
        self,
        call: Call,
        server: str,
        twilio: TwilioRest,
        result: TransferResult,
        wire: type[RecordedWire] = RecordedWire,
    ) -> None:
        who = call.business
        super().__init__(
            PUBLIC, who.account_sid, who.auth_token, who.number, call.caller, call.call_sid,
            result, server,
        )  # fmt: skip
        self.call, self.twilio = call, twilio
        self.wire, self.background = wire(call, server), wire(call, server)
        self.leg = CarriedLeg(self.wire, self.leg.form)
        self.began = datetime.now(UTC)

    def _dial(self, dial: Verb) -> None:
        targets = dial.inside("Number")
        numbers = tuple(target.text for target in targets) or (dial.text,)
        self.call.dials.append((numbers, self.transfer_result))
        super()._dial(dial)

    def _recording(self, seconds: int) -> dict[str, str]:
        made = super()._recording(seconds)
        sid = made["RecordingSid"]
        self.call.recordings.append(sid)
        who = self.call.business
        self.twilio.has_message(
            who.account_sid, self.call_sid, datetime.now(UTC), seconds, recording_sid=sid
        )
        return made

    def _finish(self, status: str = "completed") -> None:
        if not self.over:
            self.call.duration = round(self.leg.lasted)
            self._tell_twilio(status)
        super()._finish(status)

    def _tell_twilio(self, status: str) -> None:
        who = self.call.business
        self.twilio.has_call(
            who.account_sid, self.call_sid, status, duration=round(self.leg.lasted),
            ended_at=datetime.now(UTC), caller=self.call.caller, called=who.number,
            began_at=self.began,
        )  # fmt: skip
