from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.ai.interpreter import InterpreterError, Tier, interpret_within
from app.ai.offline import OfflineInterpreter
from app.ai.scripted import Delayed, ScriptedInterpreter
from app.breaker import Breaker
from app.voice.flow import messages as m
from tests.unit.ai.said import heard

GOODBYE = heard("goodbye")


def guard() -> Breaker:
    return Breaker("model", 3, 60.0)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as running:
        yield running


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (InterpreterError("broken pipe"), "broken pipe"),
        (ValueError("a fault of ours"), "broken"),
        (Delayed(m.Clarify("?"), 1.0), "deadline"),
    ],
)
def test_the_fallback_answers_in_the_same_turn(
    pool: ThreadPoolExecutor, reply: Exception | Delayed, reason: str
) -> None:
    understood = interpret_within(
        ScriptedInterpreter([reply]),
        OfflineInterpreter(),
        GOODBYE,
        0.2,
        pool,
        Breaker("model", 3, 20.0),
    )
    assert (understood.proposal, understood.reason) == (m.Finish(), reason)


def test_a_timely_reply_stands(pool: ThreadPoolExecutor) -> None:
    scripted = ScriptedInterpreter([m.Transfer(1)])
    understood = interpret_within(scripted, OfflineInterpreter(), GOODBYE, 5, pool, guard())
    assert (understood.proposal, understood.tier) == (m.Transfer(1), Tier.SCRIPTED)
    assert scripted.heard == [GOODBYE]
