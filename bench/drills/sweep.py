"""A drill of secrets: callers' and the installation's own, sought wherever they might lie."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import redis

from app.embedded.ports import HOST
from app.phone.conversation import Caller
from app.phone.leg import Heard
from app.phone.script import Step
from bench.drills.checking import Allowed
from bench.drills.drill import Drill, Figures, Sabotage, Stage

SAID = (
    "my card is 4111 1111 1111 1111 and it expires next year",
    "my visa is four one one one one one one one one one one one one one one one",
    "my social security number is 078-05-1120",
    "I would like to leave a message, my card 5500 0000 0000 0004 was charged twice",
)
OF_CALLERS = ("4111111111111111", "5500000000000004", "078051120")
CALLERS = 8


def swept(stage: Stage) -> Figures:
    calls = [partial(_tells, stage, number) for number in range(CALLERS)]
    stage.robot.at_once(calls)
    stage.healed()
    stage.wait_settled()
    own = _own(stage)
    figures: Figures = {}
    for place, texts in _places(stage):
        size = 0
        for text in texts:
            size += len(text)
            digits = re.sub(r"[\s.-]", "", text)
            found = [f"number {at}" for at, one in enumerate(OF_CALLERS) if one in digits]
            found += [name for name, secret in own.items() if secret in text]
            stage.expect(not found, f"{place} hold {', '.join(found)}")
        figures[place] = f"{size // 1024} kB"
    return figures


def _tells(stage: Stage, number: int) -> None:
    line = stage.robot.line((stage.mine, stage.theirs)[number % 2])
    line.call.name = ""
    steps = (Step(Heard(SAID[number % len(SAID)])), Step(Heard(SAID[-1])), Step(None))
    stage.robot.play(line, Caller(steps))


def _own(stage: Stage) -> dict[str, str]:
    settings = stage.world.settings
    keys = {f"encryption key {at}": key for at, key in enumerate(settings.encryption_keys)}
    tokens = {f"token of {one.canary}": one.auth_token for one in (stage.mine, stage.theirs)}
    login = str(urlsplit(settings.database_url).password)
    return keys | tokens | {
        "SECRET_KEY": settings.secret_key, "OPENAI_API_KEY": "sk-drill", "database login": login,
    }  # fmt: skip


def _places(stage: Stage) -> Iterator[tuple[str, list[str]]]:
    world = stage.world
    yield "logs", [part.log.read_text(errors="replace") for part in world.parts.values()]
    yield "mails", [mail.text for mail in stage.seen().mails]
    yield "questions to the model", [str(body) for body in world.model.requests]
    yield "Redis", list(of_redis(world.valkey.url))
    yield "metrics", [_metrics(port) for port in world.nodes]
    tables = world.query("select tablename from pg_tables where schemaname = 'public'")
    yield (
        "tables",
        [row for (table,) in tables for (row,) in world.query(f'select t::text from "{table}" t')],
    )


def of_redis(url: str) -> Iterator[str]:
    with redis.Redis.from_url(url) as valkey:
        for key in valkey.scan_iter():
            yield str(key)
            match valkey.type(key):
                case b"string":
                    yield str(valkey.get(key))
                case b"hash":
                    yield str(valkey.hgetall(key))
                case b"list":
                    yield str(valkey.lrange(key, 0, -1))
                case b"set":
                    yield str(valkey.smembers(key))
                case b"zset":
                    yield str(valkey.zrange(key, 0, -1))


def _metrics(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode(errors="replace"))


DRILLS = (
    Drill(
        "secrets-sweep", "callers say card and social-security numbers; all that is kept is read",
        "in no log, mail, question, key of Redis, metric or table, nor any secret of our own",
        swept, Sabotage("unkept"), Allowed(), first=False,
    ),
)  # fmt: skip
