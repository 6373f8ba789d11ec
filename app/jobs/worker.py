"""The worker process: RQ waits for a look and forks a child that drains the outbox.

The forking Worker, not the faster SimpleWorker: a look drains many rows, so its fork is paid
seldom, and a row that crashes or hangs takes its child along but not the worker.
"""

import contextlib
import importlib
import os
import signal
import time
from logging import getLogger
from types import FrameType
from typing import Any

from flask import Flask, current_app
from redis import Redis, RedisError
from rq import Worker
from rq.job import Job as RqJob
from rq.queue import Queue
from rq.serializers import JSONSerializer

from app.alerts import watching
from app.extensions import db
from app.jobs import children, heartbeat, outbox, queues, running
from app.metrics import keeping

DRAIN_SECONDS = 60.0
MAINTENANCE_SECONDS = 20  # RQ's 600 would leave a killed worker's look alone for that long
WORKER_TTL = 60  # RQ blocks for 15 s less; a Redis that hangs is noticed 10 s later than that
PAUSE = 1.0

log = getLogger(__name__)
_stop_asked = False


def look() -> None:
    """What every RQ job runs, in the child: all that is due, or as much as fits in a minute."""
    with children.in_good_order():
        running.run_due(DRAIN_SECONDS, stopping=lambda: _stop_asked)
        if not _stop_asked and running.any_due():
            outbox.wake()


class OutboxWorker(Worker):
    """An RQ worker that ends between two rows when it is asked to stop."""

    max_connection_wait_time = 5.0
    stop_asked = False
    tells = False
    looks_again_at = 0.0

    def heartbeat(self, *args: Any, **named: Any) -> None:
        """RQ's own round: a worker that hangs leaves no sign of life, one without work does."""
        super().heartbeat(*args, **named)
        if os.getpid() != self.pid:  # a child, whose connections are its own
            return
        self.tells = True
        try:
            heartbeat.beat(heartbeat.WORKER)
            keeping.keep()
            self._stand_in()
        finally:
            self.tells = False
        if self.stop_asked and not self._stop_requested:
            super().request_stop(signal.SIGTERM, None)

    def _stand_in(self) -> None:
        """A worker works whether it can look after alerts or not."""
        if time.monotonic() < self.looks_again_at:
            return
        self.looks_again_at = time.monotonic() + watching.EVERY.total_seconds()
        try:
            watching.stand_in()
        except Exception as error:  # the edge
            log.warning("nobody looks after alerts", extra={"error": type(error).__name__})
        finally:
            db.session.remove()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """RQ ends a worker that waits by an exception, out of the signal's handler. In the midst of
        a question to the database that would close its connection, and be lost in what follows; so
        there it has to wait for the answer."""
        self.stop_asked = True
        if not self.tells:
            super().request_stop(signum, frame)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(self.horse_pid, signal.SIGTERM)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()
        signal.signal(signal.SIGTERM, _ask_to_stop)

    def main_work_horse(self, job: RqJob, queue: Queue) -> None:
        children.begin()
        super().main_work_horse(job, queue)


def _ask_to_stop(*_: Any) -> None:
    global _stop_asked
    _stop_asked = True


def serve(app: Flask) -> None:
    """Work until SIGTERM or SIGINT. Redis may come late, go away and come back."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    if app.extensions["settings"].openai_api_key:
        importlib.import_module("app.ai.openai")  # once, before the forks: it takes a second
    with app.app_context():
        try:
            while not _work_until_it_ends():
                signal.signal(signal.SIGTERM, _leave)
                signal.signal(signal.SIGINT, _leave)
                time.sleep(PAUSE)
        finally:
            keeping.keep()
            heartbeat.leave(heartbeat.WORKER)


def made(connection: Redis) -> OutboxWorker:
    return OutboxWorker(
        [queues.outbox_queue(connection)],
        connection=connection,
        job_class=queues.Look,
        serializer=JSONSerializer,
        maintenance_interval=MAINTENANCE_SECONDS,
        worker_ttl=WORKER_TTL,
        log_job_description=False,
    )


def _work_until_it_ends() -> bool:
    """True if it ended because it was asked to."""
    worker: OutboxWorker | None = None
    try:
        connection = queues.patient(current_app.extensions["settings"].redis_url)
        worker = made(connection)
        worker.work(logging_level="WARNING")
    except RedisError as error:
        log.warning("redis does not answer", extra={"error": type(error).__name__})
    return bool(worker and worker.stop_asked)


def _leave(*_: Any) -> None:
    raise SystemExit(0)
