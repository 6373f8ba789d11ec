"""Drills of many callers at once: a flood of robocalls on one business, a race for its money."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from app.models import SpendKind
from app.phone.conversation import Caller
from app.phone.leg import Heard
from app.phone.script import Step
from app.rates import CENT, Rate, Rates
from bench.drills.checking import Allowed
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.ledger import Call, share
from bench.drills.outside import Body, Reply

A_SECOND, SECONDS = 50, 4  # robocalls, and for how long
OTHERS = 3
QUICK = 2.0
SLOW = 3.0  # seconds that the model thinks about a robocall
RACERS, RACING = 200, 16  # in all, and at any time
CAP = 30 * CENT


def flood(stage: Stage) -> Figures:
    """The other business's callers come and go meanwhile, as they would otherwise."""
    began, over = time.monotonic(), threading.Event()
    mine = stage.mine.canary
    stage.world.model.manner = lambda body, reply: _slow_for(mine, body, reply)

    def robocall(number: int) -> None:
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        steps = (Step(Heard("this is an important message about your warranty")), Step(None))
        stage.robot.play(stage.robot.line(stage.mine), Caller(steps))

    def caller() -> None:
        while not over.is_set():
            stage.robot.leaves_message(stage.theirs)

    many = A_SECOND * SECONDS
    with stage.robot.meanwhile([caller] * OTHERS):
        stage.robot.at_once([partial(robocall, number) for number in range(many)], most=many)
        placed = time.monotonic() - began
        over.set()
    stage.world.model.manner = lambda _, reply: reply
    stage.healed()
    others = [call for call in stage.ledger.calls if call.business is stage.theirs]
    robocalls = [call for call in stage.ledger.calls if call.business is stage.mine]
    without = [call for call in others if not call.read_back]
    heard = [(call.dropped, call.fallbacks, call.said[:1]) for call in without[:2]]
    stage.expect(
        not without, f"{len(without)} of the other's {len(others)} callers got nowhere: {heard}"
    )
    waits = share((wait for call in others for wait in call.waits), 0.95)
    stage.expect_in_time(waits < QUICK, f"95 of 100 turns of the other's took up to {waits:.1f} s")
    return {
        "robocalls": len(robocalls), "in": f"{placed:.0f} s",
        "turned away": sum(call.rejected for call in robocalls),
        "the other's calls": len(others), "the other's p95": round(waits, 2),
    }  # fmt: skip


def _slow_for(canary: str, body: Body, reply: Reply) -> Reply:
    return replace(reply, slow=SLOW) if canary in str(body).lower() else reply


def race(stage: Stage) -> Figures:
    """Side by side, for a little money. What is stated (docs/design.md §6): a cap is never passed
    twice over but by what is booked after the call, as its mails are."""
    world, tenant = stage.world, stage.mine.tenant_id
    world.query("delete from spend_account where tenant_id = %s", tenant)
    world.query(
        "insert into call_limits (tenant_id, day_cents, month_cents) values (%s, %s, %s)",
        tenant, CAP // CENT, CAP // CENT,
    )  # fmt: skip
    calls: list[Callable[[], Call]] = [partial(stage.robot.asks, stage.mine)] * RACERS
    try:
        stage.robot.at_once(calls, most=RACING)
        stage.healed()
        stage.wait_settled()
    finally:
        world.query("delete from call_limits where tenant_id = %s", tenant)
    rates, today = _rates(stage), datetime.now(UTC).date()
    mails = rates.cost(SpendKind.MAILS, stage.kept().spent_on("mails"), today)
    bound = 2 * CAP + mails
    spent = world.query("select day_spent from spend_account where tenant_id = %s", tenant)[0][0]
    stage.expect(spent <= bound, f"{_cents(spent)} spent, {_cents(bound)} at most")
    sids = [call.call_sid for call in stage.ledger.calls]
    cost = sum(
        rates.cost(SpendKind(kind), int(quantity), today, model)
        for kind, model, quantity in world.query(
            "select kind, model, sum(quantity) from spend_ledger where tenant_id = %s"
            " and call_id in (select id from call_session where call_sid = any(%s)) group by 1, 2",
            tenant, sids,
        )
    )  # fmt: skip
    stage.expect(cost <= bound, f"{_cents(cost)} by the ledger, {_cents(bound)} at most")
    short = world.query(
        "select count(*) from call_session where limited = 'spent' and call_sid = any(%s)", sids
    )[0][0]
    stage.expect(short > 0, "no call was without money: there was no race")
    return {
        "cap": _cents(CAP), "spent": _cents(spent), "by the ledger": _cents(cost),
        "stated bound": _cents(bound), "without money": short,
        "rejected": sum(call.rejected for call in stage.ledger.calls),
    }  # fmt: skip


def _cents(micros: int) -> str:
    return f"{micros / CENT:.1f} cents"


def _rates(stage: Stage) -> Rates:
    prices = "select kind, model, valid_from, amount, currency from price order by valid_from desc"
    return Rates(tuple(Rate(SpendKind(kind), *rest) for kind, *rest in stage.world.query(prices)))


# As a small business may have them; beyond twice as many nobody is answered.
LIMITED = {"LIMIT_CALLS_AT_ONCE": "20", "LIMIT_CALLS_PER_MINUTE": "60"}
NOT_HELD = f"every message of the other's callers noted, p95 < {QUICK:.0f} s"
DRILLS = (
    Drill(
        "spend-caps", f"{RACERS} calls race for a cap of {CAP / CENT:.0f} cents",
        "never twice the cap, but for what is booked after the calls",
        race, Sabotage("reservations"), alone=True,
    ),
    Drill(
        "flood", f"{A_SECOND} robocalls a second on one business for {SECONDS} s", NOT_HELD,
        flood, Sabotage("fairness"), Allowed(unread=True), LIMITED, alone=True,
    ),
)  # fmt: skip
