"""What each control costs a turn of a call: in one process, on a database of its own.

A turn is a caller's question that is answered offline, posted to the application itself. Its
statements, transactions and connections are counted; what one of each costs with a control, and
without it, is measured by itself (bench/costs.py). What happens once a call is shared out among
its turns, of which there are six.
"""

import argparse
import contextlib
import json
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import create_app
from app.cli.migrate import migrate
from app.embedded import EmbeddedPostgres, EmbeddedValkey
from app.extensions import db
from app.phone.form import inbound
from app.phone.signature import sign
from bench import business, costs, machine
from bench.costs import Cost
from config import Settings

WARM = 5
UNLIMITED = dict.fromkeys(
    ("LIMIT_CALLS_AT_ONCE", "LIMIT_CALLS_PER_MINUTE", "LIMIT_CALLER_AT_ONCE",
     "LIMIT_CALLER_PER_MINUTE"), "10000",
)  # fmt: skip
NUMBER, CALLER, ACCOUNT = "+12125550100", "+12125550142", "AC" + "0" * 32


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench controls", description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true", help="keep the result in bench/results")
    arguments = parser.parse_args(argv)
    with running() as app:
        turn = a_turn(app, arguments.turns)
        found = costs.measured(app, turn)
    controls = [asdict(cost) | {"us_a_turn": cost.us_a_turn} for cost in found]
    result = {"bench": "controls", "where": machine.facts(), "turn": turn, "controls": controls}
    print(json.dumps(result, indent=1) if arguments.json else shown(result, found))
    if arguments.save:
        machine.save("controls", result)
    return 0


@contextlib.contextmanager
def running() -> Iterator[Flask]:
    with TemporaryDirectory(prefix="recep-bench-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        folder.chmod(0o711)  # the embedded PostgreSQL does not run as root, and must get through
        postgres = stack.enter_context(EmbeddedPostgres(folder, durable=False))
        valkey = stack.enter_context(EmbeddedValkey(folder, durable=False))
        settings = Settings.load(
            {"DATA_DIR": made, "REDIS_URL": valkey.url, "ENCODER": "false",
             "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "token", **UNLIMITED}
        )  # fmt: skip
        settings = replace(settings, database_url=migrate(postgres.admin_url, settings))
        app = create_app(settings)
        business.set_up(app, NUMBER, [("Where can I park?", "In the yard.")])
        yield app
        app.extensions["minds"].close()
        with app.app_context():
            db.engine.dispose()


@dataclass(slots=True)
class Call:
    app: Flask
    call_sid: str

    def post(self, path: str, **said: str) -> str:
        base = str(self.app.extensions["settings"].public_base_url)
        form = inbound(ACCOUNT, self.call_sid, NUMBER, CALLER) | said
        headers = {"X-Twilio-Signature": sign(base + path, form, "token")}
        answer = self.app.test_client().post(path, data=form, headers=headers)
        assert "Gather" in answer.text, answer.text
        return str(answer.text)


def a_turn(app: Flask, turns: int) -> dict[str, float]:
    """Milliseconds of the middle one, and what each did."""
    done, times = Counter[str](), []
    with app.app_context():
        counted = (
            (db.engine, "before_cursor_execute", "statements"),
            (Session, "after_begin", "transactions"),
            (db.engine, "checkout", "connections"),
        )
        counting = [(on, name, _counter(done, what)) for on, name, what in counted]
    for number in range(WARM + turns):
        call = Call(app, f"CA{secrets.token_hex(16)}")
        call.post("/twilio/voice", CallStatus="ringing")
        if number == WARM:
            for on, name, listener in counting:
                event.listen(on, name, listener)
        began = time.perf_counter()
        call.post("/twilio/gather?turn=1", SpeechResult="Where can I park?")
        times.append((time.perf_counter() - began) * 1000)
        if number == WARM:
            for on, name, listener in counting:
                event.remove(on, name, listener)
    return {"ms": round(statistics.median(times[WARM:]), 1), **done}


def _counter(done: Counter[str], what: str) -> Callable[..., None]:
    def count(*_: Any) -> None:
        done[what] += 1

    return count


def shown(result: dict[str, Any], found: list[Cost]) -> str:
    turn, kinds = result["turn"], dict.fromkeys(cost.kind for cost in found)
    rows = [(c.kind, c.control, f"{c.us:.1f} µs", f"{c.times:.2g}", f"{c.us_a_turn:.1f} µs",
             f"{c.statements * c.times:.2g}") for c in found]  # fmt: skip
    head = ("kind", "control", "each", "times a turn", "a turn", "statements")
    total = sum(c.us_a_turn for c in found)
    each = (f"{kind} {sum(c.us_a_turn for c in found if c.kind == kind) / 1000:.2f}"
            for kind in kinds)  # fmt: skip
    return "\n".join([
        machine.table(head, rows),
        f"All of them: {total / 1000:.2f} ms of a turn of {turn['ms']} ms ({', '.join(each)}), "
        f"{turn['statements']:g} statements, {turn['transactions']:g} transactions.",
        machine.show(result["where"]),
    ])  # fmt: skip
