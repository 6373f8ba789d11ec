"""RQ's side of the outbox: one queue whose jobs only say "look", as the work itself is in rows."""

from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

NAME = "outbox"
ENTRY = "app.jobs.worker.look"
ENOUGH = 16  # looks that wait; each finds every row, so more of them would find nothing
LOOK_SECONDS = 240  # RQ ends a look after this; longer than DRAIN_SECONDS and a lease together
UNSEEN_SECONDS = 300


class NotAllowed(Exception):
    """Somebody who can write to Redis asked for something else than a look."""


class Look(RqJob):
    """Runs our one entry point and nothing else.

    RQ imports whatever function, callback or webhook a job names, also with the JSON serializer:
    whoever can write to Redis could run anything. So none of those names is ever resolved.
    """

    @property
    def func(self) -> Callable[[], None]:
        from app.jobs.worker import look

        if self.func_name != ENTRY or self.instance or self.args or self.kwargs:
            raise NotAllowed("the queue holds a job that is not ours")
        return look

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        pass


def impatient(url: str) -> Redis:
    """For web requests: redis-py's own timeouts and retries make a dead Redis cost a minute."""
    return Redis.from_url(
        url, socket_connect_timeout=0.5, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )


def patient(url: str) -> Redis:
    """For the worker, which blocks while it waits; RQ sets the read timeout to fit."""
    return Redis.from_url(url, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0))


def outbox_queue(connection: Redis) -> Queue:
    return Queue(NAME, connection=connection, job_class=Look, serializer=JSONSerializer)


def ask_to_look(queue: Queue) -> None:
    """Raises redis.RedisError."""
    if queue.count < ENOUGH:
        queue.enqueue(
            ENTRY,
            description="look",
            job_timeout=LOOK_SECONDS,
            ttl=UNSEEN_SECONDS,
            result_ttl=0,
            failure_ttl=3600,
        )
