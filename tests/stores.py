"""Everything that is kept, as text: every row of every table as the superuser sees it, every value
of Valkey, every file of mails. What shall be nowhere is looked for there."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg2
import redis

from app import mailbox
from tests.conftest import Services

_TABLES = "select tablename from pg_tables where schemaname = 'public'"


def places_of(services: Services, *wanted: str) -> list[str]:
    """Where any of these stands, also with other characters between its digits."""
    loose = [_loose(text) for text in wanted]
    return [where for where, text in everything(services) if any(p.search(text) for p in loose)]


def everything(services: Services) -> Iterator[tuple[str, str]]:
    yield from _rows(services)
    yield from _values(services)
    for path in (services.settings.data_dir / "mail").glob("*"):
        yield path.name, mailbox.words_of(path)


def _rows(services: Services) -> Iterator[tuple[str, str]]:
    connection = psycopg2.connect(services.admin_url())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(_TABLES)
            for (table,) in cursor.fetchall():
                cursor.execute(f"select t::text from {table} t")
                for number, (row,) in enumerate(cursor.fetchall(), 1):
                    yield f"{table} row {number}", row
    finally:
        connection.close()


def _values(services: Services) -> Iterator[tuple[str, str]]:
    with redis.Redis.from_url(services.settings.redis_url) as valkey:
        for key in valkey.keys("*"):
            value: Any = {
                b"hash": valkey.hgetall, b"list": lambda k: valkey.lrange(k, 0, -1),
                b"set": valkey.smembers, b"zset": lambda k: valkey.zrange(k, 0, -1),
                b"string": valkey.get,
            }[valkey.type(key)](key)  # fmt: skip
            yield f"valkey {key!r}", f"{key!r} {value!r}"


def _loose(text: str) -> re.Pattern[str]:
    if not re.fullmatch(r"\+?\d{6,}", text):
        return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)
    return re.compile(r"(?<!\d)" + r"[^\w]{0,3}".join(text.removeprefix("+")))
