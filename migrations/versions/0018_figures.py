"""What the first page counts by: transfers and jobs of a period, work given up, leads to do."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0012"

# Remade with what is summed up, so that the rows need not be read: index, table, keys, included.
CALL = ["id", "channel", "outcome", "duration", "answers"]
REMADE = (
    ("ix_call_session__started_at", "call_session", ["tenant_id", "started_at"], CALL),
    ("ix_call_session__began", "call_session", ["started_at"], ["tenant_id", *CALL]),
    ("ix_spend_ledger__created_at", "spend_ledger", ["tenant_id", "created_at"],
     ["kind", "model", "quantity"]),
)  # fmt: skip


def upgrade() -> None:
    for name, table, keys, included in REMADE:
        op.drop_index(name, table)
        op.create_index(name, table, keys, postgresql_include=included)
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
    for name, table, keys, _included in REMADE:
        op.drop_index(name, table)
        op.create_index(name, table, keys)
    op.drop_index("ix_lead__to_do", "lead")
    op.drop_index("ix_job__dead", "job")
    op.drop_index("ix_job__made", "job")
    op.drop_index("ix_transfer_attempt__made", "transfer_attempt")
    op.drop_index("ix_transfer_attempt__created_at", "transfer_attempt")
