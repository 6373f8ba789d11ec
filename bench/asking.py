"""A browser and a script that ask again and again on one connection, with a watch in hand."""

import http.client
import re
import statistics
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.embedded.ports import HOST
from bench.served import COUNT

TIMEOUT = 120


class NotAnswered(Exception):
    """Something else than what was asked for came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    seconds: float  # from the first byte sent to the last byte read
    statements: int
    body: bytes
    location: str = ""  # of a redirect


class Asker:
    """One kept connection with its headers. Not for two threads: `another` gives one more."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.port, self.headers = port, dict(headers or {})
        self.connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT)

    def another(self) -> "Asker":
        return Asker(self.port, self.headers)

    def ask(self, path: str, body: str | None = None) -> Answer:
        """A server that closes between two requests is asked once more."""
        for last in (False, True):
            try:
                return self._ask(path, body)
            except (http.client.HTTPException, ConnectionError):
                self.connection.close()
                if last:
                    raise
        raise AssertionError

    def _ask(self, path: str, body: str | None) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        began = time.perf_counter()
        self.connection.request("POST" if body else "GET", path, body, self.headers | form)
        response = self.connection.getresponse()
        content = response.read()
        took = time.perf_counter() - began
        if cookies := response.msg.get_all("Set-Cookie"):
            self.headers["Cookie"] = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        counted = int(response.getheader(COUNT, "0"))
        location = response.getheader("Location", "")
        return Answer(response.status, took, counted, content, location)


def browser(port: int, username: str, password: str) -> Asker:
    """Signed in, by the form."""
    asker = Asker(port)
    page = asker.ask("/login/").body.decode()
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"username": username, "password": password}
    answer = asker.ask("/login/", urlencode(form | {"csrf_token": found[1] if found else ""}))
    if answer.status != 302:
        raise NotAnswered(f"Signing in as {username} answered {answer.status}.")
    return asker


def script(port: int, key: str) -> Asker:
    return Asker(port, {"Authorization": f"Bearer {key}"})


def timed(asker: Asker, path: str, times: int) -> dict[str, Any]:
    """The first is not counted: it fills caches, and tells where a list of one leads. Raises
    NotAnswered."""
    first = asker.ask(path)
    path = first.location if first.status == 302 else path
    found = [asker.ask(path) for _ in range(times + 1)]
    if bad := [answer for answer in found if answer.status != 200]:
        raise NotAnswered(f"{path} answered {bad[0].status}: {bad[0].body[:200]!r}")
    last = found[-1]
    return figures([answer.seconds for answer in found[1:]]) | {
        "statements": last.statements,
        "bytes": len(last.body),
    }


def figures(seconds: list[float]) -> dict[str, Any]:
    every = sorted(seconds * 2 if len(seconds) < 2 else seconds)
    cuts = statistics.quantiles(every, n=20, method="inclusive")
    return {
        "p50": round(statistics.median(every) * 1000, 1),
        "p95": round(cuts[18] * 1000, 1),
        "requests": len(seconds),
    }


def per_second(asker: Asker, path: str, connections: int, seconds: float) -> float:
    """Answers a second by this many connections at once, each asking as soon as it is answered."""
    counts, until = [0] * connections, time.perf_counter() + seconds

    def keep_asking(place: int) -> None:
        own = asker.another()
        while time.perf_counter() < until:
            if own.ask(path).status == 200:
                counts[place] += 1

    threads = [threading.Thread(target=keep_asking, args=(n,)) for n in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / (time.perf_counter() - began), 1)
