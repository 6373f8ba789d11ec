"""What is measured under load, figure by figure."""

import contextlib
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from bench.load import callers
from bench.load.callers import Tally
from bench.load.world import Node, World, vendor, world
from bench.product import Product

THINKS, SLOW = 0.8, 3.0  # seconds of the model
CALLERS, PAUSE = 500, 5.0
GATHERING = 25.0  # seconds in which they come: 500 do not dial in the same moment
CROWD = 160  # callers without a pause: more than one server's threads answer
RATE = 50.0  # of turns, or of calls that begin, a second
QUARTER = 0.25  # of a core: a node that is held to it must not wait for the other, nor for services
PERIOD = 0.04
HELD = 20  # callers for each such node: more than it can serve
# Two processes a core: threads of fewer ones queue longer for their interpreter's lock.
THREADS = {"WEB_WORKERS": "4", "WEB_THREADS": "32", "DB_POOL_SIZE": "8"}
ONE = {"WEB_WORKERS": "1", "WEB_THREADS": "64", "DB_POOL_SIZE": "16"}
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Lasts:
    """Seconds: until callers are counted, and while they are."""

    warm: float
    counted: float


def points(seconds: list[float], less: float = 0.0) -> dict[str, float]:
    """p50, p95, p99 in milliseconds, above `less` seconds."""
    if len(seconds) < 20:
        raise RuntimeError(f"only {len(seconds)} were counted")
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"p{at}": round((cuts[at - 1] - less) * 1000, 1) for at in (50, 95, 99)}


def named(name: str, figures: Figures) -> Figures:
    return {f"{name} {key}": value for key, value in figures.items()}


def with_model(lasts: Lasts) -> Figures:
    """The product and the sketch, one after the other, on the same databases and the same model."""
    found: Figures = {}
    with vendor(THINKS) as url, world(THREADS) as here:
        told = {"OPENAI_API_KEY": "load", "OPENAI_BASE_URL": url}
        node = here.web(**told)
        place = here.place(node)
        turn = partial(callers.talk, place=place, pause=PAUSE)
        found |= named("turn", _crowded(node, turn, lasts))
        hurried = partial(callers.talk, place=place, pause=0.0)
        found["turns/s"] = _saturated(hurried, lasts)
        found |= named("turn in whole calls", _whole_calls(node, hurried, lasts))
        found["memory web"] = round(node.largest(), 1)
        here.end(node.process)
        tables = {"DATABASE_URL": here.admin_url}  # its own; the product's login may make none
        bare = here.web("-m", "bench.load.sketch", MODEL_URL=url, **tables)
        turn = partial(callers.plain, port=bare.port, path="/turn", pause=PAUSE)
        found |= named("sketch turn", _crowded(bare, turn, lasts))
        hurried = partial(callers.plain, port=bare.port, path="/turn", pause=0.0)
        found["sketch turns/s"] = _saturated(hurried, lasts)
        floor = partial(callers.plain, port=bare.port, path="/bare", pause=0.0)
        tally = callers.at_once(16, floor, 1, lasts.counted / 2, 0)
        found["bare route requests/s"] = round(len(tally.turns) / (lasts.counted / 2), 0)
    return found


def _crowded(node: Node, act: callers.Act, lasts: Lasts) -> Figures:
    lasts = Lasts(GATHERING + lasts.warm, lasts.counted)
    with _cpu(node, lasts) as spent:
        tally = callers.at_once(CALLERS, act, lasts.warm, lasts.counted, GATHERING, lasting=True)
    return points(tally.turns, THINKS) | {
        "cpu ms": round(spent[0] / len(tally.turns) * 1000, 2),
        "a second": round(len(tally.turns) / lasts.counted, 1),
        "failed": len(tally.failures), "fillers": tally.fillers,
    }  # fmt: skip


def _saturated(act: callers.Act, lasts: Lasts) -> float:
    tally = callers.at_once(CROWD, act, lasts.warm, lasts.counted, 1.0, lasting=True)
    return round(len(tally.turns) / lasts.counted, 1)


def _whole_calls(node: Node, act: callers.Act, lasts: Lasts) -> Figures:
    """With what an eighth of a call's beginning and end costs, which the sketch has none of."""
    with _cpu(node, lasts) as spent:
        tally = callers.at_once(CROWD, act, lasts.warm, lasts.counted, 1.0)
    return {
        "a second": round(len(tally.turns) / lasts.counted, 1),
        "cpu ms": round(spent[0] / len(tally.turns) * 1000, 2), "failed": len(tally.failures),
    }  # fmt: skip


@contextlib.contextmanager
def _cpu(node: Node, lasts: Lasts) -> Iterator[list[float]]:
    """The node's CPU seconds while callers are counted, there when the block is left."""
    spent = [0.0]
    began = [0.0]
    timer = threading.Timer(lasts.warm, lambda: began.__setitem__(0, node.cpu_seconds()))
    timer.start()
    yield spent
    timer.join()
    spent[0] = node.cpu_seconds() - began[0]


def offline(lasts: Lasts) -> Figures:
    """No model; with the encoder and without."""
    found: Figures = {}
    for name, changes in (("with encoder", {"ENCODER": "true"}), ("no encoder", {})):
        with world(THREADS | changes) as here:
            node = here.web()
            if changes:
                here.start("run.py", "encoder")
                _learnt(node)
            place = here.place(node)
            talk = partial(callers.talk, place=place, pause=1.0)
            calls = RATE / callers.TURNS
            tally = callers.at_a_rate(calls, talk, lasts.warm + 8, lasts.counted)
            found |= named(f"offline {name}", points(tally.turns) | _whole(tally))
            if not changes:
                greet = partial(callers.talk, place=place, pause=0.0, turns=0)
                tally = callers.at_a_rate(RATE, greet, lasts.warm, lasts.counted)
                found |= named("greeting", points(tally.greetings) | _whole(tally))
    return found


def _whole(tally: Tally) -> Figures:
    return {"failed": len(tally.failures), "fillers": tally.fillers}


def _learnt(node: Node) -> None:
    """Calls that come within seconds of a start are not meant here."""
    if not Product(f"http://127.0.0.1:{node.port}", "", "").has_learnt():
        raise RuntimeError("the encoder does not get done")


def slow_model(lasts: Lasts) -> Figures:
    with vendor(SLOW) as url, world(THREADS) as here:
        node = here.web(OPENAI_API_KEY="load", OPENAI_BASE_URL=url)
        place = here.place(node)
        talk = partial(callers.talk, place=place, pause=1.0)
        tally = callers.at_once(20, talk, lasts.warm, lasts.counted, 3.0)
    return {"slow model longest wait": round(max(tally.requests) * 1000, 0),
            "slow model failed": len(tally.failures)}  # fmt: skip


def two_nodes(lasts: Lasts) -> Figures:
    """Turns a second of one node and of two, each held to a quarter of a core."""
    found: Figures = {}
    with vendor(THINKS) as url, world(ONE) as here:
        told = {"OPENAI_API_KEY": "load", "OPENAI_BASE_URL": url}
        nodes = [here.web(**told), here.web(**told)]
        for count in (1, 2):
            talk = partial(callers.talk, place=here.place(*nodes[:count]), pause=0.0)
            with _held(nodes):
                tally = callers.at_once(
                    HELD * count, talk, lasts.warm, lasts.counted, 1.0, lasting=True
                )
            found[f"nodes {count} turns/s"] = round(len(tally.turns) / lasts.counted, 1)
    return found


@contextlib.contextmanager
def _held(nodes: list[Node]) -> Iterator[None]:
    """Each node runs for its share of each period, by turns, so that they never share a core."""
    over = threading.Event()

    def each(number: int, node: Node) -> None:
        over.wait(number * PERIOD / 2)
        while not over.is_set():
            for order, lasts in ((signal.SIGCONT, QUARTER), (signal.SIGSTOP, 1 - QUARTER)):
                os.killpg(node.process.pid, order)
                over.wait(PERIOD * lasts)
        os.killpg(node.process.pid, signal.SIGCONT)

    holding = [threading.Thread(target=each, args=pair) for pair in enumerate(nodes)]
    for one in holding:
        one.start()
    try:
        yield
    finally:
        over.set()
        for one in holding:
            one.join()


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.01)


def prepare(here: World) -> None:
    """Both workers and the scheduler, as a small installation has them."""
    for argv in (("run.py", "worker"), ("run.py", "worker"), ("run.py", "scheduler")):
        here.start(*argv)
