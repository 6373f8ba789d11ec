"""Runs migrations as the schema's owner; `app.cli.migrate` or `alembic -x url=…` gives the URL.

What autogenerate cannot see (policies, grants, triggers, check constraints) is written with
`migrations.walls` and compared with the metadata by tests/isolation/test_schema.py.
"""

import re
from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool

import app.models  # noqa: F401  (fills the metadata)
from app.extensions import db

# The owner's rights, whoever connects; and a busy table must not queue everybody behind us.
AS_OWNER = "-c role=recep_owner -c lock_timeout={}"
NOT_MODELS = {"bootstrap"}


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    return not (kind == "table" and name in NOT_MODELS)


def defaults_differ(
    _context: Any, _found: Any, _column: Any, found: str | None, _default: Any, meant: str | None
) -> bool | None:
    """Alembic asks PostgreSQL whether both are equal, which two NULLs are not."""
    if "current_setting" not in f"{found} {meant}":
        return None
    return _bare(found) != _bare(meant)


def _bare(expression: str | None) -> str:
    return re.sub(r"[()\s]", "", expression or "").lower()


url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
engine = create_engine(
    url.replace("postgresql://", "postgresql+psycopg2://", 1),
    poolclass=pool.NullPool,
    connect_args={"options": AS_OWNER.format(context.config.attributes.get("lock_timeout", "1s"))},
)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_name=ours,
        compare_server_default=defaults_differ,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
