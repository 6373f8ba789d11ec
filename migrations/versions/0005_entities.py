"""The countries whose numbers a receptionist may ring."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "receptionist_config",
        sa.Column("allowed_countries", ARRAY(sa.Text()), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("receptionist_config", "allowed_countries")
