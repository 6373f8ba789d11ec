"""Who placed a test call."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column(
        "call_session", sa.Column("placed_by", sa.String(40), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("call_session", "placed_by")
