"""Drills of delivery: every webhook twenty times at once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from app.phone.callee import TransferResult
from app.phone.wire import Reply
from bench.drills.carrier import RecordedWire
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.ledger import Call

COPIES = 20


class DuplicatingWire(RecordedWire):
    """Sends each request on twenty connections at once. What comes back is one answer that is not
    a filler, if there is any; `different` are requests that got two such answers."""

    different: list[str]

    def __init__(self, call: Call, server: str) -> None:
        super().__init__(call, server)
        self.lanes = [RecordedWire(call, server) for _ in range(COPIES)]
        self.different = []

    def send(self, url: str, form: Mapping[str, str], method: str = "POST") -> Reply:
        with ThreadPoolExecutor(COPIES) as pool:
            replies = list(pool.map(lambda lane: lane.send(url, form, method), self.lanes))
        final = [reply for reply in replies if "<Redirect" not in reply.text]
        if len({reply.text for reply in final}) > 1:
            self.call.warnings.append(f"{url}: {len({r.text for r in final})} different answers")
        return (final or replies)[0]


def duplicates(stage: Stage) -> Figures:
    robot, world = stage.robot, stage.world
    robot.wire = DuplicatingWire
    robot.leaves_message(stage.mine)
    robot.asks(stage.theirs)
    robot.is_connected(stage.mine)
    robot.is_connected(stage.theirs, TransferResult.NO_ANSWER)
    stage.wait_settled()
    asked = sum("tools" in body for body in list(world.model.requests))
    kept = stage.kept()
    twice = world.query(
        "select count(*) from (select 1 from transcript where speaker = 'caller'"
        " and call_id = any(%s) group by call_id, turn having count(*) > 1) as twice",
        [call.id for call in kept.calls],
    )[0][0]
    understood = world.query(
        "select count(*) from transcript where speaker = 'caller' and call_id = any(%s)"
        " and evidence ->> 'tier' = 'model'", [call.id for call in kept.calls],
    )[0][0]  # fmt: skip
    stage.expect(not twice, f"{twice} utterances were kept twice")
    stage.expect(asked == understood, f"the model was asked {asked} times for {understood} turns")
    requests = sum(len(call.requests) for call in stage.ledger.calls)
    return {"requests": requests, "asked of the model": asked}


DRILLS = (
    Drill(
        "duplicates", "every webhook comes 20 times at once, over both nodes",
        "one effect, one answer", duplicates, Sabotage("claims"),
    ),
)  # fmt: skip
