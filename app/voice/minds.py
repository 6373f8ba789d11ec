"""Who understands words on this node, and the threads that think."""

import importlib
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app import breaker, logs
from app.ai.interpreter import Interpreter
from app.ai.offline import OfflineInterpreter
from app.breaker import Breaker
from app.voice.inbox import Delivery
from app.voice.sharing import FairPool, Pace, Shares
from config import Settings

if TYPE_CHECKING:
    from app.ai.openai import OpenAIInterpreter

MODEL_FAILURES, MODEL_REST = 3, 20.0
LARGEST_POOL = 256


class _Carrying(ThreadPoolExecutor):
    """Its lines in the log are about what its submitter's are."""

    def submit(self, work: Any, /, *args: Any, **named: Any) -> "Future[Any]":
        return super().submit(logs.carried(work), *args, **named)


class Minds:
    """Built lazily, so that each process has its own threads and clients after a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, OpenAIInterpreter] = {}
        self.thoughts: dict[Delivery, Future[str]] = {}  # what is being thought about here
        self.offline: Interpreter = OfflineInterpreter()
        if settings.openai_api_key:
            # It takes a second to import: before the first call, and before the fork.
            importlib.import_module("app.ai.openai")

    @cached_property
    def turns(self) -> FairPool:
        return FairPool(min(self._settings.web_threads, LARGEST_POOL), "turn")

    @cached_property
    def requests(self) -> Shares:
        """Of this node's web threads, which wait for the thoughts."""
        return Shares(self._settings.web_threads)

    @cached_property
    def pace(self) -> Pace:
        """At work, each has a connection; half of them are left to others."""
        return Pace(max(1, self._settings.db_pool_size // 2))

    @cached_property
    def calls(self) -> ThreadPoolExecutor:
        # Abandoned model calls keep their thread until the client's own timeout.
        return _Carrying(min(2 * self._settings.web_threads, LARGEST_POOL), "model")

    def guard(self, name: str) -> Breaker:
        """Of that model: another tenant's may be another server's."""
        name = name or self._settings.openai_model
        return breaker.of(f"model {name}", MODEL_FAILURES, MODEL_REST)

    def close(self) -> None:
        """End the threads and connections of this process."""
        if "turns" in vars(self):
            vars(self).pop("turns").close()
        if "calls" in vars(self):
            vars(self).pop("calls").shutdown(cancel_futures=True)
        for model in self._models.values():
            model.close()
        self._models.clear()

    def model(self, name: str) -> Interpreter | None:
        """The interpreter for a tenant's model name ("": the installation's), if there is a key."""
        if not self._settings.openai_api_key:
            return None
        name = name or self._settings.openai_model
        if name not in self._models:
            from app.ai import openai

            self._models[name] = openai.OpenAIInterpreter(
                api_key=self._settings.openai_api_key,
                base_url=self._settings.openai_base_url,
                model=name,
            )
        return self._models[name]
