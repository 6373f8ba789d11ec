"""What failed several times running is left alone, and asked again one by one."""

import threading
import time
from collections.abc import Iterator

import pytest

from app import breaker
from app.breaker import CLOSED, HALF_OPEN, OPEN, Breaker
from app.deadline import Late, within


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Breaker:
    return Breaker("a part", failures=3, seconds=10, clock=clock)


def fail(guard: Breaker, times: int) -> None:
    for _ in range(times):
        assert guard.asks()
        guard.failed()


def test_it_opens_after_failures_in_a_row_only(guard: Breaker) -> None:
    fail(guard, 2)
    guard.passed()
    fail(guard, 2)
    assert (guard.asks(), guard.state) == (True, CLOSED)
    fail(guard, 1)
    assert (guard.asks(), guard.state) == (False, OPEN)


def test_one_try_is_let_through_after_a_rest_and_closes_it(guard: Breaker, clock: Clock) -> None:
    fail(guard, 3)
    clock.now += 10
    assert guard.state == HALF_OPEN
    assert [guard.asks() for _ in range(3)] == [True, False, False]
    guard.passed()
    assert (guard.asks(), guard.state) == (True, CLOSED)


def test_a_try_that_fails_or_is_never_told_of_means_another_rest(
    guard: Breaker, clock: Clock
) -> None:
    fail(guard, 3)
    clock.now += 10
    fail(guard, 1)
    assert not guard.asks()
    clock.now += 10
    assert guard.asks()  # whose thread then dies
    assert not guard.asks()
    clock.now += 10
    assert guard.asks()


def test_many_threads_let_one_try_through(guard: Breaker, clock: Clock) -> None:
    fail(guard, 3)
    clock.now += 10
    let, begin = [], threading.Barrier(16)

    def ask() -> None:
        begin.wait()
        let.append(guard.asks())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let) == 1


@pytest.fixture
def _forgotten() -> Iterator[None]:
    breaker.forget()
    yield
    breaker.forget()


@pytest.mark.usefixtures("_forgotten")
def test_a_process_knows_each_by_its_name() -> None:
    fail(breaker.of("mail", 1, 60), 1)
    assert not breaker.of("mail", 1, 60).asks()
    assert breaker.of("twilio", 1, 60).asks()
    assert breaker.states() == {"mail": OPEN}
    breaker.forget()
    assert breaker.of("mail", 1, 60).asks()


def test_work_that_dribbles_is_given_up_by_the_clock() -> None:
    over = threading.Event()
    with pytest.raises(Late):
        within(0.05, lambda: over.wait(60))
    over.set()


def test_what_work_returns_or_raises_is_passed_on() -> None:
    assert within(60, lambda: 7) == 7
    for error in (ValueError("no"), TimeoutError("its own")):
        with pytest.raises(type(error), match=str(error)):
            within(60, _raising(error))


def _raising(error: Exception):
    def work() -> None:
        time.sleep(0)
        raise error

    return work
