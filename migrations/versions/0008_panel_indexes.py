"""What lists and the dashboard order and count by, also across tenants."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index("ix_call_session__began", "call_session", ["started_at"])
    op.create_index("ix_lead__made", "lead", ["created_at"])
    op.create_index(
        "ix_lead__new", "lead", ["tenant_id", "created_at"],
        postgresql_where=sa.text("status = 'new'"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_lead__new", "lead")
    op.drop_index("ix_lead__made", "lead")
    op.drop_index("ix_call_session__began", "call_session")
