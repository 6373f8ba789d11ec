"""How a conversation goes: own questions by reason, a second language, who is rung and how."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0012"
down_revision = "0008"

CONFIG = "receptionist_config"


def upgrade() -> None:
    op.add_column(
        CONFIG,
        sa.Column("intake_questions", ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        CONFIG, sa.Column("other_language", sa.String(10), server_default="", nullable=False)
    )
    op.add_column(
        CONFIG, sa.Column("staff_first_seconds", sa.Integer(), server_default="20", nullable=False)
    )
    op.add_column(CONFIG, sa.Column("on_call_id", sa.Integer()))
    op.create_foreign_key(
        "fk_receptionist_config__on_call_id",
        CONFIG,
        "department",
        ["tenant_id", "on_call_id"],
        ["tenant_id", "id"],
        ondelete="SET NULL (on_call_id)",
    )
    op.create_index("ix_receptionist_config__on_call_id", CONFIG, ["tenant_id", "on_call_id"])
    op.add_column(
        "department",
        sa.Column("ring_in_order", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column(
        "twilio_number", sa.Column("language", sa.String(10), server_default="", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("twilio_number", "language")
    op.drop_column("department", "ring_in_order")
    op.drop_column(CONFIG, "on_call_id")
    for column in ("staff_first_seconds", "other_language", "intake_questions"):
        op.drop_column(CONFIG, column)
