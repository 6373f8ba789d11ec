"""A stand-in for Twilio's REST API: calls, recordings, numbers, subaccounts, alerts, and faults.

Speaks the JSON of https://www.twilio.com/docs/voice/api, /docs/phone-numbers/api,
/docs/iam/api/subaccounts and /docs/usage/monitor-alert; the monitor's paths are served here, too.
"""

import base64
import contextlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SOUND = bytes(range(256)) * 8
ENDED = ("completed", "busy", "failed", "no-answer", "canceled")
_SID = "([0-9A-Za-z]{34})"
_A = rf"/2010-04-01/Accounts/{_SID}"
Reply = tuple[int, Any]


class TwilioRest:
    """`accounts` maps an account to its token, `calls` a call to its resource, and so on. While
    `fault` is set every request gets this status. `asked` holds (method, what) of each request:
    the call's id, or the path. `forms` holds what was posted. `picks_up` maps a number that is
    rung to the state its call then is in, `refuses` one that is not rung to Twilio's code. With
    `mute` set to a pattern of paths, a POST there is done but not answered: it breaks off. While
    `drip` is set, answers come a byte at a time, that many seconds apart."""

    def __init__(self) -> None:
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
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
        self.accounts: dict[str, str] = {}
        self.statuses: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.parents: dict[str, str] = {}
        self.calls: dict[str, dict[str, Any]] = {}
        self.recordings: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, dict[str, Any]] = {}
        self.offers: list[str] = []
        self.alerts: list[dict[str, Any]] = []
        self.picks_up: dict[str, str] = {}
        self.refuses: dict[str, int] = {}
        self.fault: int | None = None
        self.mute: str = ""
        self.drip = 0.0
        self.redirect_media: str = ""
        self.asked: list[tuple[str, str]] = []
        self.forms: list[tuple[str, dict[str, str]]] = []

    def has_call(
        self, account_sid: str, call_sid: str, status: str, *,
        duration: int | None = None, ended_at: datetime | None = None,
        caller: str = "", called: str = "", began_at: datetime | None = None,
    ) -> None:  # fmt: skip
        self.calls[call_sid] = {
            "sid": call_sid,
            "account_sid": account_sid,
            "status": status,
            "duration": None if duration is None else str(duration),
            "end_time": format_datetime(ended_at.astimezone(UTC)) if ended_at else None,
            "start_time": format_datetime(began_at.astimezone(UTC)) if began_at else None,
            "from": caller, "to": called,
        }  # fmt: skip

    def has_recording(
        self, account_sid: str, call_sid: str, recording_sid: str = "", **told: Any
    ) -> str:
        recording_sid = recording_sid or _sid("RE")
        self.recordings[recording_sid] = {
            "sid": recording_sid, "account_sid": account_sid, "call_sid": call_sid,
            "status": "in-progress", "source": "StartCallRecordingAPI", "channels": 2,
        } | told  # fmt: skip
        return recording_sid

    def has_message(
        self, account_sid: str, call_sid: str, made_at: datetime, seconds: int = 9, **told: Any
    ) -> str:
        """One that was spoken after the tone."""
        given: dict[str, Any] = {
            "status": "completed", "source": "RecordVerb", "channels": 1, "duration": str(seconds),
            "date_created": format_datetime(made_at.astimezone(UTC)),
        }  # fmt: skip
        return self.has_recording(account_sid, call_sid, **given | told)

    def has_number(self, account_sid: str, number: str, **told: Any) -> str:
        sid = _sid("PN")
        self.numbers[sid] = {
            "sid": sid, "account_sid": account_sid, "phone_number": number,
            "voice_url": "", "voice_method": "POST", "voice_fallback_url": "",
            "voice_fallback_method": "POST", "status_callback": "",
            "status_callback_method": "POST", "trunk_sid": None, "voice_application_sid": None,
        } | told  # fmt: skip
        return sid

    def has_alert(self, account_sid: str, code: str, about: str, level: str = "error") -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.alerts.append(
            {
                "sid": _sid("NO"), "account_sid": account_sid, "error_code": code,
                "log_level": level, "resource_sid": about, "date_created": now,
                "alert_text": "Msg=secret words of a caller",
            }
        )  # fmt: skip

    def answer(self, method: str, path: str, login: tuple[str, str], form: dict[str, str]) -> Reply:
        if method == "POST":
            self.forms.append((path, form))
        if self.fault:
            return self.fault, _problem(self.fault, 20500, "fault")
        user, token = login
        if self.accounts.get(user) != token:
            return 401, _problem(401, 20003, "Authenticate")
        if path == "/v1/Alerts":
            mine = [a for a in self.alerts if a["account_sid"] == user]
            return 200, {"alerts": mine, "meta": {"key": "alerts", "next_page_url": None}}
        routes: tuple[tuple[str, Callable[..., Reply]], ...] = (
            (rf"{_A}/Calls\.json", self._calls),
            (rf"{_A}/Calls/{_SID}\.json", self._call),
            (rf"{_A}/Calls/{_SID}/Recordings\.json", self._call_recordings),
            (rf"{_A}/Calls/{_SID}/Recordings/{_SID}\.json", self._call_recording),
            (rf"{_A}/Recordings\.json", self._recordings),
            (rf"{_A}/Recordings/{_SID}\.json", self._recording),
            (rf"{_A}/AvailablePhoneNumbers/([A-Z]{{2}})/Local\.json", self._offers),
            (rf"{_A}/IncomingPhoneNumbers\.json", self._numbers),
            (rf"{_A}/IncomingPhoneNumbers/{_SID}\.json", self._number),
            (r"/2010-04-01/Accounts\.json", self._accounts),
            (rf"{_A}\.json", self._account),
        )
        for pattern, act in routes:
            found = re.fullmatch(pattern, path)
            if not found:
                continue
            names = found.groups()
            if act not in (self._account, self._accounts) and names[0] != user:
                return 401, _problem(401, 20003, "Authenticate")
            return act(method, user, form, *names)
        return _MISSING

    def _calls(self, method: str, user: str, form: dict[str, str], _a: str) -> Reply:
        """A call of one's own: it is queued, and then as `picks_up` says."""
        if method == "GET":
            between = {"to": form["To"], "from": form["From"]}
            return 200, _page("calls", self._of(self.calls, user, **between))
        if refused := self.refuses.get(form["To"]):
            return 400, _problem(400, refused, "refused")
        sid = _sid("CA")
        self.has_call(user, sid, self.picks_up.get(form["To"], "ringing"))
        now = format_datetime(datetime.now(UTC))
        self.calls[sid] |= {"to": form["To"], "from": form["From"], "date_created": now}
        return 201, self.calls[sid] | {"status": "queued"}

    def _call(self, method: str, user: str, form: dict[str, str], _a: str, sid: str) -> Reply:
        call = self.calls.get(sid)
        if call is None or call["account_sid"] != user:
            return _MISSING
        if method == "POST" and form.get("Status") == "completed":
            if call["status"] in ENDED:
                return 400, _problem(400, 21220, "Call is not in-progress. Cannot redirect.")
            call |= {"status": "completed", "duration": "1"}
        return 200, call

    def _call_recordings(
        self, method: str, user: str, form: dict[str, str], _a: str, call_sid: str
    ) -> Reply:
        call = self.calls.get(call_sid)
        if call is None or call["account_sid"] != user:
            return _MISSING
        if method == "GET":
            return 200, _page("recordings", self._of(self.recordings, user, call_sid=call_sid))
        if call["status"] in ENDED:
            return 400, _problem(400, 21220, "Requested resource is not eligible for recording")
        sid = self.has_recording(user, call_sid)
        return 201, self.recordings[sid]

    def _call_recording(
        self, method: str, user: str, form: dict[str, str], _a: str, call_sid: str, sid: str
    ) -> Reply:
        found = self.recordings.get(sid)
        if found is None or found["account_sid"] != user or found["call_sid"] != call_sid:
            return _MISSING
        if method == "POST":
            found["status"] = form["Status"]
        return 200, found

    def _recordings(self, method: str, user: str, form: dict[str, str], _a: str) -> Reply:
        """By day, as Twilio selects; the newest first."""
        since = form.get("DateCreated>", "")[:10]
        found = [
            r for r in self._of(self.recordings, user)
            if "date_created" in r and _day(r["date_created"]) >= since
        ]  # fmt: skip
        newest = sorted(found, key=lambda r: parsedate_to_datetime(r["date_created"]), reverse=True)
        return 200, _page("recordings", newest)

    def _recording(self, method: str, user: str, form: dict[str, str], _a: str, sid: str) -> Reply:
        found = self.recordings.get(sid)
        if found is None or found["account_sid"] != user:
            return _MISSING
        if method == "DELETE":
            if found["status"] == "in-progress":
                return 400, _problem(400, 20001, "Cannot delete a recording in progress")
            del self.recordings[sid]
            return 204, None
        return 200, found

    def _offers(self, method: str, user: str, form: dict[str, str], *_: str) -> Reply:
        found = [
            {"phone_number": n, "locality": "New York", "region": "NY"} for n in self.offers
            if n[2:].startswith(form.get("AreaCode", ""))
        ]  # fmt: skip
        return 200, _page("available_phone_numbers", found)

    def _numbers(self, method: str, user: str, form: dict[str, str], _a: str) -> Reply:
        if method == "GET":
            wanted = {"phone_number": form["PhoneNumber"]} if "PhoneNumber" in form else {}
            return 200, _page("incoming_phone_numbers", self._of(self.numbers, user, **wanted))
        number = form["PhoneNumber"]
        if number not in self.offers:
            return 400, _problem(400, 21422, "PhoneNumber is not available")
        self.offers.remove(number)
        return 201, self.numbers[self.has_number(user, number, **_snaked(form))]

    def _number(self, method: str, user: str, form: dict[str, str], _a: str, sid: str) -> Reply:
        found = self.numbers.get(sid)
        if found is None or found["account_sid"] != user:
            return _MISSING
        if method == "DELETE":
            del self.numbers[sid]
            return 204, None
        if method == "POST":
            found |= _snaked(form)
        return 200, found

    def _accounts(self, method: str, user: str, form: dict[str, str]) -> Reply:
        if method == "POST":
            sid = _sid("AC")
            self.accounts[sid], self.parents[sid] = secrets.token_hex(16), user
            self.names[sid], self.statuses[sid] = form["FriendlyName"], "active"
            return 201, self._told(sid)
        own = [sid for sid, parent in self.parents.items() if parent == user]
        named = form.get("FriendlyName")
        found = [self._told(sid) for sid in own if named in (None, self.names[sid])]
        return 200, _page("accounts", found)

    def _account(self, method: str, user: str, form: dict[str, str], sid: str) -> Reply:
        if sid != user and self.parents.get(sid) != user:
            return _MISSING
        if method == "POST":
            self.statuses[sid] = form["Status"]
        return 200, self._told(sid)

    def _told(self, sid: str) -> dict[str, Any]:
        return {
            "sid": sid, "auth_token": self.accounts[sid], "friendly_name": self.names.get(sid, ""),
            "status": self.statuses.get(sid, "active"), "owner_account_sid": self.parents.get(sid),
        }  # fmt: skip

    def _of(self, kept: dict[str, dict[str, Any]], user: str, **wanted: str) -> list[Any]:
        wanted["account_sid"] = user
        return [r for r in kept.values() if all(r[k] == v for k, v in wanted.items())]

    def sound(self, path: str, login: tuple[str, str], wanted: str) -> tuple[int, dict[str, str]]:
        """Status and headers of a medium; its bytes are SOUND's."""
        account, sid = re.fullmatch(rf"{_A}/Recordings/{_SID}\.mp3", path).groups()  # type: ignore[union-attr]
        found = self.recordings.get(sid)
        if self.redirect_media:
            return 302, {"Location": self.redirect_media}
        if login != (account, self.accounts.get(account)):
            return 401, {}
        if found is None or found["account_sid"] != account:
            return 404, {}
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        if not span:
            return 200, {"Accept-Ranges": "bytes"}
        first, last = int(span[1]), min(int(span[2] or len(SOUND)), len(SOUND) - 1)
        if first > last:
            return 416, {"Content-Range": f"bytes */{len(SOUND)}"}
        return 206, {"Content-Range": f"bytes {first}-{last}/{len(SOUND)}"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def do_DELETE(self) -> None:
                self._serve()

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                given = self.rfile.read(length).decode() or parts.query
                form = {k: v[0] for k, v in parse_qs(given, keep_blank_values=True).items()}
                code = self.headers.get("Authorization", "").removeprefix("Basic ")
                user, _, token = base64.b64decode(code).decode().partition(":")
                call = re.fullmatch(rf"{_A}/Calls/{_SID}\.json", parts.path)
                fake.asked.append((self.command, call[2] if call else parts.path))
                if parts.path.endswith(".mp3"):
                    return self._play(parts.path, (user, token))
                status, body = fake.answer(self.command, parts.path, (user, token), form)
                if self.command == "POST" and fake.mute and re.search(fake.mute, parts.path):
                    self.close_connection = True
                    return None
                content = b"" if body is None else json.dumps(body).encode()
                return self._send(status, {"Content-Type": "application/json"}, content)

            def _play(self, path: str, login: tuple[str, str]) -> None:
                status, headers = fake.sound(path, login, self.headers.get("Range", ""))
                content = SOUND if status == 200 else b""
                if status == 206:
                    first, last = re.findall(r"\d+", headers["Content-Range"])[:2]
                    content = SOUND[int(first) : int(last) + 1]
                self._send(status, {"Content-Type": "audio/mpeg"} | headers, content)

            def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if not fake.drip:
                    self.wfile.write(content)
                    return
                with contextlib.suppress(OSError):  # given up, which is what the test is about
                    for byte in content:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(fake.drip)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _problem(status: int, code: int, message: str) -> dict[str, Any]:
    return {"status": status, "code": code, "message": message}


_MISSING: Reply = (404, _problem(404, 20404, "The requested resource was not found"))


def _day(moment: str) -> str:
    return parsedate_to_datetime(moment).date().isoformat()


def _page(name: str, rows: list[Any]) -> dict[str, Any]:
    return {name: rows, "next_page_uri": None, "page": 0, "page_size": 50}


def _snaked(form: dict[str, str]) -> dict[str, str]:
    """VoiceUrl -> voice_url."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower(): value for key, value in form.items()}


def _sid(kind: str) -> str:
    return kind + secrets.token_hex(16)
