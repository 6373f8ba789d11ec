"""Webhooks to tenants: whose delivery a job is, and a former secret that signs for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("webhook_endpoint", sa.Column("sealed_former_secret", sa.String(500)))
    op.add_column("webhook_endpoint", sa.Column("former_until", sa.DateTime(timezone=True)))
    op.add_column("job", sa.Column("webhook_id", sa.Integer()))
    op.create_foreign_key(
        "fk_job__webhook_id", "job", "webhook_endpoint",
        ["tenant_id", "webhook_id"], ["tenant_id", "id"], ondelete="SET NULL (webhook_id)",
    )  # fmt: skip
    op.create_index("ix_job__webhook_id", "job", ["tenant_id", "webhook_id"])


def downgrade() -> None:
    op.drop_column("job", "webhook_id")
    op.drop_column("webhook_endpoint", "former_until")
    op.drop_column("webhook_endpoint", "sealed_former_secret")
