"""What tables share: timestamps, closed choices, keys, and sealed secrets."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, DateTime, Index, String, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column
from sqlalchemy.types import Text


class Timestamped:
    """When a row was made and last changed, in UTC."""

    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), nullable=False
    )
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now(), nullable=False
    )


def choice(
    values: type[StrEnum], default: StrEnum | None = None, *, name: str
) -> MappedColumn[str]:
    """A column that holds one of `values`; nullable when there is no default.

    Text with a check rather than a database enum: FAB and REST then speak the lower-case values,
    and adding one is a migration without locks. `name` is the constraint's name.
    """
    allowed = ", ".join(f"'{value}'" for value in values)
    column = name.removeprefix("ck_").split("__")[1]
    return mapped_column(
        String(20),
        CheckConstraint(f"{column} in ({allowed})", name=name),
        default=default,
        server_default=str(default) if default is not None else None,
        nullable=default is None,
        info={"choices": values},
    )


def strings(**info: bool) -> MappedColumn[list[str]]:
    """A list of strings: JSON list in REST, one a line in forms."""
    return mapped_column(ARRAY(Text), default=list, server_default="{}", nullable=False, info=info)


ANNOUNCED: Final = "announced"
"""In a column's info: it says whom a call may ring. Each change is told by mail."""


def owned_keys(table: str, *columns: str) -> tuple[UniqueConstraint | Index, ...]:
    """The key that composite foreign keys point at, and an index for each look-up column."""
    return (
        UniqueConstraint("tenant_id", "id", name=f"uq_{table}__tenant_id"),
        *(Index(f"ix_{table}__{c}", "tenant_id", c) for c in columns),
    )
