"""Notes spans in this process, to be sent later: a microsecond, no wait, and nothing at all while
tracing is off.

All spans of a call have one trace, whose id is the CallSid's own 128 bits: whoever has the CallSid
finds the trace, and processes need tell each other nothing.
"""

import os
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 4096
"""That wait to be sent; of more the oldest are dropped, as a collector that is away must not cost
memory."""
Value = str | int | float | bool
_CALL = re.compile(r"CA([0-9a-f]{32})")
_NONE = "0" * 32

_on = False
_dropped = 0
_lock = threading.Lock()
_waiting: "deque[Span]" = deque()


@dataclass(frozen=True, slots=True)
class Span:
    """Times in nanoseconds since 1970. Attributes hold ids and counts, no words of anybody's."""

    name: str
    trace_id: str
    began: int
    ended: int
    parent_id: str = ""
    span_id: str = ""
    failed: bool = False
    attributes: Mapping[str, Value] = field(default_factory=dict)


def switch(on: bool) -> None:
    global _on
    _on = on


def is_on() -> bool:
    return _on


def trace_of(call_sid: str) -> str:
    """32 hexadecimal digits; of what is no call's a new one."""
    found = _CALL.fullmatch(call_sid)
    return found[1] if found and found[1] != _NONE else secrets.token_hex(16)


def root_of(trace_id: str) -> str:
    """The span of the whole call, known before it has ended: 16 digits of the trace's own."""
    return trace_id[:16] if trace_id[:16].strip("0") else trace_id[16:]


def new_id() -> str:
    return secrets.token_hex(8)


def ago(seconds: float) -> int:
    """The nanosecond that was so long ago."""
    return time.time_ns() - int(seconds * 1e9)


def note(span: Span) -> None:
    global _dropped
    if not _on:
        return
    with _lock:
        if len(_waiting) >= MOST:
            _waiting.popleft()
            _dropped += 1
        _waiting.append(span)


def taken(most: int) -> list[Span]:
    """The oldest that wait, no longer waiting."""
    with _lock:
        return [_waiting.popleft() for _ in range(min(most, len(_waiting)))]


def give_back(spans: list[Span]) -> None:
    """They could not be sent: the next time, if there is room."""
    global _dropped
    with _lock:
        room = MOST - len(_waiting)
        kept = spans[max(0, len(spans) - room) :] if room else []
        _dropped += len(spans) - len(kept)
        _waiting.extendleft(reversed(kept))


def dropped() -> int:
    """How many were, since this was last asked."""
    global _dropped
    with _lock:
        found, _dropped = _dropped, 0
    return found


def _begin_anew() -> None:
    """After a fork: what the parent has not sent is the parent's."""
    global _lock, _waiting
    _lock, _waiting = threading.Lock(), deque()


os.register_at_fork(after_in_child=_begin_anew)
