"""A real local server that speaks as much of /v1/chat/completions as the product uses.

`with FakeOpenAI() as server:` serves on `server.base_url`. Replies are scripted, first in first
out; when none is left, `server.default` answers. Every request body is kept in `server.requests`.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What is sent: `body` as JSON, or `raw` as it is. `slow` seconds pass before the first byte;
    `trickle` seconds between any two bytes."""

    body: Body = field(default_factory=dict)
    raw: bytes = b""
    status: int = 200
    slow: float = 0.0
    trickle: float = 0.0

    def payload(self) -> bytes:
        return self.raw or json.dumps(self.body).encode()


def tool_call(name: str, arguments: Body | str, **more: Any) -> Reply:
    """A reply that calls one tool; `more` are fields of Reply."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    called = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}
    message = {"role": "assistant", "content": None, "tool_calls": [called]}
    return Reply(_completion(message, "tool_calls"), **more)


def content(text: str, finish: str = "stop") -> Reply:
    return Reply(_completion({"role": "assistant", "content": text}, finish))


def refusal(text: str = "I can't help with that.") -> Reply:
    return Reply(_completion({"role": "assistant", "content": None, "refusal": text}, "stop"))


def truncated(name: str = "answer", arguments: str = '{"text": "We are op') -> Reply:
    reply = tool_call(name, arguments)
    reply.body["choices"][0]["finish_reason"] = "length"
    return reply


def several_calls() -> Reply:
    reply = tool_call("finish", {})
    reply.body["choices"][0]["message"]["tool_calls"] *= 2
    return reply


def malformed() -> Reply:
    return Reply(raw=b'{"choices": [{"message": ')


def giant(size: int = 1_000_000) -> Reply:
    return tool_call("finish", "{" + " " * size + "}")


def status(code: int) -> Reply:
    return Reply({"error": {"message": "no", "type": "fake", "code": str(code)}}, status=code)


def _completion(message: Body, finish: str) -> Body:
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "fake",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": 120,
            "completion_tokens": 12,
            "total_tokens": 132,
            "prompt_tokens_details": {"cached_tokens": 100},
        },
    }


class FakeOpenAI:
    """`default` may be a Reply, or a function of the request body that makes one."""

    def __init__(self, *replies: Reply, default: Reply | Callable[[Body], Reply] | None = None):
        self._replies = deque(replies)
        self.default = default or tool_call("finish", {})
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/v1"

    def script(self, *replies: Reply) -> None:
        with self._lock:
            self._replies.extend(replies)

    def was_asked(self, within: float) -> bool:
        """Wait until a request is here, `within` seconds at most."""
        until = time.monotonic() + within
        while not self.requests and time.monotonic() < until:
            time.sleep(0.02)
        return bool(self.requests)

    def forget(self) -> None:
        """As if nothing had been scripted or asked yet."""
        with self._lock:
            self._replies.clear()
            self.requests.clear()
            self.headers.clear()

    def next_reply(self, body: Body, headers: dict[str, str]) -> Reply:
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            if self._replies:
                return self._replies.popleft()
        return self.default(body) if callable(self.default) else self.default

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the server."""
        self._closing.wait(seconds)

    @property
    def closing(self) -> bool:
        return self._closing.is_set()


def _handler(server: FakeOpenAI) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 30

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.path.endswith("/chat/completions"):
                return self._send(status(404))
            self._send(
                server.next_reply(
                    json.loads(raw), {key.lower(): value for key, value in self.headers.items()}
                )
            )

        def _send(self, reply: Reply) -> None:
            server.pause(reply.slow)
            payload = reply.payload()
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                for piece in _pieces(payload, reply.trickle):
                    self.wfile.write(piece)
                    self.wfile.flush()
                    if reply.trickle:
                        server.pause(reply.trickle)
                    if server.closing:
                        break
            except OSError:  # the client has given up; that is what the test is about
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def _pieces(payload: bytes, trickle: float) -> list[bytes]:
    return [payload[i : i + 1] for i in range(len(payload))] if trickle else [payload]
