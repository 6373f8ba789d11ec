"""A stand-in for Twilio's REST API: the state of calls, hanging up, and faults.

Speaks the JSON of https://www.twilio.com/docs/voice/api/call-resource.
"""

import base64
import json
import re
import threading
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

_CALL = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Calls/(CA[0-9a-f]{32})\.json")
ENDED = ("completed", "busy", "failed", "no-answer", "canceled")


class TwilioRest:
    """`accounts` maps an account to its token, `calls` a call to its resource. While `fault` is
    set every request gets this status. `asked` holds (method, call_sid) of each request."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        self.calls: dict[str, dict[str, Any]] = {}
        self.fault: int | None = None
        self.asked: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def reset(self) -> None:
        self.accounts, self.calls, self.fault, self.asked = {}, {}, None, []

    def has_call(
        self, account_sid: str, call_sid: str, status: str, *,
        duration: int | None = None, ended_at: datetime | None = None,
    ) -> None:  # fmt: skip
        self.calls[call_sid] = {
            "sid": call_sid,
            "account_sid": account_sid,
            "status": status,
            "duration": None if duration is None else str(duration),
            "end_time": format_datetime(ended_at.astimezone(UTC)) if ended_at else None,
        }

    def answer(self, method: str, path: str, token: str, form: dict[str, str]) -> tuple[int, Any]:
        found = _CALL.fullmatch(path)
        if not found:
            return 404, _problem(404, 20404, "The requested resource was not found")
        account_sid, call_sid = found.groups()
        self.asked.append((method, call_sid))
        if self.fault:
            return self.fault, _problem(self.fault, 20500, "fault")
        if self.accounts.get(account_sid) != token:
            return 401, _problem(401, 20003, "Authenticate")
        call = self.calls.get(call_sid)
        if call is None or call["account_sid"] != account_sid:
            return 404, _problem(404, 20404, "The requested resource was not found")
        if method == "POST" and form.get("Status") == "completed":
            if call["status"] in ENDED:
                return 400, _problem(400, 21220, "Call is not in-progress. Cannot redirect.")
            call |= {"status": "completed", "duration": "1"}
        return 200, call

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                form = parse_qs(self.rfile.read(length).decode())
                login = self.headers.get("Authorization", "").removeprefix("Basic ")
                token = base64.b64decode(login).decode().partition(":")[2]
                status, body = fake.answer(
                    self.command, self.path, token, {k: v[0] for k, v in form.items()}
                )
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _problem(status: int, code: int, message: str) -> dict[str, Any]:
    return {"status": status, "code": code, "message": message}
