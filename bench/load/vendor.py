"""A stand-in for the model's vendor that takes its time and little of the machine's.

`python -m bench.load.vendor SECONDS` prints its port. One reply serves everybody: to a tool that is
offered, the answer from the first source told; else content.
"""

import asyncio
import json
import re
import sys
from typing import Any

_SOURCE = re.compile(r"\[(knowledge:\d+)\] Q: [^\n]*? A: ([^\n]+)")


def replied(body: dict[str, Any]) -> dict[str, Any]:
    """A chat completion, as https://platform.openai.com/docs/api-reference/chat describes it."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    told = "\n".join(one["content"] or "" for one in body["messages"])
    source = _SOURCE.search(told)
    if body.get("tools") and source:
        arguments = json.dumps({"text": source[2], "sources": [source[1]]})
        called = {"name": "answer", "arguments": arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": called}]
    elif "response_format" in body:
        message["content"] = json.dumps({"summary": "The caller asked where to park."})
    else:
        message["content"] = "Parking is free in the yard behind the shop."
    return {
        "id": "chatcmpl-load", "object": "chat.completion", "created": 1_700_000_000,
        "model": "load",
        "choices": [{"index": 0, "message": message,
                     "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}],
        "usage": {"prompt_tokens": 600, "completion_tokens": 30, "total_tokens": 630},
    }  # fmt: skip


class Vendor(asyncio.Protocol):
    """Connections are kept alive; a request is answered `seconds` after it was read."""

    seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        needed = int(length[1]) if length else 0
        if len(rest) < needed:
            return
        self._received = rest[needed:]
        payload = json.dumps(replied(json.loads(rest[:needed]))).encode()
        asyncio.get_running_loop().call_later(self.seconds, self._send, payload)

    def _send(self, payload: bytes) -> None:
        if not self._transport.is_closing():
            head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            self._transport.write(
                f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload
            )


async def serve(seconds: float) -> None:
    Vendor.seconds = seconds
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Vendor, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
