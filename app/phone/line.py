"""A caller's line: dials a number of the product and lives through the call as Twilio would."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from email.utils import formatdate

from app.phone.callee import TransferResult, ring
from app.phone.document import Verb
from app.phone.form import inbound
from app.phone.leg import SECONDS_A_WORD, Heard, Leg
from app.phone.turn import How, Turn
from app.phone.wire import CallDropped, Wire

# As the product points its numbers (app/overrides.py, which this room knows nothing of).
OVERRIDES = "#rc=1&rp=ct,rt,5xx&rt=8500&tt=15000"
VOICE = f"/twilio/voice{OVERRIDES}"
CALL_STATUS = f"/twilio/call-status{OVERRIDES}"
RECORDINGS = "https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording}"


class Line:
    """One call. `server` is the address to connect to when it is not `base_url`, the one the
    product signs for. Numbers are E.164; `caller` may be "anonymous". With `stops_at_fillers` a
    turn ends at each filler, so that somebody can hear it. Not for several threads."""

    def __init__(
        self,
        base_url: str,
        account_sid: str,
        auth_token: str,
        called: str,
        caller: str,
        call_sid: str | None = None,
        transfer_result: str = TransferResult.ANSWERED,
        server: str = "",
        stops_at_fillers: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.call_sid = call_sid or "CA" + uuid.uuid4().hex
        self.transfer_result = TransferResult(transfer_result)
        self.wire = Wire(base_url, auth_token, server)
        form = inbound(account_sid, self.call_sid, called, caller)
        self.leg = Leg(self.wire, form, stops_at_fillers)
        self.waiting: Verb | None = None
        self.over = False
        self.dialled: list[str] = []
        self.bridged = False
        self.callbacks: list[threading.Thread] = []
        self.background = Wire(base_url, auth_token, server)  # sessions are not for two threads

    @property
    def warnings(self) -> list[str]:
        """What Twilio's debugger would show, though the call went on."""
        return self.leg.warnings

    def dial(self) -> Turn:
        return self._turn(lambda: self.leg.fetch(self.base_url + VOICE))

    def resume(self, url: str, document: str, lasted: float = 0.0) -> Turn:
        """Wait again where an earlier Turn ended, in another process say."""
        turn = self._turn(lambda: self.leg.resume(url, document))
        self.leg.lasted = max(lasted, self.leg.lasted)
        return turn

    def go_on(self) -> Turn:
        """After a filler: come back to the same turn."""
        verb = self.waiting
        if self.over or verb is None or verb.name != "Redirect":
            raise CallDropped("nothing is being waited for")
        return self._turn(lambda: self.leg.redirect(verb))

    def say(self, words: str) -> Turn:
        return self._answer(Heard(words=words))

    def press(self, digits: str) -> Turn:
        return self._answer(Heard(keys=digits))

    def stay_silent(self) -> Turn:
        return self._answer(Heard())

    def hang_up(self) -> Turn:
        """A Gather is not told, a Record is; the number's status callback always is."""
        if not self.over:
            self.leg.begin()
            if self.waiting is not None and self.waiting.name == "Record":
                self._tell_recorder(self.waiting)
            self._finish()
        return self._report(How.CALLER)

    def close(self) -> None:
        """Wait for what is still being told, and end the connections; the call itself goes on."""
        for told in self.callbacks:
            told.join()
        self.wire.session.close()
        self.background.session.close()

    def _answer(self, heard: Heard) -> Turn:
        verb = self.waiting
        if self.over or verb is None or verb.name == "Redirect":
            raise CallDropped("the call is over" if self.over else "nobody is listening")
        if verb.name == "Record":
            return self._turn(lambda: self._record(verb, heard))
        return self._turn(lambda: self.leg.gathered(verb, heard))

    def _turn(self, act: Callable[[], None]) -> Turn:
        self.leg.begin()
        self.dialled = []
        self.waiting = None
        try:
            act()
            return self._follow()
        except CallDropped:
            self._finish("failed" if self.leg.form["CallStatus"] == "ringing" else "completed")
            raise

    def _follow(self) -> Turn:
        while (verb := self.leg.run()) is not None and verb.name == "Dial":
            self._dial(verb)
        match verb and verb.name:
            case "Gather" | "Record" | "Redirect":
                self.waiting = verb
                return self._report(None)
            case "Reject":
                how, self.leg.lasted = How.REJECT, 0.0  # it was never answered
            case "Hangup":
                how = How.HANGUP
            case _:
                how = How.RAN_OUT
        self._finish("busy" if how is How.REJECT else "completed")
        return self._report(How.BRIDGED if self.bridged else how)

    def _report(self, how: How | None) -> Turn:
        leg, verb = self.leg, self.waiting
        number = verb.query("turn") if verb else ""
        gather = verb if verb and verb.name == "Gather" else None
        return Turn(
            spoken=tuple(leg.said),
            asks=verb.query("ask") if verb else "",
            turn=int(number) if number.isdecimal() else None,
            gathers=gather is not None,
            records=bool(verb and verb.name == "Record"),
            holds=bool(verb and verb.name == "Redirect"),
            keys=gather.number("numDigits", 0) if gather else 0,
            language=gather.get("language") if gather else "",
            ended=how is not None,
            how=how,
            seconds=sum(fetch.seconds for fetch in leg.fetches),
            lasted=leg.lasted,
            fillers=leg.fillers,
            dialled=tuple(self.dialled),
            fetches=tuple(leg.fetches),
            url=leg.url,
            document=leg.document,
        )

    def _dial(self, dial: Verb) -> None:
        """With an action the rest of the document is unreachable; without one it follows."""
        rung = ring(self.wire, dial, self.leg.form, self.transfer_result)
        self.dialled += rung.numbers
        self.bridged = rung.bridged
        self.leg.fetches += rung.screening
        self.leg.lasted += rung.seconds
        self.leg.warnings += rung.warnings
        if dial.get("action"):
            self.leg.fetch(dial.url("action"), rung.form, dial.get("method", "POST"))

    def _record(self, verb: Verb, heard: Heard) -> None:
        """Silence alone is trimmed away: no recording, no action, and the next verb follows."""
        if not heard.words.strip() and not heard.keys:
            self.leg.lasted += verb.number("timeout", 5)
            self.leg.listened = True
            return
        spoken = max(1, round(len(heard.words.split()) * SECONDS_A_WORD))
        recording = self._recording(min(spoken, verb.number("maxLength", 3600)))
        self.leg.lasted += int(recording["RecordingDuration"])
        keyed = {"Digits": heard.keys[:1]} if heard.keys else {}
        self.leg.fetch(verb.url("action"), recording | keyed, verb.get("method", "POST"))
        self._call_back(verb, recording)

    def _tell_recorder(self, verb: Verb) -> None:
        """Hung up into the recording: what was said until then is kept."""
        recording = self._recording(1)
        form = self.leg.form | recording | {"Digits": "hangup", "CallStatus": "completed"}
        try:
            self.wire.send(verb.url("action"), form, verb.get("method", "POST"))
        except CallDropped as problem:
            self.warnings.append(problem.reason)
        self._call_back(verb, recording)

    def _recording(self, seconds: int) -> dict[str, str]:
        sid = "RE" + uuid.uuid4().hex
        url = RECORDINGS.format(account=self.leg.form["AccountSid"], recording=sid)
        return {"RecordingSid": sid, "RecordingUrl": url, "RecordingDuration": str(seconds)}

    def _call_back(self, verb: Verb, recording: Mapping[str, str]) -> None:
        if not verb.get("recordingStatusCallback"):
            return
        form = dict(recording) | {
            "AccountSid": self.leg.form["AccountSid"],
            "CallSid": self.call_sid,
            "RecordingStatus": "completed",
            "RecordingChannels": "1",
            "RecordingSource": "RecordVerb",
            "RecordingStartTime": formatdate(),
        }
        told = threading.Thread(
            target=self._notify,
            args=(self.background, verb.url("recordingStatusCallback"), form),
            daemon=True,
        )
        told.start()
        self.callbacks.append(told)

    def _finish(self, status: str = "completed") -> None:
        """The call is over: the number's StatusCallback, once, after all other callbacks."""
        if self.over:
            return
        self.over, self.waiting = True, None
        for told in self.callbacks:
            told.join()
        seconds = round(self.leg.lasted)
        form = self.leg.form | {
            "CallStatus": status,
            "CallDuration": str(seconds),
            "Duration": str(-(-seconds // 60)),
            "Timestamp": formatdate(time.time()),
            "SequenceNumber": "0",
            "CallbackSource": "call-progress-events",
        }
        self._notify(self.wire, self.base_url + CALL_STATUS, form)

    def _notify(self, wire: Wire, url: str, form: Mapping[str, str]) -> None:
        """A status callback that fails is only a line in Twilio's debugger."""
        try:
            reply = wire.send(url, form)
        except CallDropped as problem:
            self.warnings.append(problem.reason)
            return
        if reply.status >= 300:
            self.warnings.append(f"{reply.fetch.path}: HTTP {reply.status}")
