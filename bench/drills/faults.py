"""A TCP proxy between the product and what it depends on, whose manner changes while it runs.

What a real network does to packets needs root; here a black hole accepts a connection and then
neither passes anything on nor answers, which costs the product its read timeouts, not its connect
timeouts. `REFUSE` closes the port itself.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from app.embedded import free_port
from app.embedded.ports import HOST

PIECE = 64 * 1024
PATIENCE = 10.0
_LINGER_OFF = struct.pack("ii", 1, 0)  # closing then sends a reset


class How(StrEnum):
    PASS = "pass"
    REFUSE = "refuse"  # nobody listens; connections that stand are reset
    BLACK_HOLE = "black hole"  # what is sent, on old and new connections, waits for ever
    SLOW = "slow"  # each answer comes `seconds` later
    TRICKLE = "trickle"  # answers come a byte at a time, `seconds` apart
    CUT = "cut"  # an answer breaks off after `bytes`
    RESET = "reset"  # whoever sends something is reset


@dataclass(frozen=True, slots=True)
class Manner:
    how: How = How.PASS
    seconds: float = 0.0
    bytes: int = 0


PASS = Manner()


class FaultProxy:
    """Listens on `port` as long as it is not told to refuse; `connections` were ever accepted."""

    def __init__(self, loop: "Loop", target: int) -> None:
        self.port, self.target = free_port(0), target
        self.connections = 0
        self._loop, self._manner = loop, PASS
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()
        loop.run(self._listen())

    def set(self, how: How, seconds: float = 0.0, bytes: int = 0) -> None:
        self._loop.run(self._become(Manner(how, seconds, bytes)))

    def heal(self) -> None:
        self.set(How.PASS)

    def close(self) -> None:
        self._loop.run(self._become(Manner(How.REFUSE)))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self.port, backlog=512)

    async def _become(self, manner: Manner) -> None:
        self._manner = manner
        self._changed.set()
        self._changed = asyncio.Event()
        if manner.how in (How.REFUSE, How.RESET):
            for writer in list(self._open):
                _reset(writer)
        if manner.how is How.REFUSE and self._server:
            self._server.close()
            self._server = None
        elif manner.how is not How.REFUSE and self._server is None:
            await self._listen()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            await self._passable()
            back, there = await asyncio.open_connection(HOST, self.target)
            self._open.add(there)
            ways = {
                asyncio.ensure_future(self._pump(reader, there, self._out)),
                asyncio.ensure_future(self._pump(back, writer, self._back)),
            }
            _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in left:
                way.cancel()
        except OSError:
            _reset(writer)
        finally:
            for end in (writer, there):
                if end is not None:
                    self._open.discard(end)
                    end.close()

    async def _passable(self) -> None:
        while self._manner.how is How.BLACK_HOLE:
            await self._changed.wait()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        send: Callable[[asyncio.StreamWriter, bytes], Awaitable[None]],
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                await self._passable()
                await send(writer, piece)

    async def _out(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        if self._manner.how is How.RESET:
            raise ConnectionResetError
        writer.write(piece)
        await writer.drain()

    async def _back(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        manner = self._manner
        if manner.how is How.SLOW:
            await asyncio.sleep(manner.seconds)
        if manner.how is How.CUT:
            writer.write(piece[: manner.bytes])
            await writer.drain()
            raise ConnectionResetError
        while manner.how is How.TRICKLE and self._manner is manner and piece:
            writer.write(piece[:1])
            await writer.drain()
            piece = piece[1:]
            await asyncio.sleep(manner.seconds)
        writer.write(piece)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        peer = writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
    writer.transport.abort()


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # for transports to close


class Loop:
    """The thread that all proxies run on."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)
