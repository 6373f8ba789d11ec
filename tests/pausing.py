"""Servers that are there and do not answer: as on a machine whose disk or memory has gone."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.embedded.server import EmbeddedServer


@contextmanager
def paused(server: EmbeddedServer) -> Iterator[None]:
    """Its port takes connections, and nothing ever comes back. PostgreSQL's children are sessions
    of their own, so each is stopped by itself."""
    assert server.process_id
    stopped = [server.process_id, *_children(server.process_id)]
    _send(signal.SIGSTOP, stopped)
    try:
        yield
    finally:
        _send(signal.SIGCONT, stopped)


def _send(order: signal.Signals, processes: list[int]) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):  # a session that is over
            os.kill(pid, order)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class BlackHole:
    """A port that takes connections, counts them, and sends `drip` over and over, or nothing."""

    def __init__(self, drip: bytes = b"") -> None:
        self._drip = drip
        self._server = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    @property
    def asked(self) -> int:
        return len(self._taken)

    def __enter__(self) -> "BlackHole":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for one in self._taken:
            one.close()
        self._server.close()

    def _serve(self) -> None:
        self._server.settimeout(0.02)
        while not self._over.is_set():
            with suppress(TimeoutError):
                self._taken.append(self._server.accept()[0])
            for one in self._taken if self._drip else ():
                with suppress(OSError):
                    one.sendall(self._drip)
