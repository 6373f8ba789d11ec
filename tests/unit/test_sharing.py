"""A node's threads are shared: whatever one tenant does, others are served."""

import threading
from concurrent.futures import Future

import pytest

from app.voice import sharing
from app.voice.sharing import FairPool, Pace, Shares, aside, most_of

PATIENCE = 30.0
A, B, C = 1, 2, 3


@pytest.fixture
def gate():
    """Closed until a test opens it, and at its end."""
    made = threading.Event()
    yield made
    made.set()


def hold(pool: FairPool, tenant: int, gate: threading.Event, times: int) -> list[Future[bool]]:
    return [pool.submit(tenant, lambda: gate.wait(PATIENCE)) for _ in range(times)]


@pytest.mark.parametrize("threads", [2, 4, 64])
def test_a_flood_of_one_tenant_never_takes_all_threads(gate: threading.Event, threads: int):
    pool = FairPool(threads, "test")
    flood = hold(pool, A, gate, 3 * threads)
    assert pool.submit(B, lambda: "served").result(PATIENCE) == "served"
    assert not any(piece.done() for piece in flood)
    assert pool.waiting(A) == 3 * threads - most_of(threads)
    gate.set()
    assert all(piece.result(PATIENCE) for piece in flood)
    assert pool.waiting(A) == 0
    pool.close()


def test_who_waits_is_served_in_turn(gate: threading.Event):
    """One thread: it is A's until the gate opens; then nobody's second goes before a first."""
    pool, order = FairPool(1, "test"), []
    hold(pool, A, gate, 1)
    work = [pool.submit(who, lambda who=who: order.append(who)) for who in (A, A, A, B, B, C)]
    gate.set()
    for piece in work:
        piece.result(PATIENCE)
    assert order == [A, B, C, A, B, A]
    pool.close()


def test_what_fails_is_told_to_who_asked_and_frees_its_thread():
    pool = FairPool(1, "test")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            pool.submit(A, lambda: 1 / 0).result(PATIENCE)
    assert pool.submit(A, lambda: 1).result(PATIENCE) == 1
    pool.close()


def test_shares_are_counted_while_they_are_held():
    shares = Shares(16)
    first = [shares.held(A) for _ in range(14)]
    assert all(one.__enter__() for one in first)
    with shares.held(A) as within, shares.held(B) as other:
        assert (within, other) == (False, True)
    first[0].__exit__(None, None, None)
    with shares.held(A) as within:
        assert within


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sharing, "PATIENCE", PATIENCE)


def test_so_many_of_a_tenant_are_at_work_and_others_are_not_held_up(patient: None):
    pace, entered, leave = Pace(1), threading.Semaphore(0), threading.Event()

    def work(tenant: int) -> None:
        with pace.at_work(tenant):
            entered.release()
            leave.wait(PATIENCE)

    first = threading.Thread(target=work, args=[A])
    first.start()
    assert entered.acquire(timeout=PATIENCE)
    second, others = (threading.Thread(target=work, args=[tenant]) for tenant in (A, B))
    others.start()
    assert entered.acquire(timeout=PATIENCE)
    second.start()
    assert not entered.acquire(timeout=0.1)
    leave.set()
    assert entered.acquire(timeout=PATIENCE)
    for thread in (first, second, others):
        thread.join()


def test_who_waits_for_a_model_lets_another_one_work(patient: None):
    pace, done = Pace(1), threading.Event()

    def work() -> None:
        with pace.at_work(A):
            done.set()

    with pace.at_work(A), aside():
        threading.Thread(target=work).start()
        assert done.wait(PATIENCE / 2)
