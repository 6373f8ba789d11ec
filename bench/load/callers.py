"""Callers in one event loop: they ask, listen, pause, ask again, hang up and call anew."""

import asyncio
import html
import random
import re
import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Protocol

from app.phone.form import inbound
from app.phone.signature import sign
from bench.load.wire import Answer, Failed, post

TURNS = 8  # of a call, before its caller hangs up
LASTING = 1_000  # of one that does not end while it is measured
QUESTIONS = (
    "Where can I park?", "Could you tell me where to leave my car?", "Is there any parking?",
    "Can I pay by card?", "Do you take cards?", "Which areas do you cover?",
)  # fmt: skip


class Act(Protocol):
    """What a caller does; `turns` of a call, where there is one."""

    def __call__(self, tally: "Tally", turns: int = TURNS) -> Awaitable[None]: ...


_GATHER = re.compile(r'<Gather\b[^>]*\baction="([^"]+)"')
_REDIRECT = re.compile(r"<Redirect\b[^>]*>([^<]+)</Redirect>")


@dataclass(slots=True)
class Tally:
    """`turns`: seconds until TwiML that listens; `requests`: of each request; `greetings`: of the
    first. Nothing counts before `begins` (of the monotonic clock)."""

    begins: float = 0.0
    turns: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    greetings: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    fillers: int = 0

    @property
    def counts(self) -> bool:
        return time.monotonic() >= self.begins


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls go: any of these ports, for any of the numbers there."""

    ports: tuple[int, ...]
    base_url: str
    account_sid: str
    auth_token: str
    numbers: tuple[str, ...]

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        signature = sign(self.base_url + path, form, self.auth_token)
        port = random.choice(self.ports)
        return await post(port, path, form, {"X-Twilio-Signature": signature})


async def talk(tally: Tally, turns: int = TURNS, *, place: Place, pause: float) -> None:
    """One call. `pause`: seconds between an answer and the next question."""
    called = random.choice(place.numbers)
    caller = f"+1212{random.randrange(2000000, 9999999)}"
    form = inbound(place.account_sid, "CA" + secrets.token_hex(16), called, caller)
    try:
        greeted, next_path = await _turn(place, tally, "/twilio/voice", form)
        if tally.counts:
            tally.greetings.append(greeted)
        form["CallStatus"] = "in-progress"
        for _ in range(turns):
            await asyncio.sleep(pause)
            if not next_path:
                break
            said = form | {"SpeechResult": random.choice(QUESTIONS), "Confidence": "0.9"}
            took, next_path = await _turn(place, tally, next_path, said)
            if tally.counts:
                tally.turns.append(took)
        over = form | {"CallStatus": "completed", "CallDuration": "60", "SequenceNumber": "0"}
        await place.post("/twilio/call-status", over)
    except Failed as problem:
        if tally.counts:
            tally.failures.append(str(problem))


async def _turn(place: Place, tally: Tally, path: str, form: dict[str, str]) -> tuple[float, str]:
    """Through fillers, to where the caller is listened to: seconds, and where the words go ("":
    the call is over)."""
    took = 0.0
    while True:
        answer = await place.post(path, form)
        took += answer.seconds
        if tally.counts:
            tally.requests.append(answer.seconds)
        if answer.status != 200:
            raise Failed(f"{path}: HTTP {answer.status}")
        if found := _GATHER.search(answer.text):
            return took, _path(found[1], place)
        again = _REDIRECT.search(answer.text)
        if not again:
            return took, ""
        tally.fillers += tally.counts
        form = {name: value for name, value in form.items() if name != "SpeechResult"}
        path = _path(again[1], place)


def _path(url: str, place: Place) -> str:
    """Without what is meant for Twilio alone."""
    return html.unescape(url).partition("#")[0].removeprefix(place.base_url)


async def plain(tally: Tally, turns: int = TURNS, *, port: int, path: str, pause: float) -> None:
    """A turn of the sketch, which knows no calls."""
    del turns
    form = inbound("AC" + "0" * 32, "CA" + secrets.token_hex(16), "+12125550100", "+12125550142")
    await asyncio.sleep(pause)
    try:
        answer = await post(port, path, form | {"SpeechResult": random.choice(QUESTIONS)}, {})
    except Failed as problem:
        if tally.counts:
            tally.failures.append(str(problem))
        return
    if tally.counts:
        tally.turns.append(answer.seconds)
        if answer.status != 200:
            tally.failures.append(f"{path}: HTTP {answer.status}")


def at_once(
    callers: int, act: Act, warm: float, seconds: float, spread: float, lasting: bool = False
) -> Tally:
    """So many callers, each doing it over and over; they come within `spread` seconds. `lasting`:
    what counts is turns alone, as no call ends meanwhile."""
    tally = Tally(time.monotonic() + warm)
    ends = tally.begins + seconds

    async def caller() -> None:
        await asyncio.sleep(random.uniform(0, spread))
        first = LASTING if lasting else random.randint(1, TURNS)  # these end, and begin, any time
        await act(tally, first)
        while time.monotonic() < ends:
            await act(tally)

    async def everybody() -> None:
        waiting = [asyncio.create_task(caller()) for _ in range(callers)]
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(everybody())
    return tally


def at_a_rate(a_second: float, act: Act, warm: float, seconds: float) -> Tally:
    """Begun so many times a second, whatever becomes of those before."""
    tally = Tally(time.monotonic() + warm)
    ends = tally.begins + seconds

    async def arrivals() -> None:
        under_way: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while due < ends:
            task = asyncio.ensure_future(act(tally))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += 1 / a_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    asyncio.run(arrivals())
    return tally
