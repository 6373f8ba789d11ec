"""What Twilio posts, parsed: one frozen dataclass per request, every field of a strict shape.

Field names and values follow Twilio's voice webhooks (https://www.twilio.com/docs/voice/twiml).
Twilio's signature has no delimiters between names and values, so a valid signature alone does not
prove where one field ends: shapes do.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol


class Kind(StrEnum):
    """The webhooks of /twilio/…; the first four are turns of a call."""

    VOICE = "voice"
    GATHER = "gather"
    TRANSFER_STATUS = "transfer_status"
    MESSAGE = "message"
    SCREEN = "screen"
    CALL_STATUS = "call_status"
    RECORDING_STATUS = "recording_status"
    FALLBACK = "fallback"


class Malformed(ValueError):
    """A field is missing, given twice, or not of its shape."""


class Form(Protocol):
    """What werkzeug's MultiDict offers."""

    def getlist(self, key: str) -> list[str]: ...

    def __iter__(self) -> Iterator[str]: ...


LONGEST_SPEECH = 5000
_ACCOUNT = re.compile(r"AC[0-9a-f]{32}")
_CALL = re.compile(r"CA[0-9a-f]{32}")
_RECORDING = re.compile(r"RE[0-9a-f]{32}")
_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")
# Withheld numbers come as words, SIP and browser callers as addresses.
_CALLER = re.compile(r"\+[0-9]{2,15}|[0-9A-Za-z][0-9A-Za-z:@.+_-]{0,63}|")
_WORD = re.compile(r"[a-z-]{1,20}")
_SECONDS = re.compile(r"[0-9]{1,6}")
_DIGITS = re.compile(r"[0-9*#wW]{0,64}|hangup")
_TURN = re.compile(r"[0-9]{1,4}")
_BOOL = re.compile(r"true|false")
_CONTROL = re.compile("[\x00-\x1f\x7f]")  # PostgreSQL holds no NUL, and nobody speaks any of them
_SOURCE = re.compile(r"[A-Za-z]{1,40}")
_MOMENT = re.compile(r"[0-9]{10}")
_CODE = re.compile(r"[0-9]{1,6}")
_OURS = re.compile(r"/twilio/([a-z-]{1,20})(?:\?(?:[^#]*&)?turn=([0-9]{1,4}))?")
_ASK = re.compile(r"[a-z0-9_]{1,60}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,99}")
# What is read below, of which none may stand twice or come under a name that is nearly its own.
CRITICAL = (
    "AccountSid", "CallSid", "ParentCallSid", "To", "From", "CallStatus", "CallDuration",
    "SpeechResult", "Digits", "DialCallStatus", "DialBridged", "DialCallDuration", "RecordingSid",
    "RecordingUrl", "RecordingStatus", "RecordingDuration", "RecordingSource", "RecordingChannels",
)  # fmt: skip
# The query is ours alone (twiml.Links): nothing else belongs there.
OURS = (
    "turn",
    "wait",
    "attempt",
    "ask",
    "since",
    "DialCallStatus",
    "DialBridged",
    "DialCallDuration",
)
_VERSTAT = re.compile(r"(?:TN|No-TN)-Validation[A-Za-z-]{0,40}")
WITHHELD = "anonymous"
# How carriers write it. The numbers spell it on a telephone's keys, and are nobody's.
_WITHHELD = frozenset({
    "anonymous", "unknown", "unavailable", "restricted", "blocked", "private", "withheld",
    "+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253",
    "266696687", "7378742833", "2562533", "8656696", "86282452253",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request. Absent optional fields are "" or None. `turn`, `wait`, `attempt`, `ask` and
    `since` (when a caller who is held began to wait, in Unix time) come from the query that we
    ourselves put into the action URL. `caller` is WITHHELD for whoever withholds the number, in
    whatever words; `verstat` is what the carriers found of it (STIR/SHAKEN,
    https://www.twilio.com/docs/voice/trusted-calling-with-shakenstir). Of /fallback: `error_code`
    is Twilio's, and `failed` with `failed_turn` what it could not have."""

    kind: Kind
    account_sid: str
    call_sid: str
    to: str = ""
    caller: str = ""
    forwarded_from: str = ""
    verstat: str = ""
    turn: int = 0
    wait: int = 0
    attempt: int = 0
    since: int = 0
    ask: str = ""
    speech: str = ""
    digits: str = ""
    call_seconds: int | None = None
    dial_status: str = ""
    dial_bridged: bool = False
    dial_seconds: int | None = None
    recording_sid: str = ""
    recording_seconds: int = 0
    recording_status: str = ""
    recording_source: str = ""
    recording_channels: int | None = None
    parent_call_sid: str = ""
    error_code: str = ""
    failed: Kind | None = None
    failed_turn: int = 0
    unkept: bool = False  # something was said that is not to be kept, and taken out: unkept.py

    def retold(self) -> dict[str, str]:
        """What the query of a redirect to the same turn has to say again: Twilio tells only the
        action of a Dial how it ended, and nobody could be asked later."""
        told = {"attempt": str(self.attempt)} if self.attempt else {}
        if not self.dial_status:
            return told
        lasted = {} if self.dial_seconds is None else {"DialCallDuration": str(self.dial_seconds)}
        bridged = "true" if self.dial_bridged else "false"
        return told | {"DialCallStatus": self.dial_status, "DialBridged": bridged} | lasted


def call_sid_in(text: str) -> str:
    """The text, if it has the shape of a CallSid; else nothing."""
    return text if _CALL.fullmatch(text) else ""


def caller_in(text: str) -> str:
    """The text, if it may name somebody who calls or is called; else nothing."""
    return text if _CALLER.fullmatch(text) else ""


def account_sid(form: Form) -> str:
    """The account a request claims to come from, needed to choose the key. Raises Malformed."""
    return _Fields(form).one("AccountSid", _ACCOUNT)


def parse(kind: Kind, form: Form, query: Form) -> Webhook:
    """The request as data. Raises Malformed with the name of the field, never its value."""
    _refuse_strangers(form, query)
    fields, ours = _Fields(form), _Fields(query)
    common = {
        "kind": kind,
        "account_sid": fields.one("AccountSid", _ACCOUNT),
        "call_sid": fields.one("CallSid", _CALL),
        "turn": int(ours.maybe("turn", _TURN) or 0),
        "wait": int(ours.maybe("wait", _TURN) or 0),
        "attempt": int(ours.maybe("attempt", _TURN) or 0),
        "since": int(ours.maybe("since", _MOMENT) or 0),
        "ask": ours.maybe("ask", _ASK),
    }
    return Webhook(**common, **_SPECIAL[kind](fields, ours))  # type: ignore[arg-type]


def _refuse_strangers(form: Form, query: Form) -> None:
    """Twilio may add fields at any time, so unknown ones pass; but not what a moved boundary makes
    of a critical one: `From+1212` with `5550142`, `Fro` with `m+12125550142`, `2FromCity`."""
    for name in form:
        if not _NAME.fullmatch(name) or _is_nearly_critical(name):
            raise Malformed("a field has no name of Twilio's, or nearly that of a critical one")
    for critical in CRITICAL:
        if len(form.getlist(critical)) > 1:
            raise Malformed(f"{critical} stands twice")
    for name in query:
        if name not in OURS:
            raise Malformed("the query holds what is not ours")


@lru_cache(maxsize=512)  # the same thirty names with every request
def _is_nearly_critical(name: str) -> bool:
    """Cut short, with other letters' case, or with something behind it that is no word."""
    return name not in CRITICAL and any(
        critical.startswith(name)
        or name.casefold() == critical.casefold()
        or (name.startswith(critical) and not name.removeprefix(critical)[:1].isalpha())
        for critical in CRITICAL
    )


def _parties(fields: "_Fields", _ours: "_Fields") -> dict[str, object]:
    """Who withholds the number comes with an empty `From`, or with a word; never without one."""
    caller = fields.given("From", _CALLER)
    withheld = caller.lower() in _WITHHELD
    return {"to": fields.one("To", _NUMBER), "caller": WITHHELD if withheld else caller}


def _beginning(fields: "_Fields", ours: "_Fields") -> dict[str, object]:
    """What carriers tell besides is never a reason to lose a call."""
    return _parties(fields, ours) | {
        "forwarded_from": fields.perhaps("ForwardedFrom", _NUMBER),
        "verstat": fields.perhaps("StirVerstat", _VERSTAT),
    }


def _words(fields: "_Fields", ours: "_Fields") -> dict[str, object]:
    return _parties(fields, ours) | {
        "speech": _CONTROL.sub(" ", fields.text("SpeechResult"))[:LONGEST_SPEECH],
        "digits": fields.maybe("Digits", _DIGITS),
    }


def _dialled(fields: "_Fields", ours: "_Fields") -> dict[str, object]:
    """After a redirect of ours, which Twilio tells nothing of the Dial, what its query retells."""
    told = fields if fields.text("DialCallStatus") else ours
    seconds = told.maybe("DialCallDuration", _SECONDS)
    return _parties(fields, ours) | {
        "dial_status": told.one("DialCallStatus", _WORD),
        "dial_bridged": told.maybe("DialBridged", _BOOL) == "true",
        "dial_seconds": int(seconds) if seconds else None,
    }


def _recorded(fields: "_Fields", ours: "_Fields") -> dict[str, object]:
    return _parties(fields, ours) | {
        "recording_sid": fields.maybe("RecordingSid", _RECORDING) or _sid_of(fields),
        "recording_seconds": int(fields.maybe("RecordingDuration", _SECONDS) or 0),
        "digits": fields.maybe("Digits", _DIGITS),
    }


def _sid_of(fields: "_Fields") -> str:
    """A Record's action always names the recording by its address; only the id is ever used."""
    found = _RECORDING.search(fields.text("RecordingUrl")[-64:])
    return found.group() if found else ""


def _screened(fields: "_Fields", ours: "_Fields") -> dict[str, object]:
    return _words(fields, ours) | {"parent_call_sid": fields.one("ParentCallSid", _CALL)}


def _over(fields: "_Fields", ours: "_Fields") -> dict[str, object]:
    seconds = fields.maybe("CallDuration", _SECONDS)
    return _parties(fields, ours) | {"call_seconds": int(seconds) if seconds else None}


def _recording_ready(fields: "_Fields", _ours: "_Fields") -> dict[str, object]:
    channels = fields.maybe("RecordingChannels", _SECONDS)
    return {
        "recording_sid": fields.one("RecordingSid", _RECORDING),
        "recording_status": fields.one("RecordingStatus", _WORD),
        "recording_seconds": int(fields.maybe("RecordingDuration", _SECONDS) or 0),
        "recording_source": fields.maybe("RecordingSource", _SOURCE),
        "recording_channels": int(channels) if channels else None,
    }


def _failed(fields: "_Fields", ours: "_Fields") -> dict[str, object]:
    """`ErrorUrl` is only read for which of our addresses it was: nothing is ever fetched there."""
    found = _OURS.search(fields.text("ErrorUrl")[-1000:])
    kinds = {kind.replace("_", "-"): kind for kind in Kind}
    return _parties(fields, ours) | {
        "error_code": fields.maybe("ErrorCode", _CODE),
        "failed": kinds.get(found[1]) if found else None,
        "failed_turn": int(found[2] or 0) if found else 0,
    }


_SPECIAL: Mapping[Kind, Callable[["_Fields", "_Fields"], dict[str, object]]] = {
    Kind.VOICE: _beginning,
    Kind.GATHER: _words,
    Kind.TRANSFER_STATUS: _dialled,
    Kind.MESSAGE: _recorded,
    Kind.SCREEN: _screened,
    Kind.CALL_STATUS: _over,
    Kind.RECORDING_STATUS: _recording_ready,
    Kind.FALLBACK: _failed,
}


class _Fields:
    """Reads fields that may stand once at most."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def text(self, name: str) -> str:
        values = self._form.getlist(name)
        if len(values) > 1:
            raise Malformed(f"{name} stands twice")
        return values[0] if values else ""

    def maybe(self, name: str, shape: re.Pattern[str]) -> str:
        value = self.text(name)
        if value and not shape.fullmatch(value):
            raise Malformed(f"{name} is not of its shape")
        return value

    def given(self, name: str, shape: re.Pattern[str]) -> str:
        if not self._form.getlist(name):
            raise Malformed(f"{name} is missing")
        return self.maybe(name, shape)

    def perhaps(self, name: str, shape: re.Pattern[str]) -> str:
        """ "" for what is not of its shape."""
        value = self.text(name)
        return value if shape.fullmatch(value) else ""

    def one(self, name: str, shape: re.Pattern[str]) -> str:
        value = self.maybe(name, shape)
        if not value:
            raise Malformed(f"{name} is missing")
        return value
