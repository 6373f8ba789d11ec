"""Drills of the web nodes: one is killed while it thinks, all are restarted one after the other."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bench.drills.checking import Allowed
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.mail import wait_for
from bench.drills.model import all_promised
from bench.drills.postgres import messages
from bench.drills.robot import Midway

CALLERS = 8
THINKING = 1.2  # seconds of the model: whenever a node is ended, somebody is thinking in it
NODES = ("web-1", "web-2")
REMEMBERED = 6.0  # seconds until nginx asks a node again that refused something


def taken_over(stage: Stage) -> int:
    """Turns that another node finished than the one which began them."""
    calls = [call.call_sid for call in stage.ledger.calls]
    count = "select count(*) from inbound_request where attempts > 1 and call_sid = any(%s)"
    return int(stage.world.query(count, calls)[0][0])


def questions(stage: Stage) -> int:
    return sum("tools" in body for body in list(stage.world.model.requests))


def _all_ask(stage: Stage, act: Callable[[], None] = lambda: None) -> None:
    """Wait until the model was asked once more for each caller since `act`."""
    asked = questions(stage)
    act()
    wait_for("they think", lambda: questions(stage) >= asked + CALLERS)


def killed(stage: Stage) -> Figures:
    world, midway = stage.world, Midway()
    with stage.robot.meanwhile(messages(stage, midway, CALLERS)):
        midway.wait_for(CALLERS)
        world.model.manner = lambda _, reply: replace(reply, slow=2 * THINKING)
        _all_ask(stage, midway.go_on)
        world.parts["web-1"].kill()
        world.model.manner = lambda _, reply: reply
    world.start([world.parts["web-1"]])
    stage.healed()
    all_promised(stage, CALLERS)
    stage.expect(taken_over(stage) > 0, "nobody was thinking in the node that was killed")
    return {"turns taken over": taken_over(stage), "fallbacks": _fallbacks(stage)}


def rolling(stage: Stage) -> Figures:
    world, enough = stage.world, threading.Event()
    world.model.manner = lambda _, reply: replace(reply, slow=THINKING)

    def calls(business: object) -> None:
        while not enough.is_set():
            stage.robot.leaves_message(business)  # type: ignore[arg-type]

    whose = (stage.mine, stage.theirs) * (CALLERS // 2)
    with stage.robot.meanwhile([partial(calls, business) for business in whose]):
        for name in NODES:
            node = world.parts[name]
            _all_ask(stage)
            stage.expect(node.stop(), f"{name} did not end in good order")
            world.start([node])
            time.sleep(REMEMBERED)  # as docs/operations.md says
        enough.set()
    stage.healed()
    all_promised(stage, len(stage.ledger.calls))
    requests = [one for call in stage.ledger.calls for one in call.requests]
    again = sum(one.tries > 1 or one.status != 200 for one in requests if _is_turn(one.path))
    stage.expect(not again, f"{again} turns failed at first")
    stage.expect(not _fallbacks(stage), f"Twilio fell back {_fallbacks(stage)} times")
    stage.expect(not taken_over(stage), f"{taken_over(stage)} turns were lost by their node")
    log = (world.folder / "nginx" / "error.log").read_text(errors="replace")
    return {
        "requests": len(requests), "taken over": taken_over(stage),
        "nginx found nobody": log.count("no live upstreams"),
    }  # fmt: skip


def _is_turn(path: str) -> bool:
    return not path.endswith("-status")


def _fallbacks(stage: Stage) -> int:
    return sum(call.fallbacks for call in stage.ledger.calls)


DRILLS = (
    Drill(
        "node-killed", "a web node is killed while the model thinks about several calls",
        "every message noted, no turn over 8 s, nothing done twice", killed,
        Sabotage("takeover"), Allowed(unread=True),
    ),
    Drill(
        "rolling-restart", "the web nodes are restarted one after the other, under load",
        "no turn fails, none is lost by its node", rolling, Sabotage("good-order"),
    ),
)  # fmt: skip
