"""Fixed replies in a fixed order, for tests."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from app.ai.interpreter import Heard, InterpreterError, Tier, Understood
from app.voice.flow.messages import Proposal

Reply = Understood | Proposal | Exception | None


@dataclass(frozen=True, slots=True)
class Delayed:
    """A reply that takes `seconds` to come."""

    reply: Reply
    seconds: float


class ScriptedInterpreter:
    """Gives `replies` one after the other; exceptions are raised. `heard` keeps what was asked."""

    def __init__(self, replies: Iterable[Reply | Delayed] = ()) -> None:
        self._replies = list(replies)
        self._lock = Lock()
        self.heard: list[Heard] = []

    def interpret(self, heard: Heard) -> Understood:
        with self._lock:
            self.heard.append(heard)
            if not self._replies:
                raise InterpreterError("the script has ended", permanent=True)
            reply = self._replies.pop(0)
        if isinstance(reply, Delayed):
            time.sleep(reply.seconds)
            reply = reply.reply
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Understood) else Understood(reply, Tier.SCRIPTED)
