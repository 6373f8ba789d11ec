"""The one foreground command: databases, web, worker and scheduler, ended by one Ctrl-C."""

import argparse
import contextlib
import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType

import psycopg2

from app.cli import demo_file, prepare
from app.cli.family import LONG_LIFE, MOST_FAILURES, ChildFailed, Family
from app.cli.progress import step
from app.embedded import EmbeddedPostgres, EmbeddedServiceError, EmbeddedValkey, is_taken, place
from app.embedded.ports import HOST
from app.embedded.server import EmbeddedServer
from config import DB_POOL_OVERFLOW, BadSetting, Settings, local_base_url

PORTS_TRIED = 100
PATIENCE = 60.0
RESERVED = 3
"""Connections PostgreSQL keeps for superusers."""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotStart(Exception):
    """A message for the terminal."""


PROBLEMS = (BadSetting, CannotStart, ChildFailed, EmbeddedServiceError, prepare.NotPrepared)


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py start", description=__doc__).parse_args(argv)
    try:
        with contextlib.ExitStack() as stack:
            run(settings, stack)
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
    except PROBLEMS as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def run(settings: Settings, stack: contextlib.ExitStack) -> None:
    """Everything entered on `stack` ends in reverse order, whatever happens."""
    for stopping in STOPPING:
        signal.signal(stopping, interrupt)
    settings = choose_port(settings)
    postgres = None if settings.database_url else EmbeddedPostgres(settings.data_dir)
    valkey = None if settings.redis_url else EmbeddedValkey(settings.data_dir)
    own = [service for service in (postgres, valkey) if service]
    start_databases(own, stack)
    settings = prepare.prepare(settings, postgres)
    settings = replace(settings, redis_url=valkey.url) if valkey else settings
    demo_file.correct_base_url(settings)
    check_connections(settings)
    family = Family(environment(settings), settings.data_dir / "log")
    stack.callback(end, family)
    start_children(family, settings)
    announce(settings)
    family.watch([kept_alive(service) for service in own])


def kept_alive(service: EmbeddedServer) -> Callable[[], None]:
    """A look after one of our own databases: when it has ended by itself it is started again, on
    the port that everybody knows; one that keeps ending ends everything."""
    failures: list[float] = []

    def look() -> None:
        try:
            service.check()
        except EmbeddedServiceError:
            now = time.monotonic()
            failures[:] = [at for at in failures if now - at < LONG_LIFE]
            if len(failures) >= MOST_FAILURES:
                raise
            failures.append(now)
            print(f"{service.name} ended unexpectedly and is started again. Its log: {service.log}")
            service.revive()

    return look


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def end(family: Family) -> None:
    """A second Ctrl-C does not wait for calls and jobs under way."""

    def hurry(number: int, frame: FrameType | None) -> None:
        family.hurry = True

    for stopping in STOPPING:
        signal.signal(stopping, hurry)
    print("\nEnding …", flush=True)
    family.end()


def choose_port(settings: Settings) -> Settings:
    """A default may move to the next free port; what somebody asked for may not."""
    port = settings.port
    if is_taken(port) and "port" in settings.given:
        raise CannotStart(f"PORT {port} is taken by another program. Free it or choose another.")
    last = min(port + PORTS_TRIED, 65535)
    free = next((candidate for candidate in range(port, last) if not is_taken(candidate)), None)
    if free is None:
        raise CannotStart(f"Ports {port} to {last} are all taken. Set PORT to a free one.")
    if "public_base_url" in settings.given:
        return replace(settings, port=free)
    return replace(settings, port=free, public_base_url=local_base_url(free))


def start_databases(
    own: Sequence[EmbeddedPostgres | EmbeddedValkey], stack: contextlib.ExitStack
) -> None:
    """All at once, though not in threads, which would take the servers along when they end."""
    if not own:
        return
    with step("starting the databases"):
        for service in own:
            stack.callback(service.stop)
            service.launch()
        for service in own:
            service.wait_ready()


def check_connections(settings: Settings) -> None:
    """Each process fills its pool under load; better a message now than errors then."""
    processes = settings.web_workers + settings.workers + 1
    needed = processes * (settings.db_pool_size + DB_POOL_OVERFLOW) + RESERVED
    try:
        connection = psycopg2.connect(settings.database_url, connect_timeout=10)
    except psycopg2.OperationalError as problem:
        raise CannotStart(f"DATABASE_URL does not lead to a database: {problem}") from problem
    try:
        with connection.cursor() as cursor:
            cursor.execute("show max_connections")
            row = cursor.fetchone()
    finally:
        connection.close()
    allowed = int(row[0]) if row else 0
    if needed > allowed:
        raise CannotStart(
            f"{processes} processes with DB_POOL_SIZE={settings.db_pool_size} need {needed} "
            f"connections, but the database allows {allowed}. Lower DB_POOL_SIZE, WEB_WORKERS or "
            "WORKERS, or raise max_connections."
        )


def environment(settings: Settings) -> dict[str, str]:
    """The children's: what was decided here, and nothing of the database's administrator."""
    return dict(os.environ) | {
        "DATABASE_URL": settings.database_url,
        "DATABASE_ADMIN_URL": "",
        "REDIS_URL": settings.redis_url,
        "PORT": str(settings.port),
        "PUBLIC_BASE_URL": settings.public_base_url,
        "PYTHONUNBUFFERED": "1",
    }


def start_children(family: Family, settings: Settings) -> None:
    """Web first, and the others when it answers: they would only slow it down."""
    with step("starting the web server"):
        family.add("web")
        deadline = time.monotonic() + PATIENCE
        while not is_healthy(settings.port):
            family.check()
            if time.monotonic() > deadline:
                log = family.log_dir / "web.log"
                raise CannotStart(f"The web server does not answer. Its log: {log}")
            time.sleep(0.05)
    start_others(family, settings)


def start_others(family: Family, settings: Settings) -> None:
    for number in range(1, settings.workers + 1):
        family.add("worker", "worker" if settings.workers == 1 else f"worker-{number}")
    family.add("scheduler")
    if settings.encoder:
        family.add("encoder")


def is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announce(settings: Settings) -> None:
    demo = {} if settings.is_production else demo_file.read(settings)
    lines = [f"\nReady at {settings.public_base_url}", ""]
    if settings.public_base_url != local_base_url(settings.port):
        lines[:1] = [f"{lines[0]} (here: {local_base_url(settings.port)})"]
    if demo:
        where = demo_file.path(settings)
        lines += [f"  Log in as {demo['admin']['username']}; passwords are in {where}"]
        lines += [f"  {tenant['number']}  {tenant['name']}" for tenant in demo["tenants"]]
        lines += ["", "  Place a call, in another terminal:  python3 run.py call"]
    if outside := place.elsewhere(settings.data_dir):
        lines += [f"  The databases are in {outside}, as their user cannot enter DATA_DIR."]
    lines += [f"  Logs: {settings.data_dir / 'log'}", "  Ctrl-C ends everything."]
    print("\n".join(lines), flush=True)
