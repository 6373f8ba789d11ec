"""Calls marked as spam remember what they were; the board of leads finds the newest of each status."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"

OUTCOMES = "'lead', 'transferred', 'answered', 'abandoned', 'blocked', 'failed'"
STATUSES = "'new', 'contacted', 'done', 'lost', 'spam'"


def upgrade() -> None:
    _remember("call_session", OUTCOMES)
    _remember("lead", STATUSES)
    op.create_index("ix_lead__status", "lead", ["tenant_id", "status", "id"])


def _remember(table: str, values: str) -> None:
    name = f"ck_{table}__before_spam"
    op.add_column(
        table,
        sa.Column(
            "before_spam", sa.String(20), sa.CheckConstraint(f"before_spam in ({values})", name)
        ),
    )


def downgrade() -> None:
    op.drop_index("ix_lead__status", "lead")
    op.drop_column("lead", "before_spam")
    op.drop_column("call_session", "before_spam")
