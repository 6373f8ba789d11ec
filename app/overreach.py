"""Logins of the database that would step over row-level security: they would see every tenant's
rows, silently."""

from typing import Final

# Three columns, of whoever signed in, whatever role that has switched to since.
ASKED: Final = """
    coalesce((select rolsuper from pg_roles where rolname = session_user), true),
    coalesce((select rolbypassrls from pg_roles where rolname = session_user), true),
    exists (select from pg_roles where rolname = 'recep_owner')
    and pg_has_role(session_user, 'recep_owner', 'member')
"""
FAULTS: Final = ("a superuser", "BYPASSRLS", "a member of recep_owner")


def fault(found: tuple[bool, ...]) -> str:
    """What the first of the columns that is true means; empty: the login will do."""
    named = zip(found, FAULTS, strict=True)
    unsafe = next((what for is_so, what in named if is_so), "")
    return unsafe and f"its login is {unsafe}, so tenants would not be kept apart"
