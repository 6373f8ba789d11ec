"""Delivers one webhook as Twilio does: signed, retried as its URL asks, within the time limit.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from app.phone.signature import sign

LIMIT_SECONDS = 15.0
LARGEST_DOCUMENT = 64 * 1024
USER_AGENT = "TwilioProxy/1.1"


class CallDropped(Exception):
    """Twilio would say "an application error has occurred" and end the call; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Fetch:
    """One answered request: where to, server time until its last byte, how often it was sent."""

    path: str
    seconds: float
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    kind: str
    text: str
    fetch: Fetch


@dataclass(frozen=True, slots=True)
class Overrides:
    """The `#rc=1&rp=ct,5xx` of a webhook URL; times in seconds."""

    connect: float = 5.0
    read: float = LIMIT_SECONDS
    total: float = LIMIT_SECONDS
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> Self:
        given = {key: values[-1] for key, values in parse_qs(url.partition("#")[2]).items()}
        try:
            return cls(
                connect=_seconds(given.get("ct", "5000"), highest=10.0),
                read=_seconds(given.get("rt", "15000"), highest=LIMIT_SECONDS),
                total=_seconds(given.get("tt", "15000"), highest=LIMIT_SECONDS),
                retries=min(5, max(0, int(given.get("rc", "1")))),
                policy=frozenset(given.get("rp", "ct").split(",")),
            )
        except ValueError:
            raise CallDropped(f"bad connection override in {url}") from None

    def allow(self, failure: str) -> bool:
        return bool(self.policy & {failure, "all"})


def _seconds(milliseconds: str, highest: float) -> float:
    return min(highest, max(0.1, int(milliseconds) / 1000))


class Failed(Exception):
    """An attempt without an answer. `kind` is the retry policy's word for it, or partial."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Wire:
    """To one product. `base_url` is what it signs for (PUBLIC_BASE_URL); `server` is where it
    really listens, when that differs. An address elsewhere is refused: it would be handed a
    signature."""

    def __init__(self, base_url: str, auth_token: str, server: str = "") -> None:
        self.base_url = base_url.rstrip("/")
        self.server = (server or base_url).rstrip("/")
        self.auth_token = auth_token
        self.session = requests.Session()  # Twilio, too, keeps a call's cookies
        self.session.trust_env = False  # no proxy between the telephone and its own server

    def send(self, url: str, form: Mapping[str, str], method: str = "POST") -> Reply:
        """Raises CallDropped when no try was answered in time. Any HTTP status is an answer."""
        overrides = Overrides.of(url)
        request = self._prepared(url.partition("#")[0], form, method)
        path = urlsplit(url).path
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            again = tries <= overrides.retries
            try:
                status, kind, text = self._attempt(request, overrides, began)
            except Failed as problem:
                if again and overrides.allow(problem.kind):
                    continue
                raise CallDropped(f"{path}: {problem.reason}") from problem
            if not (again and status >= 400 and overrides.allow(f"{status // 100}xx")):
                return Reply(status, kind, text, Fetch(path, time.monotonic() - began, tries))

    def _prepared(self, url: str, form: Mapping[str, str], method: str) -> requests.PreparedRequest:
        if not url.startswith(self.base_url + "/"):
            raise CallDropped(f"the TwiML leads to {url}, away from {self.base_url}")
        if method == "GET":
            url, form = url + ("&" if "?" in url else "?") + urlencode(form), {}
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Host": urlsplit(self.base_url).netloc,
            "X-Twilio-Signature": sign(url, form, self.auth_token),
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
        }
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        target = self.server + url.removeprefix(self.base_url)
        body = urlencode(form) if method == "POST" else None
        return self.session.prepare_request(
            requests.Request(method, target, headers=headers, data=body)
        )

    def _attempt(
        self, request: requests.PreparedRequest, overrides: Overrides, began: float
    ) -> tuple[int, str, str]:
        def left() -> float:
            remaining = began + overrides.total - time.monotonic()
            if remaining <= 0:
                raise Failed("tt", f"no answer within {overrides.total:g} seconds")
            return remaining

        timeout = (min(overrides.connect, left()), min(overrides.read, left()))
        try:
            response = self.session.send(
                request, timeout=timeout, stream=True, allow_redirects=False
            )
        except requests.RequestException as error:
            raise _failure(error) from error
        with response:
            kind = response.headers.get("Content-Type", "")
            return response.status_code, kind, _body(response, left)


def _body(response: requests.Response, left: Callable[[], float]) -> str:
    read = b""
    try:
        for piece in response.iter_content(8192):
            left()
            read += piece
            if len(read) > LARGEST_DOCUMENT:
                raise CallDropped("the document is larger than 64 kB")
    except requests.RequestException as error:  # Twilio does not retry a partial response
        raise Failed("partial", "the answer broke off") from error
    try:
        return read.decode()
    except UnicodeDecodeError:
        raise CallDropped("the document is not UTF-8") from None


def _failure(error: requests.RequestException) -> Failed:
    if isinstance(error, requests.ReadTimeout):
        return Failed("rt", "the server took too long to answer")
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return Failed("ct", "no connection to the server")
    if "NewConnectionError" in repr(error):
        return Failed("ct", "the server is not running")
    return Failed("rt", "the server broke the connection")
