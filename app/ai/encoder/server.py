"""Serves the encoder on a Unix socket: questions at once, texts to be learnt one after another."""

import contextlib
import hashlib
import logging
import os
import queue
import socket
import socketserver
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.ai.encoder import wire
from app.ai.encoder.model import DIMENSIONS, Array, Model

MOST_ROWS = 60_000  # vectors kept, of all sets together: 46 MB
MOST_TEXTS = 20_000  # of one set
LONGEST = 2_000  # characters read of one text
AT_ONCE = 2  # questions thought about at a time
WAITING = 32  # questions beyond that
SETS_WAITING = 256  # an entry that is saved is one
RECENT = 64  # utterances whose vectors are at hand
PIECE = 2  # texts learnt between two questions
ASIDE = 0.3  # seconds that learning stands aside for questions, at most, for each piece
IDLE = 5.0  # seconds a connection may say nothing

Halves = NDArray[np.float16]  # half as large, and as good for comparing

log = logging.getLogger(__name__)


class Sets:
    """Vectors of the sets used last. A text known from any set is not encoded again."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._kept: OrderedDict[str, tuple[dict[bytes, int], Halves]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Array | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][1].astype(np.float32)

    def learn(self, key: str, texts: Sequence[str], between: Callable[[], None]) -> None:
        """`between` is called before each piece: time for others."""
        names, rows = _names(texts), np.zeros((len(texts), DIMENSIONS), np.float16)
        missing = sorted(self._copy_known(names, rows), key=lambda at: len(texts[at]))
        for begin in range(0, len(missing), PIECE):
            between()
            piece = missing[begin : begin + PIECE]
            rows[piece] = self._model.vectors([texts[at] for at in piece])
        self._keep(key, names, rows)

    def join(self, key: str, texts: Sequence[str]) -> bool:
        """Whether the set is known now, at no cost: its texts are, from other sets."""
        names, rows = _names(texts), np.zeros((len(texts), DIMENSIONS), np.float16)
        if self.get(key) is None:
            if self._copy_known(names, rows):
                return False
            self._keep(key, names, rows)
        return True

    def _keep(self, key: str, names: Sequence[bytes], rows: Halves) -> None:
        """In place of those that it contains: what was saved entry by entry, or is out of date."""
        known = {name: at for at, name in enumerate(names)}
        with self._lock:
            for other in [k for k, (where, _) in self._kept.items() if where.keys() < known.keys()]:
                del self._kept[other]
            self._kept[key] = (known, rows)
            while len(self._kept) > 1 and self._rows() > MOST_ROWS:
                self._kept.popitem(last=False)

    def _copy_known(self, names: Sequence[bytes], rows: Halves) -> list[int]:
        """Positions that are still to be encoded."""
        missing = []
        with self._lock:
            kept = list(self._kept.values())
        for at, name in enumerate(names):
            known = next((vectors[where[name]] for where, vectors in kept if name in where), None)
            if known is None:
                missing.append(at)
            else:
                rows[at] = known
        return missing

    def _rows(self) -> int:
        return sum(len(vectors) for _, vectors in self._kept.values())


def _names(texts: Sequence[str]) -> list[bytes]:
    return [hashlib.blake2b(text.encode("utf-8", "replace")).digest() for text in texts]


class Encoder:
    """What a request asks, done. Questions go before learning."""

    def __init__(self, model: Model) -> None:
        self._sets = Sets(model)
        self._to_learn: queue.Queue[tuple[str, list[str]]] = queue.Queue(SETS_WAITING)
        self._planned: set[str] = set()
        self._asked = 0  # questions that are not answered yet
        self._answered = threading.Condition()
        # A turn compares the same words with entries and with departments.
        self._vector = lru_cache(RECENT)(lambda words: model.vectors([words])[0])
        self._thinking = threading.BoundedSemaphore(AT_ONCE)
        threading.Thread(target=self._learn, daemon=True, name="learning").start()

    def answer(self, request: dict[str, Any]) -> bytes:
        match request:
            case {"state": _}:
                return wire.LEARNING if self._planned else wire.IDLE
            case {"set": str(key), "words": str(words)}:
                return self._alike(key, words[:LONGEST])
            case {"set": str(key), "texts": list(texts)} if len(texts) <= MOST_TEXTS:
                return self._take(key, [str(text)[:LONGEST] for text in texts])
        return wire.REFUSED

    def _alike(self, key: str, words: str) -> bytes:
        with self._answered:
            if self._asked >= AT_ONCE + WAITING:
                return wire.REFUSED
            self._asked += 1
        try:
            with self._thinking:
                vectors = self._sets.get(key)
                if vectors is None:
                    return wire.UNKNOWN
                alike = vectors @ self._vector(words)
                return wire.ALIKE + alike.astype("<f4").tobytes()
        finally:
            with self._answered:
                self._asked -= 1
                self._answered.notify_all()

    def _step_aside(self) -> None:
        """While questions wait, but not for ever: who asks on and on must not end all learning."""
        with self._answered:
            self._answered.wait_for(lambda: not self._asked, ASIDE)

    def _take(self, key: str, texts: list[str]) -> bytes:
        if key in self._planned or self._sets.join(key, texts):
            return wire.TAKEN
        self._planned.add(key)  # first: the set may be learnt before the next line
        try:
            self._to_learn.put_nowait((key, texts))
        except queue.Full:
            self._planned.discard(key)
            return wire.REFUSED
        return wire.TAKEN

    def _learn(self) -> None:
        while True:
            key, texts = self._to_learn.get()
            try:
                self._sets.learn(key, texts, self._step_aside)
            except Exception:  # the edge of this thread: one set must not end all learning
                log.exception("texts could not be learnt")
            finally:
                self._planned.discard(key)


class _Connection(socketserver.BaseRequestHandler):
    server: "Server"

    def handle(self) -> None:
        sock: socket.socket = self.request
        sock.settimeout(IDLE)
        with contextlib.suppress(wire.Broken, OSError):
            sock.sendall(self.server.encoder.answer(wire.receive(sock)))


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """For processes of our own user alone. Raises OSError."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, model: Model) -> None:
        self.encoder = Encoder(model)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not wire.is_ours(path.parent):
            raise OSError(f"{path.parent} belongs to somebody else")
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Connection)
        finally:
            os.umask(before)
