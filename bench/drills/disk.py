"""A drill of a full disk: PostgreSQL's rows and the product's logs share one that is small.

What PostgreSQL writes ahead (its WAL) lies elsewhere: where that disk is full the server ends, and
that is `postgres-outage`.
"""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2

from app import snapshot
from app.cli.migrate import DATABASE
from app.embedded import place
from app.embedded.ports import HOST
from bench.drills import later
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.mail import wait_for
from bench.drills.postgres import HELD, NONE_LOST, Midway, messages
from bench.drills.world import World

MB = 1024 * 1024
ROOM = 12 * MB
CALLERS, FULL_FOR, FILLER = 6, 30.0, "filler"
MOVED = "alter {} all in tablespace {} set tablespace {}"


class Missing(Exception):
    """A disk cannot be made here; the message says why."""


@contextmanager
def small_disk(world: World) -> Iterator[Path]:
    """With all tables, their indexes and the logs on it, and some room. Raises Missing."""
    disk, who = world.folder / "disk", place.identity()
    rows = world.query("select pg_database_size(%s)", DATABASE)[0][0]
    logs = sum(part.log.stat().st_size for part in world.product)
    disk.mkdir()
    _mount(disk, rows + logs + ROOM)
    try:
        (disk / "rows").mkdir(mode=0o700)
        who.give(disk / "rows")
        _outside(world, f"create tablespace small location '{disk / 'rows'}'")
        _move_rows(world, "pg_default", "small")
        _move_logs(world, disk)
        try:
            yield disk
        finally:
            (disk / FILLER).unlink(missing_ok=True)
            _move_logs(world, world.folder)
            _move_rows(world, "small", "pg_default")
            _outside(world, "checkpoint", "drop tablespace small")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)
        disk.rmdir()


def _mount(disk: Path, size: int) -> None:
    if os.geteuid() != 0:
        raise Missing("could not run here: only root can mount a small disk")
    options = f"size={size // 1024}k,mode=755"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Missing(f"could not run here: {done.stderr.strip()}")


def _outside(world: World, *statements: str) -> None:
    """Such as may stand in no transaction."""
    connection = psycopg2.connect(world.postgres.url(DATABASE))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def _move_rows(world: World, here: str, there: str) -> None:
    for kind in ("table", "index"):
        world.query(MOVED.format(kind, here, there))


def _move_logs(world: World, folder: Path) -> None:
    """Each log is a link where it was. What was cut off in the middle of a line is left out when
    they come back."""
    world.stop(world.product)
    for part in world.product:
        text = part.log.read_bytes()
        part.log.unlink()
        there = folder / part.log.name
        there.write_bytes(b"".join(line for line in text.splitlines(keepends=True) if _whole(line)))
        if there != part.log:
            part.log.symlink_to(there)
    world.start(world.product)


def _whole(line: bytes) -> bool:
    if not line.startswith(b"{"):
        return True
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def fill(disk: Path) -> Path:
    filler = disk / FILLER
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    return filler


def full(stage: Stage) -> Figures:
    world, midway = stage.world, Midway()
    try:
        with small_disk(world) as disk:
            beginning = messages(stage, _at_once(), CALLERS)
            with stage.robot.meanwhile(messages(stage, midway, CALLERS)):
                midway.wait_for(CALLERS)
                filler = fill(disk)
                midway.go_on()
                with stage.robot.meanwhile(beginning):
                    time.sleep(FULL_FOR)
                    left, ready = shutil.disk_usage(disk).free, _ready(world)
                    filler.unlink()
            stage.expect(503 in ready, f"while it was full, /readyz answered {ready}")
            wait_for("all nodes are ready again", lambda: set(_ready(world)) == {200})
            stage.healed()
            later.let_pass(world, [call.call_sid for call in stage.ledger.calls])
            without = [(one.call_sid, one.said[-3:]) for one in stage.ledger.calls
                       if not one.promised]  # fmt: skip
            stage.expect(not without, f"{len(without)} callers left no message: {without[:2]}")
            stage.robot.at_once(messages(stage, _at_once(), 2))
            stage.expect(stage.ledger.calls[-1].read_back, "afterwards it is not as it was before")
            stage.wait_settled()
            stage.expect(left < MB, f"the disk had {left} bytes left")
            whole = snapshot.write(world.postgres.url(DATABASE), world.folder / "whole.zip")
    except Missing as problem:
        stage.expect(False, str(problem))
        return {}
    calls = stage.ledger.calls
    return {
        "noted": sum(call.read_back for call in calls),
        "after the tone": sum(bool(call.recordings) for call in calls),
        "rows read afterwards": whole.rows,
    }  # fmt: skip


def _at_once() -> Midway:
    midway = Midway()
    midway.go_on()
    return midway


def _ready(world: World) -> list[int]:
    """What each node answers on /readyz."""
    found = []
    for port in world.nodes:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=10) as answer:
                found.append(answer.status)
        except urllib.error.HTTPError as error:
            found.append(error.code)
    return found


DRILLS = (
    Drill(
        "disk-full", "the disk of rows and logs is full in the middle of calls; others begin",
        f"{NONE_LOST}, /readyz says 503, every row can be read afterwards",
        full, Sabotage("full-told"), HELD, first=False,
    ),
)  # fmt: skip
