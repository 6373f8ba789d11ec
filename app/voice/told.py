"""What a turn tells operators: one line of the log, and what /metrics counts of it.

The line is written when the turn is over, whatever became of it, by the thread that thought; what
happens on the way is noted into it. No word of the caller's is among it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from logging import getLogger
from typing import Any

from app import logs
from app.ai.interpreter import Tier, Understood
from app.metrics import catalogue, counting
from app.tracing import spans
from app.tracing.spans import Span, Value
from app.voice.flow import messages as m
from app.voice.flow.states import State
from app.voice.inbox import Claim, Delivery

DECIDED, BESIDE, GAVE_WAY, FAILED = "decided", "beside", "gave_way", "failed"

log = getLogger(__name__)


@dataclass(slots=True)
class Account:
    """Of the turn that this thread thinks about. `result` is what became of it: decided by the
    flow, answered beside it, left to another node, or failed; `outcome` the call's, if it ended."""

    result: str = BESIDE
    came_from: str = ""
    went_to: str = ""
    path: tuple[str, ...] = ()
    refused: str = ""
    outcome: str = ""
    error: str = ""
    understood: Understood | None = None
    asked: tuple[int, int] | None = None  # the model: from when to when, in nanoseconds

    @property
    def tier(self) -> str:
        found = self.understood.tier if self.understood else "none"
        return found if found in catalogue.TIERS else "none"


_account: ContextVar[Account | None] = ContextVar("account", default=None)


@contextmanager
def turn(claimed: Claim, submitted: float) -> Iterator[None]:
    """Around a thought. `submitted`: the monotonic time at which the turn was claimed."""
    account, delivery = Account(), claimed.delivery
    token = _account.set(account)
    about = {
        "call_sid": delivery.call_sid, "tenant_id": delivery.tenant_id, "turn": delivery.turn,
        "kind": str(delivery.kind), "attempt": claimed.attempts,
    }  # fmt: skip
    with logs.about(**about):
        try:
            yield
        except BaseException as error:
            account.result, account.error = FAILED, type(error).__name__
            raise
        finally:
            _account.reset(token)
            seconds = time.monotonic() - submitted
            _tell(account, seconds)
            if spans.is_on():
                _trace(account, delivery, spans.ago(seconds))


def decided(
    state: State, decision: m.Decision, understood: Understood | None, outcome: str | None
) -> None:
    """The flow decided, and it is kept."""
    if (account := _account.get()) is not None:
        account.result, account.understood = DECIDED, understood
        account.came_from, account.went_to = str(state), str(decision.state)
        account.path = tuple(map(str, decision.path))
        account.refused, account.outcome = str(decision.refused or ""), str(outcome or "")


@contextmanager
def asking() -> Iterator[None]:
    """Around the time that the model is given."""
    began = time.time_ns()
    try:
        yield
    finally:
        if (account := _account.get()) is not None:
            account.asked = began, time.time_ns()


def gave_way() -> None:
    """Another node finished the turn, or the call was over."""
    if (account := _account.get()) is not None:
        account.result = GAVE_WAY


def went_down(tier: str, reason: str) -> None:
    """The caller got less than the turn should have given."""
    counting.count(catalogue.FALLBACKS, tier=tier, reason=reason)


def _tell(account: Account, seconds: float) -> None:
    understood = account.understood
    fields: dict[str, Any] = {
        "result": account.result, "from_state": account.came_from, "to_state": account.went_to,
        "path": list(account.path), "refused": account.refused, "outcome": account.outcome,
        "tier": account.tier, "ms": round(seconds * 1000),
    }  # fmt: skip
    if understood is not None:
        fields |= {
            "model": understood.model, "model_ms": understood.model_ms,
            "tokens_in": understood.tokens_in, "tokens_out": understood.tokens_out,
            "fallback": understood.reason,
        }  # fmt: skip
    if account.error:
        fields["error"] = account.error
    log.info("turn", extra=fields)
    counting.count(catalogue.TURNS, result=account.result)
    counting.observe(catalogue.TURN_DURATION, seconds, tier=account.tier)
    if account.refused:
        rule = account.refused if account.refused in catalogue.RULES else "not_offered"
        counting.count(catalogue.GUARDED, rule=rule)
    if understood is not None:
        _count(understood)


def _trace(account: Account, delivery: Delivery, began: int) -> None:
    trace_id, span_id = spans.trace_of(delivery.call_sid), spans.new_id()
    root = spans.root_of(trace_id)
    about: dict[str, Value] = {
        "call_sid": delivery.call_sid, "tenant_id": delivery.tenant_id, "turn": delivery.turn,
        "kind": str(delivery.kind), "result": account.result, "from_state": account.came_from,
        "to_state": account.went_to, "tier": account.tier,
    }  # fmt: skip
    failed = account.result == FAILED
    spans.note(Span("turn", trace_id, began, time.time_ns(), root, span_id, failed, about))
    found = account.understood
    if account.asked and found is not None:
        told: dict[str, Value] = {
            "tokens_in": found.tokens_in, "tokens_out": found.tokens_out,
            "fallback": reason_of(found.reason),
        }  # fmt: skip
        away = found.tier is not Tier.MODEL
        spans.note(Span("model", trace_id, *account.asked, span_id, "", away, told))


def _count(understood: Understood) -> None:
    if understood.model_ms is not None:
        result = "answered" if understood.tier is Tier.MODEL else "set_aside"
        counting.observe(catalogue.MODEL_DURATION, understood.model_ms / 1000, result=result)
    for kind, tokens in (
        ("in", understood.tokens_in),
        ("out", understood.tokens_out),
        ("cached", understood.cached_tokens),
    ):
        counting.count(catalogue.MODEL_TOKENS, tokens, kind=kind)
    reason = reason_of(understood.reason)
    if reason in catalogue.RULES:
        counting.count(catalogue.GUARDED, rule=reason)
    if reason and understood.tier is not Tier.MODEL:
        went_down("offline", reason)


def reason_of(words: str) -> str:
    """Of catalogue.REASONS: why a model's reply was set aside, in few words. None of its faults:
    that there was nothing it could have proposed."""
    known = words.replace(" ", "_")
    if not words or words == "nothing to propose" or known in catalogue.REASONS:
        return known if known in catalogue.REASONS else ""
    if words.startswith("status "):
        return "status"
    if words.endswith(" not said"):
        return "not_said"
    if words.startswith("unknown ") or words == "tool not offered":
        return "not_offered"
    return "malformed"
