"""Drills of what operators do for a bad day: a backup that is put back, and keys that change."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
from cryptography.fernet import Fernet

from app.cli import prepare
from app.cli.migrate import DATABASE
from app.cli.start import is_healthy
from app.embedded import EmbeddedPostgres, EmbeddedValkey, free_port
from app.embedded.ports import HOST
from bench.drills import kept
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.ledger import Ledger
from bench.drills.mail import wait_for
from bench.drills.nodes import NODES, REMEMBERED
from bench.drills.outside import MailSink
from bench.drills.parts import Part
from bench.drills.robot import Robot
from bench.drills.world import World
from config import ROOT

BEFORE, TALKING, BETWEEN = 6, 2, 1.5
PATIENCE = 120.0


class Failed(Exception):
    """A command of the product; the message is what it printed."""


def command(words: list[str], environment: Mapping[str, str], without: str = "") -> str:
    """What it printed. Raises Failed."""
    argv = [sys.executable, str(ROOT / "run.py"), *words]
    if without:
        argv = [sys.executable, "-m", "bench.drills.launcher", without, *words]
    done = subprocess.run(
        argv, cwd=ROOT, env=dict(environment), capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{' '.join(words)}: {(done.stdout + done.stderr)[-400:]}")
    return done.stdout


@contextmanager
def calls_go_on(stage: Stage) -> Iterator[None]:
    """Callers leave messages, one after the other on each of some lines, while the block runs: not
    so many that processes which begin anew meanwhile find no time to."""
    enough = threading.Event()

    def one_line(number: int) -> None:
        while not enough.is_set():
            stage.robot.leaves_message((stage.mine, stage.theirs)[number % 2])
            enough.wait(BETWEEN)

    with stage.robot.meanwhile([partial(one_line, number) for number in range(TALKING)]):
        try:
            yield
        finally:
            enough.set()


def all_noted(stage: Stage) -> int:
    calls = stage.ledger.calls
    without = [call.call_sid for call in calls if not call.read_back]
    stage.expect(not without, f"{len(without)} of {len(calls)} callers got nowhere: {without[:2]}")
    return len(calls)


def restored(stage: Stage) -> Figures:
    """Calls before the backup are all there, those during it as of one moment; then it serves."""
    world = stage.world
    whose = (stage.mine, stage.theirs)
    stage.robot.at_once([partial(stage.robot.leaves_message, whose[n % 2]) for n in range(BEFORE)])
    sids = [call.call_sid for call in stage.ledger.calls]
    stage.close_ledger()
    before = kept.of_calls(world.query, sids)
    control = world.parts["web-1"].without
    with calls_go_on(stage):
        wait_for("somebody talks", lambda: len(stage.ledger.calls) >= TALKING)
        asked = time.monotonic()
        path = _backup(world, control)
        took = time.monotonic() - asked
    during = all_noted(stage)
    stage.close_ledger()
    with _put_back(world, path) as there:
        again = kept.of_calls(there.query, sids)
        differ = sorted(table for table in before if before[table] != again.get(table))
        stage.expect(not differ, f"{', '.join(differ)} came back otherwise than they were")
        rows = there.query("select count(*) from call_session")[0][0]
        _serves(stage, there)
    stage.close_ledger(robots=False)
    stage.robot.leaves_message(stage.mine)
    stage.healed()
    return {
        "backup s": round(took, 1), "restored s": round(there.seconds, 1),
        "calls during it": during, "calls put back": rows, "tables compared": len(before),
    }  # fmt: skip


def _backup(world: World, control: str) -> Path:
    administrator = {"DATABASE_ADMIN_URL": world.postgres.admin_url}
    straight = {"DATABASE_URL": world.settings.database_url}
    folder = world.settings.data_dir / "backup"
    known = set(folder.glob("*.zip"))
    command(["backup"], world.environment("web-1") | administrator | straight, control)
    (made,) = set(folder.glob("*.zip")) - known
    return made


@dataclass
class There:
    """The product on what was put back, with databases and a mail server of its own."""

    url: str
    query: Callable[..., list[tuple[Any, ...]]]
    sink: MailSink
    seconds: float


@contextmanager
def _put_back(world: World, path: Path) -> Iterator[There]:
    folder = world.folder / f"restored-{path.stem}"
    folder.mkdir(mode=0o711)
    own = {"DATABASE_URL": "", "REDIS_URL": "", "DATA_DIR": str(folder)}
    began = time.monotonic()
    command(["restore", str(path)], world.environment("web-1") | own)
    seconds = time.monotonic() - began
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(folder))
        valkey = stack.enter_context(EmbeddedValkey(folder))
        sink = MailSink()
        sink.start()
        stack.callback(sink.stop)
        asked = replace(world.settings, data_dir=folder, database_url="", redis_url=valkey.url)
        settings = prepare.prepare(asked, postgres)
        port = free_port(0)
        environment = world.environment("web-1") | {
            "DATA_DIR": str(folder), "DATABASE_URL": settings.database_url,
            "REDIS_URL": valkey.url, "PORT": str(port), "MAIL_PORT": str(sink.port),
        }  # fmt: skip
        names = ("web", "worker", "scheduler")
        parts = [Part(one, one, environment, folder / f"{one}.log") for one in names]
        stack.callback(world.stop, parts)
        for part in parts:
            part.start()
        wait_for("it serves again", lambda: is_healthy(port))
        ask = partial(_ask, postgres.url(DATABASE))
        yield There(f"http://{HOST}:{port}", ask, sink, seconds)


def _ask(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with contextlib.closing(psycopg2.connect(url)) as db, db, db.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())


def _serves(stage: Stage, there: There) -> None:
    """Signatures are known by stored tokens, so keys must fit; and mails leave."""
    robot = Robot(there.url, stage.world.twilio, Ledger())
    for business in (stage.mine, stage.theirs):
        call = robot.leaves_message(business)
        stage.expect(call.read_back, f"what was put back does not serve {business.name}")
        told = f"{call.name} is told of by mail"
        wait_for(told, lambda name=call.name: any(name in str(m) for m in there.sink.mails))  # type: ignore[misc]


def rotated(stage: Stage) -> Figures:
    """As docs/running.md says: the new key before the old one, all under it, the old one out."""
    world, old = stage.world, stage.world.settings.encryption_keys
    new = Fernet.generate_key().decode()
    straight = {"DATABASE_URL": world.settings.database_url}
    with calls_go_on(stage):
        _with_keys(world, (new, *old))
        told = command(["rotate-keys"], world.environment("web-1") | straight)
        command(["rotate-keys", "--check"], world.environment("web-1") | straight)
        _with_keys(world, (new,))
    stage.healed()
    calls = all_noted(stage)
    requests = [one for call in stage.ledger.calls for one in call.requests]
    refused = sum(one.status == 403 for one in requests)
    stage.expect(not refused, f"{refused} of {len(requests)} signatures were refused")
    return {"requests": len(requests), "refused": refused, "noted": calls,
            "rotated": " ".join(told.splitlines()[0].split())}  # fmt: skip


def _with_keys(world: World, keys: tuple[str, ...]) -> None:
    """Each process begins anew, one after the other."""
    world.settings = replace(world.settings, encryption_keys=keys)
    for part in world.product:
        part.environment = world.environment(part.name)
        world.restart([part])
        if part.name in NODES:
            time.sleep(REMEMBERED)


DRILLS = (
    Drill(
        "backup", f"a backup while {TALKING} lines are busy, put back in a folder of its own",
        "what was before it is there to the letter, what was put back serves", restored,
        Sabotage("one-moment"), first=False,
    ),
    Drill(
        "key-rotation", "a new key, everything under it, the old one out, while calls go on",
        "0 refused signatures, every message noted", rotated,
        Sabotage("older-keys", of=("web", "worker")), first=False,
    ),
)  # fmt: skip
