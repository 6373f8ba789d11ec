"""What becomes of a Dial: nobody picks up, or somebody does and is screened first.

https://www.twilio.com/docs/voice/twiml/number (url) and /dial (action)
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.phone.document import Verb
from app.phone.leg import Heard, Leg
from app.phone.wire import CallDropped, Fetch, Wire

TALK_SECONDS = 42
MOST_SCREENS = 5


class TransferResult(StrEnum):
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    REFUSED = "refused"  # picked up, and something other than 1 was pressed
    NO_BRIDGE = "no_bridge"  # picked up by a machine that says nothing and presses nothing


UNANSWERED = {
    TransferResult.NO_ANSWER: "no-answer",
    TransferResult.BUSY: "busy",
    TransferResult.FAILED: "failed",
}
AT_THE_SCREEN = {
    TransferResult.ANSWERED: Heard(keys="1"),
    TransferResult.REFUSED: Heard(keys="2"),
    TransferResult.NO_BRIDGE: Heard(),
}


@dataclass(frozen=True, slots=True)
class Rung:
    """`form` is what the Dial's action is told; `screening` what the callee's leg asked for."""

    form: Mapping[str, str]
    numbers: tuple[str, ...]
    bridged: bool = False
    seconds: float = 0.0
    screening: tuple[Fetch, ...] = ()
    warnings: tuple[str, ...] = ()


def ring(wire: Wire, dial: Verb, parent: Mapping[str, str], result: TransferResult) -> Rung:
    """All numbers ring at once; the first one picks up, if any does."""
    targets = dial.inside("Number")
    numbers = tuple(target.text for target in targets) or (dial.text,)
    child = "CA" + uuid.uuid4().hex
    form = {"DialCallSid": child, "DialBridged": "false"}
    if result in UNANSWERED:
        waited = float(dial.number("timeout", 30)) if result == TransferResult.NO_ANSWER else 0.0
        return Rung(form | {"DialCallStatus": UNANSWERED[result]}, numbers, seconds=waited)
    leg = Leg(wire, _callee_form(parent, child, numbers[0], dial.get("callerId")))
    bridged = _picked_up(leg, targets[0] if targets else dial, result)
    form |= {"DialCallStatus": "completed", "DialBridged": str(bridged).lower()}
    form["DialCallDuration"] = str(TALK_SECONDS if bridged else round(leg.lasted))
    spent = leg.lasted + (TALK_SECONDS if bridged else 0)
    return Rung(form, numbers, bridged, spent, tuple(leg.fetches), tuple(leg.warnings))


def _callee_form(
    parent: Mapping[str, str], child: str, number: str, caller_id: str
) -> dict[str, str]:
    shown = caller_id or parent["From"]
    return {
        "AccountSid": parent["AccountSid"],
        "ApiVersion": parent["ApiVersion"],
        "CallSid": child,
        "ParentCallSid": parent["CallSid"],
        "CallStatus": "in-progress",
        "Direction": "outbound-dial",
        "From": shown,
        "Caller": shown,
        "To": number,
        "Called": number,
    }


def _picked_up(leg: Leg, target: Verb, result: TransferResult) -> bool:
    try:
        connected = not target.get("url") or _screened(leg, target, AT_THE_SCREEN[result])
    except CallDropped as problem:  # only the callee's leg falls; the caller's goes on
        leg.warnings.append(f"screening failed: {problem.reason}")
        connected = False
    if connected and result != TransferResult.ANSWERED:
        leg.warnings.append("the screening connected somebody who had not pressed 1")
    return connected and result == TransferResult.ANSWERED


def _screened(leg: Leg, target: Verb, answer: Heard) -> bool:
    """True when the screening document ends without Hangup: Twilio then connects the two."""
    leg.fetch(target.url("url"), method=target.get("method", "POST"))
    for _ in range(MOST_SCREENS):
        verb = leg.run()
        if verb is None:
            return True
        if verb.name == "Hangup":
            return False
        if verb.name != "Gather":
            raise CallDropped(f"<{verb.name}> is not allowed while screening")
        leg.gathered(verb, answer)
    return False
