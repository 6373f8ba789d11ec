"""What each control costs by itself: in µs more than without it, and in statements.

Medians of many short rounds, as others may use this machine, too. Of what goes to the database a
transaction of its own is measured, less one that asks for nothing, by turns.
"""

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from psycopg2.extensions import set_wait_callback
from sqlalchemy import event, text
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from app import breaker, database, leases, logs, models, spending, tenancy
from app.ai.reading import private
from app.deadline import within
from app.extensions import db
from app.models import audit
from app.phone.form import inbound
from app.phone.signature import sign
from app.rules import dialling
from app.spending import Offer
from app.tenancy import across_tenants, acting_for
from app.voice import callers, facts, means, proven, webhook
from app.voice.callers import Ring
from app.voice.facts import Snapshot
from app.voice.means import Balance
from app.voice.sharing import FairPool, Shares
from app.voice.webhook import Kind

ROUNDS, TIMES = 101, 40  # of a round a few ms at most: the median is one that nobody disturbed
TURNS = 6  # of a call
ONCE = 1 / TURNS
ACCOUNT, CALL, TOKEN = "AC" + "0" * 32, "CA" + "1" * 32, "token"
NUMBER, CALLER = "+12125550100", "+12125550142"
URL = "https://reception.example.com/twilio/gather?turn=1"


@dataclass(frozen=True, slots=True)
class Cost:
    """`us`: of one time; `times` of it a turn."""

    kind: str
    control: str
    us: float
    times: float
    statements: int = 0

    @property
    def us_a_turn(self) -> float:
        return round(self.us * self.times, 1)


def measured(app: Flask, turn: dict[str, float]) -> list[Cost]:
    with app.app_context(), across_tenants():
        tenant_id = int(db.session.query(models.Tenant.id).scalar())
        db.session.rollback()
    found = facts.remembered(tenant_id)
    assert found is not None
    return [
        *_of_time(app, tenant_id, found, turn),
        *_of_money(app, tenant_id, found),
        *_of_callers(app, tenant_id),
        *_of_privacy(app),
        *_of_edges(),
    ]


def _of_time(app: Flask, tenant_id: int, found: Snapshot, turn: dict[str, float]) -> Iterator[Cost]:
    guard, owner = breaker.of("bench", 3, 10), proven.Proven(1, ACCOUNT, TOKEN)
    statement, transaction = _of_database(app, tenant_id)

    def guarded() -> None:
        if guard.asks():
            guard.passed()

    asked, once = _each(guarded), datetime.now(UTC)
    for control, us, times in (
        ("a clock of our own for each statement", statement, turn["statements"]),
        ("short limits for each transaction", transaction, turn["transactions"]),
        ("breaker at each connection", asked, turn["connections"]),
        ("what is proven, remembered", _each(lambda: proven.remember(NUMBER, owner)), 1),
        ("whether calls are sent elsewhere", _each(lambda: found.forwards_to(once)), 1),
        ("breakers of model and Redis", asked, 2),
        ("not of a turn: a clock for a request to Twilio, or a mail",
         _each(lambda: within(9, int)), 0),
    ):  # fmt: skip
        yield Cost("time", control, us, times)


def _of_money(app: Flask, tenant_id: int, found: Snapshot) -> Iterator[Cost]:
    limits, offers = found.bounds, [Offer(1), Offer(1, 200)]
    here = Balance(tenant_id, reserved=10**6, line_paid=means.STEP)

    def in_database(act: Callable[[], Any]) -> tuple[float, int]:
        return _transaction(app, tenant_id, act)

    us, statements = in_database(lambda: spending.reserve(tenant_id, limits, offers))
    yield Cost("money", "the first minutes of a call, reserved", us, ONCE, statements)
    yield Cost("money", "more minutes, or four questions, reserved", us, ONCE, statements)
    with app.app_context():
        weighed = _each(lambda: means.to_go_on(found, here, 100))
    yield Cost("money", "whether that is enough for a turn", weighed, 1)
    us, statements = in_database(lambda: spending.charge(tenant_id, -1))
    yield Cost("money", "what a call cost, in place of it", us, ONCE, statements)
    countries = frozenset({"US"})
    rung = _each(lambda: dialling.refusal(NUMBER, countries), 5)
    yield Cost("money", "not of a turn: a number, checked when facts are read", rung, 0)


def _of_callers(app: Flask, tenant_id: int) -> Iterator[Cost]:
    ring = Ring(CALL, CALLER)
    for control, act in (
        (
            "who is calling, and how many; a share of the calls at once, taken",
            lambda: callers._seen(ring, tenant_id, 60),
        ),
        ("and given back", lambda: leases.release(CALL)),
    ):
        us, statements = _transaction(app, tenant_id, act)
        yield Cost("callers", control, us, ONCE, statements)
    fair, plain, shares = FairPool(4, "fair"), ThreadPoolExecutor(4), Shares(64)
    us = _more(lambda: fair.submit(1, int).result(), lambda: plain.submit(int).result())
    fair.close()
    plain.shutdown()
    yield Cost("callers", "a thread, in turn with other tenants", us, 1)

    def held() -> None:
        with shares.held(1):
            pass

    yield Cost("callers", "a share of the web threads", _each(held), 1)


def _of_privacy(app: Flask) -> Iterator[Cost]:
    few, digits = "Where can I park my car?", "My number is 212 555 0142, or try 917 555 0143"
    yield Cost("privacy", "card numbers looked for in words", _each(lambda: private.scrub(few)), 1)
    us = _each(lambda: private.scrub(digits), 5)
    yield Cost("privacy", "and in words with many digits", us, ONCE, 1)
    with app.app_context():
        us = _each(lambda: audit.keyed_hash(CALLER))
    yield Cost("privacy", "a caller's number, hashed", us, ONCE)
    line = logging.LogRecord("app.voice", logging.INFO, "", 0, "turn decided", (), None)
    vars(line).update(call_sid=CALL, tenant_id=1, turn=1, path=["intent", "faq"], tier="offline",
                      refused="", instead_of_model="", ms=12)  # fmt: skip
    ours, plain = logs.JsonLines(), _Unmasked()
    us = _more(lambda: ours.format(line), lambda: plain.format(line))
    yield Cost("privacy", "a line of the log, masked", us, 1)


class _Unmasked(logs.JsonLines):
    """As it would be without masking."""

    def format(self, record: logging.LogRecord) -> str:
        masks = logs.mask, logs.masked
        logs.mask, logs.masked = str, lambda _name, value: value  # type: ignore[assignment]
        try:
            return super().format(record)
        finally:
            logs.mask, logs.masked = masks


def _of_edges() -> Iterator[Cost]:
    form = inbound(ACCOUNT, CALL, NUMBER, CALLER) | {"SpeechResult": "Where can I park?"}
    fields, query = MultiDict(form), MultiDict({"turn": "1"})
    signature = sign(URL, form, TOKEN)
    us = _each(lambda: RequestValidator(TOKEN).validate(URL, fields, signature), 5)
    yield Cost("edges", "Twilio's signature", us, 1)
    us = _each(lambda: webhook.parse(Kind.GATHER, fields, query), 10)
    yield Cost("edges", "fields of strict shape, none nearly critical", us, 1)


def _of_database(app: Flask, tenant_id: int) -> tuple[float, float]:
    """Microseconds more: of a statement, of a transaction."""
    with app.app_context():
        connection = db.engine.raw_connection()
        cursor = connection.cursor()
        ours = _each(lambda: cursor.execute("select 1"))
        set_wait_callback(None)
        plain = _each(lambda: cursor.execute("select 1"))
        database.install()
        usually = f"select set_config('app.tenant_id', '{tenant_id}', true)"
        hurried = _each(lambda: cursor.execute(usually + tenancy._HURRIED))
        usual = _each(lambda: cursor.execute(usually))
        connection.rollback()
        connection.close()
    return ours - plain, hurried - usual


def _transaction(app: Flask, tenant_id: int, act: Callable[[], Any]) -> tuple[float, int]:
    """Microseconds more than a transaction that asks for nothing; statements."""

    def done(what: Callable[[], Any]) -> Callable[[], None]:
        def transaction() -> None:
            what()
            db.session.commit()

        return transaction

    counted: list[str] = []
    with app.app_context(), acting_for(tenant_id):
        nothing = text("select 1")
        done(act)()  # the first one may have to make a row
        event.listen(db.engine, "before_cursor_execute", lambda *told: counted.append(told[2]))
        done(act)()
        statements = len(counted)
        us = _more(done(act), done(lambda: db.session.execute(nothing)))
        db.session.remove()
    return us, statements


def _each(act: Callable[[], Any], times: int = TIMES) -> float:
    """Microseconds of one."""
    return round(statistics.median(_timed(act, times) for _ in range(ROUNDS)), 1)


def _more(act: Callable[[], Any], than: Callable[[], Any]) -> float:
    """Microseconds that one takes longer than another, each done by turns."""
    both = [(_timed(act, 1), _timed(than, 1)) for _ in range(3 * ROUNDS)]
    ours, others = (statistics.median(times) for times in zip(*both, strict=True))
    return round(ours - others, 1)


def _timed(act: Callable[[], Any], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - began) / times * 1e6
