"""What is measured in one process: a turn's context, looking knowledge up, and a turn as the
installation grows."""

import contextlib
import itertools
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
from flask import Flask

from app import create_app
from app.ai import knowledge
from app.cli.migrate import DATABASE, migrate
from app.embedded import EmbeddedPostgres, EmbeddedValkey
from app.extensions import db
from app.phone.form import inbound
from app.phone.signature import sign
from app.tenancy import acting_for
from app.voice import before, facts
from app.voice.flow.messages import Passage
from app.voice.inbox import Delivery
from app.voice.webhook import Kind
from bench import product
from bench.load.measures import Figures
from bench.load.world import ACCOUNT, TOKEN
from config import Settings

SIZES = (100, 1_000, 10_000)
ROUNDS, TURNS, ASKED = 60, 150, 40
CALLER = "+12125550142"
# Businesses that can be called, and calls of theirs that are over.
ROWS = """
    set session_replication_role = replica;
    insert into tenant (id, public_id, name, slug, timezone, status)
    select n, md5('t' || n), 'Business ' || n, 'b-' || n, 'America/New_York', 'active'
    from generate_series(1, %(tenants)s) n;
    insert into receptionist_config (tenant_id, greeting)
    select n, '' from generate_series(1, %(tenants)s) n;
    insert into twilio_number (tenant_id, number)
    select n, '+1212' || lpad((5000000 + n)::text, 7, '0') from generate_series(1, %(tenants)s) n;
    insert into opening_hours (tenant_id, weekday, opens, closes)
    select n, d, '00:00', '00:00' from generate_series(1, %(tenants)s) n, generate_series(0, 6) d;
    insert into knowledge_entry (tenant_id, question, answer)
    select n, 'Where can I park?', 'In the yard.' from generate_series(1, %(tenants)s) n;
    insert into call_session (tenant_id, call_sid, channel, caller, called, state, outcome,
                              started_at, ended_at, last_turn_at, duration, turn)
    select 1 + n %% %(tenants)s, 'CA' || md5('grown' || n), 'phone', '%(caller)s', '+12125550100',
           'ended', 'answered', now() - n * interval '1 second', now(), now(), 60, 2
    from generate_series(1, %(calls)s) n;
    insert into inbound_request (tenant_id, call_sid, kind, turn, event, lease_token, lease_until,
                                 attempts, twiml)
    select 1 + n %% %(tenants)s, 'CA' || md5('grown' || n), 'voice', 0, '{}', 'x', now(), 1,
           '<Response/>'
    from generate_series(1, %(calls)s) n;
    insert into transcript (tenant_id, call_id, turn, speaker, text)
    select tenant_id, id, 1, 'caller', 'Where can I park?' from call_session;
"""


@contextlib.contextmanager
def application(tenants: int, calls: int) -> Iterator[Flask]:
    """Nothing is flushed to the disk: many rows are made, and no time is measured of a disk."""
    with TemporaryDirectory(prefix="recep-load-") as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        folder.chmod(0o711)
        postgres = stack.enter_context(EmbeddedPostgres(folder, durable=False))
        valkey = stack.enter_context(EmbeddedValkey(folder, durable=False))
        settings = Settings.load(
            product.WIDE | {"DATA_DIR": made, "REDIS_URL": valkey.url, "ENCODER": "false",
                            "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN}
        )  # fmt: skip
        settings = replace(settings, database_url=migrate(postgres.admin_url, settings))
        with contextlib.closing(psycopg2.connect(postgres.url(DATABASE))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                given = {"tenants": tenants, "calls": calls, "caller": CALLER}
                for statement in (ROWS % given).split(";\n"):
                    if statement.strip():
                        cursor.execute(statement)
                cursor.execute("vacuum analyze")
        app = create_app(settings)
        yield app
        app.extensions["minds"].close()
        with app.app_context():
            db.engine.dispose()


def grown(sizes: tuple[tuple[int, int], ...]) -> Figures:
    """Milliseconds of CPU and of the clock that the middle turn takes, at so many businesses and
    so many stored calls; and the context of one."""
    found: Figures = {}
    for tenants, calls in sizes:
        with application(tenants, calls) as app:
            cpu, wall = _turns(app, tenants)
            name = f"turn at {tenants:,} tenants, {calls:,} calls"
            found |= {f"{name} cpu ms": cpu, f"{name} ms": wall}
            if (tenants, calls) == sizes[0]:
                found["context ms"] = _context(app)
    return found


def _turns(app: Flask, tenants: int) -> tuple[float, float]:
    cpu, wall = [], []
    for number in range(TURNS + ASKED):
        called = f"+1212{5_000_001 + (number * 7919) % min(tenants, ASKED):07}"
        call_sid = "CA" + secrets.token_hex(16)
        _post(app, call_sid, called, "/twilio/voice")
        began, spent = time.perf_counter(), time.process_time()
        _post(app, call_sid, called, "/twilio/gather?turn=1", SpeechResult="Where can I park?")
        cpu.append((time.process_time() - spent) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    return tuple(round(statistics.median(times[ASKED:]), 2) for times in (cpu, wall))  # type: ignore[return-value]


def _post(app: Flask, call_sid: str, called: str, path: str, **said: str) -> None:
    form = inbound(ACCOUNT, call_sid, called, CALLER) | said
    base = str(app.extensions["settings"].public_base_url)
    signature = sign(base + path, form, TOKEN)
    answer = app.test_client().post(path, data=form, headers={"X-Twilio-Signature": signature})
    if "Gather" not in answer.text:
        raise RuntimeError(f"{path}: {answer.status} {answer.text[:200]}")


def _context(app: Flask) -> float:
    """CPU of what a turn reads of its tenant and its call, with its transaction. The statement is
    the one that claims the turn; this one was before."""
    call_sid, called = "CA" + secrets.token_hex(16), "+12125000001"
    _post(app, call_sid, called, "/twilio/voice")
    delivery = Delivery(1, call_sid, Kind.VOICE, 0)
    with app.app_context(), acting_for(1):

        def read() -> None:
            standing = before.take(delivery, {}, (None, None))
            assert standing is not None
            found = facts.snapshot(1, standing.version)
            facts.build(found, standing.now, caller=CALLER, called=called)

        found = _each(read, 30) / 1000
    return round(found, 3)


def looked_up() -> Figures:
    """Milliseconds to find a question's best entries by words, in knowledge of each size."""
    found: Figures = {}
    for size in SIZES:
        passages = tuple(_passage(number) for number in range(size))
        knowledge.find(passages, "where can I park my bicycle")  # the index is made once
        questions = [f"what does {_NOUNS[n % 40]} service number {n} cost" for n in range(20)]
        asked = itertools.cycle(questions)
        each = _each(partial(_find, passages, asked), 5)
        found[f"look-up of {size:,} ms"] = round(each / 1000, 3)
    return found


def _find(passages: tuple[Passage, ...], asked: Iterator[str]) -> None:
    knowledge.find(passages, next(asked))


_NOUNS = tuple(
    [
        "drain",
        "boiler",
        "faucet",
        "toilet",
        "shower",
        "heater",
        "pipe",
        "valve",
        "pump",
        "filter",
        "sink",
        "bath",
        "tank",
        "meter",
        "gutter",
        "roof",
        "window",
        "door",
        "floor",
        "wall",
        "lamp",
        "fuse",
        "socket",
        "cable",
        "fridge",
        "oven",
        "stove",
        "dryer",
        "washer",
        "mower",
        "fence",
        "gate",
        "garage",
        "garden",
        "pool",
        "deck",
        "chimney",
        "carpet",
        "tile",
        "paint",
    ]
)


def _passage(number: int) -> Passage:
    noun, other = _NOUNS[number % 40], _NOUNS[number // 40 % 40]
    question = f"What does {noun} and {other} service number {number} cost?"
    answer = f"The {noun} service costs {20 + number} dollars, with the {other} included."
    return Passage(f"knowledge:{number}", number, 1, question, answer)


def _each(act: Callable[[], Any], times: int) -> float:
    """Microseconds of CPU: the median of many rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(times):
            act()
        rounds.append((time.thread_time() - began) / times * 1e6)
    return statistics.median(rounds)
