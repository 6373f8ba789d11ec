"""Whether a tenant's calls are recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "receptionist_config",
        sa.Column("recording", sa.String(20), nullable=False, server_default="off"),
    )
    op.create_check_constraint(
        "ck_receptionist_config__recording",
        "receptionist_config",
        "recording in ('off', 'announce')",
    )


def downgrade() -> None:
    op.drop_column("receptionist_config", "recording")
