"""Prices say where they come from."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("price", sa.Column("note", sa.String(200), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("price", "note")
