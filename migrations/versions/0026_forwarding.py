"""All calls of a business sent elsewhere, by hand or because turns fail; messages found at Twilio."""

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision = "0026"
down_revision = "0024"

CONFIG = "receptionist_config"
CAUSE = "ck_receptionist_config__forward_cause"


def upgrade() -> None:
    op.add_column(CONFIG, sa.Column("fallback_number", sa.String(20)))
    op.add_column(
        CONFIG, sa.Column("forward_calls", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column(CONFIG, sa.Column("forward_until", sa.DateTime(timezone=True)))
    op.add_column(
        CONFIG,
        sa.Column(
            "forward_cause", sa.String(20),
            sa.CheckConstraint("forward_cause in ('by_hand', 'failed_turns')", name=CAUSE),
        ),
    )  # fmt: skip
    for column, usual in (("forward_after", 5), ("forward_window", 5), ("forward_minutes", 15)):
        op.add_column(
            CONFIG, sa.Column(column, sa.Integer(), server_default=str(usual), nullable=False)
        )
    op.add_column(
        "transfer_attempt",
        sa.Column("forwarded", sa.Boolean(), server_default="false", nullable=False),
    )
    op.create_table(
        "collected",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account_sid", sa.String(34), nullable=False, unique=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    walls.grant("recep_platform", walls.EVERYTHING, "collected")


def downgrade() -> None:
    op.drop_table("collected")
    op.drop_column("transfer_attempt", "forwarded")
    for column in (
        "forward_minutes", "forward_window", "forward_after", "forward_cause", "forward_until",
        "forward_calls", "fallback_number",
    ):  # fmt: skip
        op.drop_column(CONFIG, column)
    op.execute("delete from job where kind in ('collect_messages', 'forwarding_mail')")
