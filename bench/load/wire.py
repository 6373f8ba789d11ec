"""A request as cheap as can be: the load tool shares the two cores with what it measures."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlencode

PATIENCE = 15.0
"""Seconds that Twilio waits: https://www.twilio.com/docs/voice/twiml#request-timeouts"""
TYPE = "application/x-www-form-urlencoded; charset=UTF-8"


class Failed(Exception):
    """No answer in time, or none that Twilio could use."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    seconds: float


async def post(port: int, path: str, form: dict[str, str], headers: dict[str, str]) -> Answer:
    """To this machine, on a connection of its own. Raises Failed."""
    body = urlencode(form).encode()
    told = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": TYPE} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    message = f"POST {path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(message)
                received = await reader.read(-1)
            finally:
                writer.close()
    except (OSError, TimeoutError) as problem:
        raise Failed(f"{path}: {type(problem).__name__}") from problem
    took = time.perf_counter() - began
    begun, _, rest = received.partition(b"\r\n\r\n")
    try:
        status = int(begun.split(b" ", 2)[1])
    except (IndexError, ValueError):
        raise Failed(f"{path}: no HTTP") from None
    return Answer(status, rest.decode(), took)
