"""What is measured of the work after calls: how soon a summary is mailed, jobs a second."""

import asyncio
import statistics
import time
from functools import partial

import psutil
import psycopg2

from bench.load import callers
from bench.load.callers import Act, Tally
from bench.load.measures import THINKS, Figures, prepare, wait_until
from bench.load.world import NUMBERS, World, vendor, world
from tests.fakes.mail_sink import MailSink

CALLS, JOBS = 20, 6000
COUNTED = 15.0  # seconds
PATIENCE = 120.0
# Calls that are over, and the work that their end causes: a summary each, to be mailed to nobody.
ENDED = """
    insert into call_session (tenant_id, call_sid, channel, caller, called, state, outcome,
                              started_at, ended_at, last_turn_at, duration)
    select 1 + n %% %(tenants)s, 'CA' || md5('load' || n), 'phone', '+12125550142',
           '+12125550100', 'ended', 'answered', now(), now(), now(), 60
    from generate_series(1, %(jobs)s) n;
    update receptionist_config set summary_recipients = '{}';
    insert into job (tenant_id, kind, key, call_id, args, status)
    select tenant_id, 'summarise_call', 'summarise_call:' || id, id, '{}', 'waiting'
    from call_session where call_sid like 'CA%%' and outcome = 'answered';
"""


def mailed() -> Figures:
    """From the end of a call until its summary is handed to the mail server, one by one."""
    sink = MailSink()
    sink.start()
    try:
        mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(sink.port), "MAIL_USE_TLS": "false"}
        with vendor(THINKS) as url, world(mail) as here:
            told = {"OPENAI_API_KEY": "load", "OPENAI_BASE_URL": url}
            here.environment |= told
            node = here.web()
            prepare(here)
            talk = partial(callers.talk, place=here.place(node), pause=0.0, turns=2)
            seconds = [_one(talk, sink) for _ in range(CALLS + 2)][2:]
    finally:
        sink.stop()
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"mail p50": round(statistics.median(seconds) * 1000, 0),
            "mail p95": round(cuts[18] * 1000, 0)}  # fmt: skip


def _one(talk: Act, sink: MailSink) -> float:
    before, tally = len(sink.mails), Tally()

    async def call() -> None:
        await talk(tally)

    asyncio.run(call())
    began = time.monotonic()
    wait_until(lambda: len(sink.mails) > before, PATIENCE, "a mail")
    return time.monotonic() - began


def jobs() -> Figures:
    """Two workers that find many rows waiting: summaries without a model, each of which causes a
    mail to nobody."""
    with world() as here:
        _plant(here)
        prepare(here)
        wait_until(lambda: _done(here) > JOBS // 60, PATIENCE, "the first hundred jobs")
        began, first = time.monotonic(), _done(here)
        time.sleep(COUNTED)
        many, took = _done(here) - first, time.monotonic() - began
        workers = [child for child in here.children if "worker" in child.args]  # type: ignore[operator]
        memory = max(_memory(one) for child in workers for one in _family(child.pid))
    return {"jobs/s": round(many / took, 0), "memory worker": round(memory, 1)}


def _memory(one: psutil.Process) -> float:
    """MiB; of a child that is gone by now 0."""
    try:
        return float(one.memory_full_info().pss / 2**20)
    except psutil.NoSuchProcess:
        return 0.0


def _family(pid: int) -> list[psutil.Process]:
    own = psutil.Process(pid)
    return [own, *own.children(recursive=True)]


def _plant(here: World) -> None:
    with psycopg2.connect(here.admin_url) as connection, connection.cursor() as cursor:
        cursor.execute(ENDED, {"jobs": JOBS, "tenants": len(NUMBERS)})


def _done(here: World) -> int:
    with psycopg2.connect(here.admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from job where status = 'done'")
        return int(cursor.fetchall()[0][0])
