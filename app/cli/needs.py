"""What a process must have before it starts, told in a sentence instead of a traceback."""

import sys

import psycopg2
from psycopg2.extensions import connection as Connection

from app import overreach
from app import replica as replicas
from config import BadSetting, Settings


def database(settings: Settings) -> None:
    """DATABASE_URL is set, reachable, and its login cannot step over row-level security.

    Raises BadSetting. A superuser, BYPASSRLS or a member of the owner would silently see every
    tenant's rows.
    """
    if not settings.database_url:
        raise BadSetting(
            "DATABASE_URL is not set. A plain `python3 run.py` starts a database of its own; "
            "this command needs yours."
        )
    connection = _connected("DATABASE_URL", settings.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"select {overreach.ASKED}")
            problem = overreach.fault(cursor.fetchone() or (True, True, True))
    finally:
        connection.close()
    if problem:
        raise BadSetting(f"DATABASE_URL: {problem}. Use the login that `run.py migrate` makes.")


def replica(settings: Settings) -> None:
    """DATABASE_REPLICA_URL, if it is set, leads to a replica of DATABASE_URL's database, by a login
    that cannot step over row-level security either.

    Raises BadSetting. One that does not answer is told, but stops nothing: reads do without it,
    and each looks at it again before it asks it.
    """
    if not settings.database_replica_url:
        return
    ours = _connected("DATABASE_URL", settings.database_url)
    try:
        theirs = psycopg2.connect(settings.database_replica_url, connect_timeout=5)
    except psycopg2.Error as problem:
        ours.close()
        print(
            f"DATABASE_REPLICA_URL: no connection, so DATABASE_URL answers all: {problem}".strip(),
            file=sys.stderr,
        )
        return
    try:
        with ours.cursor() as here, theirs.cursor() as there:
            fault = replicas.standing(there, replicas.position(here)).fault
    except psycopg2.Error as problem:
        raise BadSetting(f"DATABASE_REPLICA_URL cannot be examined: {problem}".strip()) from problem
    finally:
        ours.close()
        theirs.close()
    if fault:
        raise BadSetting(f"DATABASE_REPLICA_URL: {fault}.")


def _connected(name: str, url: str) -> Connection:
    try:
        return psycopg2.connect(url, connect_timeout=5)
    except psycopg2.Error as problem:
        raise BadSetting(f"{name}: no connection: {problem}".strip()) from problem


def redis(settings: Settings) -> None:
    """Raises BadSetting when REDIS_URL is not set."""
    if not settings.redis_url:
        raise BadSetting(
            "REDIS_URL is not set. A plain `python3 run.py` starts a Valkey of its own; "
            "this command needs yours."
        )
