"""Drills of those who are no callers: giant bodies, clients that never end, guessed passwords."""

import base64
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlencode

import requests

from app.embedded.ports import HOST
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.ledger import share
from bench.drills.settings import PUBLIC

QUICK = 2.0
GIANT = 50 * 1024 * 1024
FIELDS = 10_000
CLIENTS = 200
GUESSES = 40
BUSY = "come back later"
LET_THROUGH = 10  # guesses at one name within a quarter of an hour
LOGIN = "/api/v1/security/login"
AWAY = ("/twilio/voice", "/login/", LOGIN)


def callers_meanwhile(stage: Stage, many: int = 4) -> list[Any]:
    return [partial(stage.robot.leaves_message, (stage.mine, stage.theirs)[n % 2])
            for n in range(many)]  # fmt: skip


def calls_were_quick(stage: Stage) -> float:
    calls = stage.ledger.calls
    without = sum(not call.read_back for call in calls)
    stage.expect(not without, f"{without} of {len(calls)} callers got nowhere")
    waits = share((wait for call in calls for wait in call.waits), 0.95)
    stage.expect_in_time(waits < QUICK, f"95 of 100 turns took up to {waits:.1f} s")
    return round(waits, 2)


def giants(stage: Stage) -> Figures:
    """Through nginx, and past it to a node."""
    world, answers = stage.world, Counter[str]()
    fields = urlencode([(f"Field{n}", "x") for n in range(FIELDS)]).encode()
    with stage.robot.meanwhile(callers_meanwhile(stage)):
        for base in (world.url, f"http://{HOST}:{world.nodes[0]}"):
            for path in AWAY:
                for what, body in (("giant", b"x" * GIANT), ("fields", fields)):
                    answers[f"{what} {_status(base + path, body)}"] += 1
    stage.healed()
    let_in = {told for told in answers if told.split()[1] not in ("broken", "400", "403", "413")}
    stage.expect(not let_in, f"let in: {', '.join(sorted(let_in))}")
    giant = [told for told in answers if told.startswith("giant")]
    refused = {"giant 413", "giant broken"}
    stage.expect(set(giant) <= refused, f"a giant was read: {', '.join(giant)}")
    told = ", ".join(f"{told}: {count}" for told, count in sorted(answers.items()))
    return {"answers": told, "calls' p95": calls_were_quick(stage)}


def _status(url: str, body: bytes) -> str:
    """broken: the connection was closed before all was sent, which many clients see of a 413."""
    headers = {
        "Host": PUBLIC.removeprefix("https://"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        answer = requests.post(url, body, headers=headers, timeout=30, allow_redirects=False)
    except requests.RequestException:
        return "broken"
    return str(answer.status_code)


def slow_clients(stage: Stage) -> Figures:
    """Each sends a byte of its request now and then, and never ends."""
    with _dawdling(stage) as clients:
        stage.robot.at_once(callers_meanwhile(stage, 6))
        still = sum(_is_open(client) for client in clients)
    stage.healed()
    return {"clients": CLIENTS, "still open": still, "calls' p95": calls_were_quick(stage)}


@contextmanager
def _dawdling(stage: Stage) -> Iterator[list[socket.socket]]:
    head = b"POST /twilio/voice HTTP/1.1\r\nHost: reception.example.com\r\nContent-Length: 9000\r\n"
    with ExitStack() as stack:
        clients = []
        for number in range(CLIENTS):
            client = stack.enter_context(socket.create_connection((HOST, stage.world.front), 5))
            client.sendall(head + (b"\r\nx" if number % 2 else b"X-Slow: "))
            clients.append(client)
        yield clients


def _is_open(client: socket.socket) -> bool:
    try:
        client.sendall(b"x")
    except OSError:
        return False
    return True


def guesses(stage: Stage) -> Figures:
    """At a super admin's password, by REST; then tokens that nobody here signed."""
    world, url = stage.world, f"http://{HOST}:{stage.world.nodes[0]}"
    name = world.query("select username from ab_user order by id limit 1")[0][0]
    tries = [partial(_guess, url, name, f"wrong horse {number}") for number in range(GUESSES)]
    with stage.robot.meanwhile(callers_meanwhile(stage)):
        answers = Counter(stage.robot.at_once(tries))
    tried = answers["401"]
    stage.expect(tried <= LET_THROUGH, f"{tried} of {GUESSES} guesses were looked at")
    stage.expect(set(answers) <= {"401", "429", BUSY}, f"answers: {dict(answers)}")
    forged = {how: _forged(url, how) for how in ("none", "HS256", "RS256")}
    stage.expect(set(forged.values()) <= {401, 422}, f"forged tokens: {forged}")
    world.query("delete from login_attempt")
    stage.healed()
    return {
        "guesses": GUESSES, "looked at": tried, "told to come back": answers[BUSY],
        "forged tokens": str(forged), "calls' p95": calls_were_quick(stage),
    }  # fmt: skip


def _guess(url: str, name: str, password: str) -> str:
    body = {"username": name, "password": password, "provider": "db"}
    answer = requests.post(url + LOGIN, json=body, timeout=30)
    is_busy = answer.status_code == 503 and "Retry-After" in answer.headers
    return BUSY if is_busy else str(answer.status_code)


def _forged(url: str, algorithm: str) -> int:
    claims = {"sub": "1", "exp": int(time.time()) + 600, "fresh": True, "type": "access"}
    head = {"alg": algorithm, "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
             for part in (head, claims)]  # fmt: skip
    token = ".".join([*parts, "" if algorithm == "none" else "AAAA"])
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{url}/api/v1/tenants/", headers=headers, timeout=30).status_code


DRILLS = (
    Drill(
        "giant-bodies", f"bodies of 50 MB and of {FIELDS:,} fields, through nginx and past it",
        f"413, nothing let in; calls meanwhile p95 < {QUICK:.0f} s", giants,
        Sabotage("body-limits"), first=False, alone=True,
    ),
    Drill(
        "slow-clients", f"{CLIENTS} clients who send a byte now and then",
        f"calls meanwhile p95 < {QUICK:.0f} s", slow_clients,
        "what holds them is nginx, and a product without it is not this one", first=False,
        alone=True,
    ),
    Drill(
        "login-attacks", f"{GUESSES} guesses at a password at once, forged tokens",
        f"{LET_THROUGH} guesses looked at, no forged token good; calls p95 < {QUICK:.0f} s",
        guesses, Sabotage("lockout"), first=False, alone=True,
    ),
)  # fmt: skip
