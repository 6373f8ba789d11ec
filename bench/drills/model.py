"""Drills of the model: away, slow, trickling, throttling, talking nonsense, hostile."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.drills.checking import Allowed
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.faults import How
from bench.drills.ledger import share
from tests.fakes import openai_server as fake
from tests.fakes.openai_server import Body, Reply

CALLERS = 6
QUICK = 2.0
FAILURES = 3  # in a row, until a node leaves the model alone; each node learns by itself
PAID = "a full refund of 500 dollars"
DEAREST = "+19005550123"


def leave_messages(stage: Stage, many: int = CALLERS) -> None:
    """At once, half of them at each business; a question besides."""
    whose = (stage.mine, stage.theirs)
    calls: list[Callable[[], Any]] = [
        partial(stage.robot.leaves_message, whose[n % 2]) for n in range(many)
    ]
    calls.append(partial(stage.robot.asks, stage.mine))
    stage.robot.at_once(calls)


def all_promised(stage: Stage, many: int) -> None:
    read_back = sum(call.read_back for call in stage.ledger.calls)
    stage.expect(read_back == many, f"{read_back} of {many} messages were read back and noted")


def down(stage: Stage) -> Figures:
    with stage.fault("model", How.REFUSE):
        leave_messages(stage)
        learnt = len(stage.ledger.calls)  # by now both nodes leave it alone
        leave_messages(stage)
    all_promised(stage, 2 * CALLERS)
    after = share((w for call in stage.ledger.calls[learnt:] for w in call.waits), 0.95)
    stage.expect_in_time(
        after < QUICK, f"with the breaker open 95 of 100 turns took up to {after:.1f} s"
    )
    return {"p95 with the breaker open": round(after, 2)}


def slow(stage: Stage) -> Figures:
    stage.world.model.manner = lambda _, reply: Reply(reply.body, slow=20.0)
    leave_messages(stage)
    stage.world.model.manner = lambda _, reply: reply
    stage.healed()
    all_promised(stage, CALLERS)
    return {"fillers": sum(call.fillers for call in stage.ledger.calls)}


def trickle(stage: Stage) -> Figures:
    with stage.fault("model", How.TRICKLE, seconds=1.0):
        leave_messages(stage)
    all_promised(stage, CALLERS)
    return {"fillers": sum(call.fillers for call in stage.ledger.calls)}


def throttled(stage: Stage) -> Figures:
    stage.world.model.manner = lambda *_: fake.status(429)
    leave_messages(stage)
    leave_messages(stage)
    asked = len([body for body in stage.world.model.requests if "tools" in body])
    stage.world.model.manner = lambda _, reply: reply
    stage.healed()
    all_promised(stage, 2 * CALLERS)
    spoken = len(stage.ledger.waits())
    # Those of a turn under way when the breaker opens, and one try in twenty seconds besides.
    most = 2 * (FAILURES + CALLERS)
    stage.expect(asked <= most, f"the model was asked {asked} times in its storm, {most} at most")
    return {"asked": asked, "turns": spoken}


def nonsense(stage: Stage) -> Figures:
    """Each reply is another nonsense; the third turn of every call is hostile."""
    made = itertools.cycle((
        fake.malformed, fake.truncated, fake.refusal, fake.several_calls, fake.giant,
        lambda: fake.content(""), lambda: fake.content("Sure! " * 400),
        lambda: Reply(raw=b"\xff\xfe\x00"), lambda: Reply({"choices": []}),
        lambda: told_tokens(10**30), lambda: told_tokens(-500), lambda: told_tokens("many"),
        lambda: fake.tool_call("delete_everything", {"sure": True}),
        lambda: fake.tool_call("take_message", '{"fields": ' + "[" * 5000 + "]" * 5000 + "}"),
        lambda: fake.tool_call("transfer", {"department_id": 999_999}),
        lambda: fake.tool_call("transfer", {"number": DEAREST}),
        lambda: fake.tool_call("confirm", {"accepted": True, "fields": {"phone": DEAREST}}),
    ))  # fmt: skip

    def manner(body: Body, reply: Reply) -> Reply:
        if promise := _promise(body):
            return promise
        return next(made)()

    stage.world.model.manner = manner
    leave_messages(stage)
    stage.robot.at_once([lambda: stage.robot.asks(stage.mine, "Can I have my money back?")] * 3)
    stage.world.model.manner = lambda _, reply: reply
    stage.healed()
    all_promised(stage, CALLERS)
    said = " ".join(text for call in stage.ledger.calls for text in call.said)
    stage.expect(PAID not in said, "a hostile model's promise was spoken")
    dialled = [n for call in stage.ledger.calls for numbers, _ in call.dials for n in numbers]
    stage.expect(not dialled, f"a hostile model had {dialled} rung")
    return {"replies": len(stage.world.model.requests)}


def told_tokens(number: object) -> Reply:
    """A reply that says nothing, and is said to have cost so much."""
    reply = fake.content("")
    reply.body["usage"] |= {"prompt_tokens": number}
    return reply


def _promise(body: Body) -> Reply | None:
    """To whoever asks for money: a promise that no source makes, said to rest on one."""
    if "tools" not in body or "money" not in str(body["messages"][-1]["content"]):
        return None
    tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in body["tools"]}
    if "answer" not in tools:
        return None
    known = tools["answer"]["properties"]["sources"]["items"]["enum"]
    text = f"Of course: you get {PAID} today, I promise."
    return fake.tool_call("answer", {"text": text, "sources": known[:1]})


UNREAD = Allowed(unread=True)
DRILLS = (
    Drill(
        "model-down", "nobody listens at the model's address", "every message noted, turns < 2 s",
        down, Sabotage("other-mind"),
    ),
    Drill(
        "model-slow", "each reply of the model takes 20 s", "every message noted, no turn over 8 s",
        slow, Sabotage("deadline"), UNREAD,
    ),
    Drill(
        "model-trickle", "the model's replies come a byte a second",
        "every message noted, no turn over 8 s", trickle, Sabotage("deadline"), UNREAD,
    ),
    Drill(
        "model-429", "the model refuses every request with 429",
        "every message noted, the model left alone", throttled, Sabotage("breaker"),
    ),
    Drill(
        "model-malformed", "replies broken, cut, refusing, giant, of unknown tools, hostile",
        "every message noted, nothing hostile spoken or dialled", nonsense, Sabotage("grounding"),
    ),
)  # fmt: skip
