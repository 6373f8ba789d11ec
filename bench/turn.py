"""Server time of each kind of turn: one caller, the offline interpreter, p50 and p95."""

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from app.phone import CallDropped, Line, Turn
from app.phone.business import Business, Department, Entry, install
from app.phone.conversation import Caller, play
from app.phone.leg import Heard
from app.phone.rest import RestError
from app.phone.script import Step
from bench import machine, product
from config import Settings

ON_ASK = {
    "name": "Dorothy Flynn",
    "phone": "202 555 0142",
    "reason": "a leaking tap",
    "confirm": "yes that is right",
    "anything_else": "no thank you",
    "goodbye": "goodbye",
}
OPENINGS = (
    ("Where can I park?", "answered"),
    ("When are you open?", "answered"),
    ("I would like to leave a message", "no_answer"),
    ("Please connect me with repairs", "answered"),
    ("Please connect me with repairs", "no_answer"),
    ("What is the meaning of life?", "no_answer"),
)
BUSINESS = Business(
    "Bench Plumbing",
    (
        Department("repairs", "Repairs", "Leaks, blocked drains and broken boilers"),
        Department("sales", "Sales", "New bathrooms, quotes and orders"),
    ),
    (
        Entry("park", "Where can I park?", "Parking is free in the yard behind the shop."),
        Entry("pay", "Can I pay by card?", "Yes, we take every common card."),
        Entry("area", "Which areas do you cover?", "We come to the whole city."),
    ),
)
PATHS = {
    "/twilio/voice": "greeting",
    "/twilio/transfer-status": "after a transfer",
    "/twilio/screen": "screening",
    "/twilio/message": "after a recording",
}


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench turn", description=__doc__)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help="keep the result in bench/results")
    arguments = parser.parse_args(argv)
    try:
        with product.running() as ours:
            times = measure(ours, arguments.calls)
    except (product.NotRunning, RestError, CallDropped) as problem:
        print(problem, file=sys.stderr)
        return 2
    result = {"bench": "turn", "calls": arguments.calls, "where": machine.facts()}
    result["kinds"] = {kind: figures(seconds) for kind, seconds in sorted(times.items())}
    result["kinds"]["all"] = figures(s for seconds in times.values() for s in seconds)
    print(json.dumps(result, indent=1) if arguments.json else shown(result))
    if arguments.save:
        print(f"Saved as {machine.save('turn', result)}", file=sys.stderr)
    return 0


def measure(ours: product.Product, calls: int) -> dict[str, list[float]]:
    """One call after the other; the first of each opening warms up and is not counted."""
    who = install(ours.log_in(), BUSINESS)
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(-len(OPENINGS), calls):
        opening, transfer = OPENINGS[number % len(OPENINGS)]
        line = Line(ours.base_url, who.account_sid, who.auth_token, who.number, "+19175550142",
                    transfer_result=transfer)  # fmt: skip
        played = play(line, Caller((Step(Heard(words=opening)),), ON_ASK, opening=opening))
        if number >= 0:
            for kind, seconds in timed(played.turns):
                times[kind].append(seconds)
    return times


def timed(turns: Iterable[Turn]) -> Iterable[tuple[str, float]]:
    """Each request by its kind; what was said last decides the kind of a Gather's."""
    asked = "an open question"
    for turn in turns:
        for fetch in turn.fetches:
            yield PATHS.get(fetch.path, f"reply to {asked}"), fetch.seconds
        asked = turn.asks or "an open question"


def figures(seconds: Iterable[float]) -> dict[str, Any]:
    every = sorted(seconds)
    if len(every) < 2:
        every *= 2
    cuts = statistics.quantiles(every, n=20, method="inclusive")
    return {
        "requests": len(every),
        "p50": round(statistics.median(every), 4),
        "p95": round(cuts[18], 4),
        "worst": round(every[-1], 4),
    }


def shown(result: dict[str, Any]) -> str:
    rows = [
        (kind, f["requests"], *(f"{f[name] * 1000:.0f} ms" for name in ("p50", "p95", "worst")))
        for kind, f in result["kinds"].items()
    ]
    head = ("turn", "requests", "p50", "p95", "worst")
    return machine.table(head, rows) + "\n\n" + machine.show(result["where"])
