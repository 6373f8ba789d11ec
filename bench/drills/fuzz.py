"""Drills of requests that nobody in his right mind would send: to each webhook, and to what reads
callers' words."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import requests

from app.ai.reading import (
    days,
    emails,
    names,
    numbers,
    phones,
    pieces,
    private,
    spelling,
    yesno,
)
from app.embedded.ports import HOST
from app.phone.form import inbound
from app.phone.signature import sign
from app.rules import blanks
from bench.drills import later
from bench.drills.checking import Allowed
from bench.drills.drill import RECOVERY, Drill, Figures, Sabotage, Stage
from bench.drills.mail import wait_for
from bench.drills.settings import PUBLIC

FEW, MANY = 100, 10_000  # cases of each
AT_ONCE = 6
PACE = 100  # requests whose calls' work is done in a second
WEBHOOKS = (
    "voice", "gather", "transfer-status", "screen", "message", "call-status", "recording-status",
    "fallback",
)  # fmt: skip
USUAL = {
    "SpeechResult": "where can I park", "Confidence": "0.9", "Digits": "1",
    "DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "12",
    "RecordingSid": "RE" + "0" * 32, "RecordingDuration": "4", "RecordingStatus": "completed",
    "RecordingSource": "RecordVerb", "RecordingChannels": "1", "CallDuration": "30",
    "ParentCallSid": "CA" + "f" * 32, "ErrorCode": "11200",
    "ErrorUrl": f"{PUBLIC}/twilio/gather?turn=1",
}  # fmt: skip
ODD = (
    "", " ", "\x00", "a\x00b", "%00", "\r\nX-Evil: 1", "\ud800", "\u202e", "\U0001d518" * 200,
    "é" * 5000,
    "<Say>hi</Say>", "]]>", "&#0;", "'; drop table lead; --", "{{7*7}}", "-1", "1e999", "NaN",
    "9" * 400, "٣٤٥", "\uff10\uff11\uff12", "null", "true", "[]", "../../etc/passwd", "A" * 60_000,
)  # fmt: skip
WORDS = (
    "five five five", "double", "triple nine", "at", "dot com", "yes", "no", "my name is",
    "o'clock", "half past", "thirteenth", "tomorrow", "area code", "plus forty four", "visa",
    "Ann", "B as in", "capital", "oh", "hundred", "noon", "midnight", "12/31",
    "4111 1111 1111 1111", "078-05-1120",
)  # fmt: skip
Form = dict[str, Any]


def odd(chance: random.Random) -> str:
    return chance.choice(ODD) if chance.random() < 0.7 else _noise(chance)


def _noise(chance: random.Random) -> str:
    return "".join(chr(chance.randrange(1, 0x2FFF)) for _ in range(chance.randrange(1, 40)))


def bent(chance: random.Random, form: Form) -> Form:
    """The form with one to four things wrong."""
    form = dict(form)
    for _ in range(chance.randrange(1, 5)):
        name = chance.choice(list(form))
        match chance.randrange(6):
            case 0:
                del form[name]
            case 1:
                form[name] = odd(chance)
            case 2:
                form[name] = [form[name], odd(chance)]
            case 3:
                form[name.lower()] = form.pop(name)
            case 4:
                form[odd(chance)[:40] or "x"] = odd(chance)
            case _:
                form[name] = f"{form[name]}{odd(chance)}"
        form = form or {"x": "y"}
    return {_sendable(key): _plain(value) for key, value in form.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_sendable(str(one)) for one in value]
    return _sendable(str(value))


def _sendable(text: str) -> str:
    """As it arrives: what is no character is replaced."""
    return text.encode(errors="replace").decode()


def cases(stage: Stage, route: str, many: int) -> Iterator[tuple[str, Form]]:
    chance, who = stage.random, stage.mine
    for number in range(many):
        sid = f"CA{chance.choice((number, 1)):08x}" + "0" * 16 + "f0220000"
        form = inbound(who.account_sid, sid, who.number, "+16175550123") | USUAL
        queries = ("", "?turn=1", "?turn=2&ask=name", f"?turn={number}", "?x=%00&turn=a")
        query = chance.choice(queries)
        yield f"{PUBLIC}/twilio/{route}{query}", bent(chance, form)


def send(stage: Stage, url: str, form: Form) -> tuple[int, str]:
    signature = sign(url, form, stage.mine.auth_token)
    headers = {"X-Twilio-Signature": signature, "Host": PUBLIC.removeprefix("https://")}
    headers |= {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    # To the nodes themselves: nginx has an answer of its own to whatever they break down over.
    port = stage.world.nodes[len(url) % len(stage.world.nodes)]
    target = f"http://{HOST}:{port}{url.removeprefix(PUBLIC)}"
    body = urlencode(form, doseq=True)
    answer = requests.post(target, body, headers=headers, timeout=15, allow_redirects=False)
    return answer.status_code, answer.text


def webhooks(stage: Stage, many: int) -> Figures:
    every = [case for route in WEBHOOKS for case in cases(stage, route, many)]
    stage.random.shuffle(every)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda case: send(stage, *case), every))
    statuses = Counter(status for status, _ in answers)
    for (url, form), (status, text) in zip(every, answers, strict=True):
        broken = status >= 500 or (status == 200 and text and "<Response" not in text)
        stage.expect(not broken, f"{url}: {status} of {str(form)[:200]!r}")
    heard = readers(stage.random, many)
    stage.expect(not heard, f"{len(heard)} readings failed, such as {heard[:1]}")
    stage.robot.leaves_message(stage.mine)
    _end(stage, RECOVERY + len(every) / PACE)
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    return {"requests": len(every), "answers": told, "readings": many * len(READERS)}


def _end(stage: Stage, patience: float) -> None:
    """Twilio does not know of these calls: they are closed after a while. Each causes some work."""
    rows = stage.world.query("select call_sid from call_session where outcome is null")
    later.let_pass(stage.world, [sid for (sid,) in rows], timedelta(hours=6))
    open_still = "select count(*) from call_session where outcome is null"
    wait_for("calls of fuzz are closed", lambda: not stage.world.query(open_still)[0][0], patience)
    stage.wait_settled(patience)
    stage.healed()


NOW = datetime(2026, 3, 8, 1, 30, tzinfo=UTC)
READERS: tuple[Callable[[str], Any], ...] = (
    phones.read, emails.read, names.read, numbers.tokens, private.scrub, yesno.read, spelling.code,
    blanks.parts, partial(days.read, today=date(2026, 2, 28)),
    partial(days.read_time, now=NOW), partial(pieces.begun, asking="phone"),
    partial(phones.corrected, "+16175550123"),
)  # fmt: skip


def readers(chance: random.Random, many: int) -> list[str]:
    """What reads callers' words and owners' fields, each given as many texts."""
    failed = []
    for reader, _ in itertools.product(READERS, range(many)):
        text = " ".join(chance.choice((*WORDS, odd(chance)[:300])) for _ in range(6))
        try:
            reader(text)
        except Exception as error:  # the edge: whatever it is, it is a finding
            failed.append(f"{reader}: {type(error).__name__} of {text[:80]!r}")
    return failed


STRANGERS = Allowed(strangers=True)
WHAT = "cases of bent forms for each of 8 webhooks, and odd texts for each of 12 readers"
BAR = "no answer of 500 and more, no exception, calls go on"
DRILLS = (
    Drill("fuzz", f"{FEW} {WHAT}", f"{BAR} (10,000 with --all)", partial(webhooks, many=FEW),
          Sabotage("shapes"), STRANGERS),
    Drill("fuzz-all", f"{MANY:,} {WHAT}", BAR, partial(webhooks, many=MANY),
          Sabotage("shapes"), STRANGERS, first=False),
)  # fmt: skip
