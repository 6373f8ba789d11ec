"""What the first page counts by: transfers and jobs of a period, work given up, leads to do."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0012"


def upgrade() -> None:
    op.create_index(
        "ix_transfer_attempt__created_at", "transfer_attempt", ["tenant_id", "created_at"]
    )
    op.create_index("ix_transfer_attempt__made", "transfer_attempt", ["created_at"])
    op.create_index("ix_job__made", "job", ["created_at"])
    op.create_index(
        "ix_job__dead", "job", ["tenant_id", "created_at"],
        postgresql_where=sa.text("status = 'dead'"),
    )  # fmt: skip
    op.create_index(
        "ix_lead__to_do", "lead", ["tenant_id", "due"],
        postgresql_where=sa.text("status in ('new', 'contacted') and test is false"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_lead__to_do", "lead")
    op.drop_index("ix_job__dead", "job")
    op.drop_index("ix_job__made", "job")
    op.drop_index("ix_transfer_attempt__made", "transfer_attempt")
    op.drop_index("ix_transfer_attempt__created_at", "transfer_attempt")
