"""The seam between a call and whoever understands its words: a model, the offline one, a script."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field, replace
from enum import StrEnum
from logging import getLogger
from typing import Protocol

from app.breaker import Breaker
from app.voice.flow.messages import Answer, Context, Proposal, TellHours
from app.voice.flow.states import State

HISTORY = 12  # utterances an interpreter is shown

log = getLogger(__name__)


class Speaker(StrEnum):
    CALLER = "caller"
    RECEPTIONIST = "receptionist"


class Tier(StrEnum):
    MODEL = "model"
    OFFLINE = "offline"
    SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Turn:
    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller just said, and where the call stands. `history` ends before `words`."""

    words: str
    state: State
    context: Context = field(default_factory=Context)
    history: tuple[Turn, ...] = ()

    def said(self) -> tuple[str, ...]:
        """All that the caller said, newest first."""
        earlier = (t.text for t in reversed(self.history) if t.speaker == Speaker.CALLER)
        return (self.words, *earlier)

    def last_question(self) -> str:
        """What the receptionist said last."""
        spoken = (t.text for t in reversed(self.history) if t.speaker == Speaker.RECEPTIONIST)
        return next(spoken, "")


@dataclass(frozen=True, slots=True)
class Understood:
    """`proposal` None: nobody understood it. `besides`: asked in the same breath, and told first.
    `reason` says why the model's reply was set aside, `unsaid` which of its sentences were.
    `model_ms` is the time that it was given; None: it was not asked."""

    proposal: Proposal | None
    tier: Tier
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cached_tokens: int = 0
    reason: str = ""
    unsaid: tuple[str, ...] = ()
    besides: Answer | TellHours | None = None
    model_ms: int | None = field(default=None, compare=False)


class Interpreter(Protocol):
    def interpret(self, heard: Heard) -> Understood: ...


class InterpreterError(Exception):
    """The reply is late, broken or refused. `permanent`: the same request would fail again; `away`:
    so would any other just now. Tokens of a reply that came and was set aside have still been paid
    for."""

    def __init__(
        self,
        reason: str,
        permanent: bool = False,
        tokens: tuple[int, int, int] = (0, 0, 0),
        *,
        away: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.tokens = tokens
        self.away = away


def interpret_within(
    interpreter: Interpreter,
    fallback: Interpreter,
    heard: Heard,
    seconds: float,
    pool: Executor,
    guard: Breaker,
) -> Understood:
    """Ask `interpreter` under a wall-clock deadline; when it is late, broken or left alone by
    `guard`, `fallback` answers in the same turn. A client's own timeouts count per read, so a
    trickling body would outlive them: the clock here is the only one that counts."""
    if not guard.asks():
        return _instead(fallback, heard, "left alone")
    began = time.monotonic()
    understood = _asked(interpreter, fallback, heard, seconds, pool, guard)
    return replace(understood, model_ms=round((time.monotonic() - began) * 1000))


def _asked(
    interpreter: Interpreter,
    fallback: Interpreter,
    heard: Heard,
    seconds: float,
    pool: Executor,
    guard: Breaker,
) -> Understood:
    future = pool.submit(interpreter.interpret, heard)
    try:
        understood = future.result(timeout=seconds)
    except Late:
        future.cancel()
        guard.failed()
        return _instead(fallback, heard, "deadline")
    except InterpreterError as error:
        if error.away:
            guard.failed()
        elif not error.permanent:  # it answered, if not well
            guard.passed()
        return _instead(fallback, heard, error.reason, error.tokens)
    except Exception:  # the edge: a caller always hears a sentence
        log.exception("interpreter failed")
        return _instead(fallback, heard, "broken")
    guard.passed()
    return understood


def _instead(
    fallback: Interpreter, heard: Heard, reason: str, tokens: Sequence[int] = (0, 0, 0)
) -> Understood:
    understood = fallback.interpret(heard)
    paid_in, paid_out, cached = tokens
    return replace(
        understood, reason=reason, tokens_in=paid_in, tokens_out=paid_out, cached_tokens=cached
    )
