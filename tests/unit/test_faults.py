"""The fault proxy of `bench drills` does what its names say, and can be told otherwise any time."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from bench.drills.faults import FaultProxy, How, Loop

ANSWER = b"hello, hello"
SOON, LATE = 0.3, 20.0


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """In front of a server that answers whatever it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as server, Loop() as loop:
        threading.Thread(target=_answer_all, args=(server,), daemon=True).start()
        made = FaultProxy(loop, server.getsockname()[1])
        yield made
        made.close()
        server.shutdown(socket.SHUT_RDWR)


def _answer_all(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        try:
            while connection.recv(100):
                connection.sendall(ANSWER)
        except OSError:
            return


def connected(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), LATE)


def told(connection: socket.socket, seconds: float = LATE, size: int = len(ANSWER)) -> bytes:
    """What comes back, until it is so long or the connection ends."""
    connection.settimeout(seconds)
    connection.sendall(b"?")
    found = b""
    while len(found) < size and (piece := connection.recv(size)):
        found += piece
    return found


def is_broken(connection: socket.socket) -> bool:
    try:
        return told(connection) == b""
    except OSError:
        return True


def test_it_passes_everything_on_until_told_otherwise(proxy: FaultProxy) -> None:
    with closing(connected(proxy)) as one:
        assert told(one) == ANSWER
        proxy.set(How.RESET)
        assert is_broken(one)
    proxy.heal()
    with closing(connected(proxy)) as one:
        assert told(one) == ANSWER


def test_where_it_refuses_nobody_listens_and_the_port_is_the_same_afterwards(
    proxy: FaultProxy,
) -> None:
    with closing(connected(proxy)) as one:
        assert told(one) == ANSWER
        proxy.set(How.REFUSE)
        with pytest.raises(ConnectionRefusedError):
            connected(proxy)
        assert is_broken(one)
    proxy.heal()
    with closing(connected(proxy)) as one:
        assert told(one) == ANSWER


def test_a_black_hole_takes_connections_and_gives_back_only_when_healed(proxy: FaultProxy) -> None:
    proxy.set(How.BLACK_HOLE)
    with closing(connected(proxy)) as one:
        with pytest.raises(TimeoutError):
            told(one, SOON)
        proxy.heal()
        one.settimeout(LATE)
        assert one.recv(100) == ANSWER


def test_it_cuts_and_trickles_answers(proxy: FaultProxy) -> None:
    proxy.set(How.CUT, bytes=5)
    with closing(connected(proxy)) as one:
        assert told(one) == ANSWER[:5]
    proxy.set(How.TRICKLE, seconds=30.0)
    with closing(connected(proxy)) as one:
        assert told(one, size=1) == ANSWER[:1]
        one.settimeout(SOON)
        with pytest.raises(TimeoutError):
            one.recv(1)
