"""Asks the encoder of this machine, and never waits for it longer than a caller would notice.

Without numpy: web processes stay small, and all arithmetic is on the other side.
"""

import hashlib
import socket
import threading
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.ai.encoder import wire

PATIENCE = 0.4  # seconds for one question: a turn asks three at most, and answers within 1.6
_GIVING = 10.0  # seconds for handing over a set, which nobody waits for
_PAUSES = (1, 2, 4, 8, 0)  # seconds after a set could not be handed over
_MOST_FAILURES = 3  # in a row; then it is left alone for a while
_LEFT_ALONE = 5.0
_MOST_GIVING = 64  # sets under way at a time


@dataclass(frozen=True, slots=True)
class Texts:
    """A set of texts under the hash of what they say: the same for all processes and tenants."""

    texts: tuple[str, ...]
    key: str = field(default="")

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Texts":
        digest = hashlib.sha256("\0".join(texts).encode("utf-8", "replace"))
        return cls(tuple(texts), digest.hexdigest())


class Client:
    """Safe for many threads."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path, self._patience = path, patience
        self._failures = 0
        self._not_before = 0.0
        self._giving: set[str] = set()
        self._lock = threading.Lock()

    def alike(self, words: str, texts: Texts) -> Sequence[float] | None:
        """The cosine of `words` and each text, or None: not there, late, or the set is not known
        yet (it is handed over, so that the next question finds it)."""
        if not texts.texts or time.monotonic() < self._not_before:
            return None
        try:
            answer = self._ask(words, texts)
        except (OSError, wire.Broken):
            self._failed()
            return None
        self._failures = 0
        if answer is None:
            self.prepare(texts)
        return answer

    def prepare(self, texts: Texts) -> None:
        """Hand the set over in the background, if it is not under way already."""
        with self._lock:
            full = len(self._giving) >= _MOST_GIVING
            if not texts.texts or texts.key in self._giving or full:
                return
            self._giving.add(texts.key)
        threading.Thread(target=self._give, args=(texts,), daemon=True, name="encoder").start()

    def state(self) -> str:
        """ok, learning (what is not known yet is matched by words), or not running."""
        until = time.monotonic() + self._patience
        giving = bool(self._giving)  # looked at first: what is handed over in between is learnt
        try:
            with self._connected(self._patience) as sock:
                wire.send(sock, {"state": ""})
                learns = wire.exactly(sock, 1, until) == wire.LEARNING
        except (OSError, wire.Broken):
            return "not running"
        return "learning" if learns or giving else "ok"

    def _ask(self, words: str, texts: Texts) -> Sequence[float] | None:
        until = time.monotonic() + self._patience
        with self._connected(self._patience) as sock:
            wire.send(sock, {"set": texts.key, "words": words})
            said = wire.exactly(sock, 1, until)
            if said == wire.UNKNOWN:
                return None
            if said != wire.ALIKE:
                raise wire.Broken("refused")
            found = array("f")
            found.frombytes(wire.exactly(sock, 4 * len(texts.texts), until))
            return found

    def _give(self, texts: Texts) -> None:
        """An encoder that is just being started gets them a little later; one that is away for
        longer, with the next question."""
        for pause in _PAUSES:
            try:
                with self._connected(_GIVING) as sock:
                    wire.send(sock, {"set": texts.key, "texts": texts.texts})
                    wire.exactly(sock, 1, time.monotonic() + _GIVING)
                    break
            except (OSError, wire.Broken):
                time.sleep(pause)
        with self._lock:
            self._giving.discard(texts.key)

    def _connected(self, seconds: float) -> socket.socket:
        if not wire.is_ours(self._path.parent):
            raise wire.Broken("the socket's folder is somebody else's")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(seconds)
        try:
            sock.connect(str(self._path))
        except OSError:
            sock.close()
            raise
        return sock

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= _MOST_FAILURES:
            self._not_before = time.monotonic() + _LEFT_ALONE
