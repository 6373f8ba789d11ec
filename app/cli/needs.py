"""What a process must have before it starts, told in a sentence instead of a traceback."""

import psycopg2

from config import BadSetting, Settings

_LOGIN = """
    select rolsuper, rolbypassrls,
           exists (select from pg_roles where rolname = 'recep_owner')
           and pg_has_role(current_user, 'recep_owner', 'member')
    from pg_roles where rolname = current_user
"""


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
    try:
        connection = psycopg2.connect(settings.database_url, connect_timeout=5)
    except psycopg2.Error as problem:
        raise BadSetting(f"DATABASE_URL: no connection: {problem}".strip()) from problem
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOGIN)
            found = cursor.fetchone() or (True, True, True)
    finally:
        connection.close()
    faults = ("a superuser", "BYPASSRLS", "a member of recep_owner")
    for unsafe, what in zip(found, faults, strict=True):
        if unsafe:
            raise BadSetting(
                f"DATABASE_URL: its login is {what}, so tenants would not be kept apart. "
                "Use the login that `run.py migrate` makes."
            )


def redis(settings: Settings) -> None:
    """Raises BadSetting when REDIS_URL is not set."""
    if not settings.redis_url:
        raise BadSetting(
            "REDIS_URL is not set. A plain `python3 run.py` starts a Valkey of its own; "
            "this command needs yours."
        )
