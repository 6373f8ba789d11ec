"""How far a business has come in setting up; its own name and time zone; practice numbers."""

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision = "0023"
down_revision = "0022"

# What a tenant may change of its own row. `updated_at` is set with every change.
OWN = "name, timezone, updated_at"


def upgrade() -> None:
    op.create_table(
        "setup",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("trade", sa.String(40), server_default="", nullable=False),
        sa.Column("steps", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True)),
        sa.Column(
            "tenant_id",
            sa.Integer(),
            sa.ForeignKey("tenant.id", ondelete="CASCADE"),
            server_default=sa.text(walls.CURRENT_TENANT),
            nullable=False,
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.UniqueConstraint("tenant_id", "id", name="uq_setup__tenant_id"),
        sa.UniqueConstraint("tenant_id", name="uq_setup__tenant"),
    )
    walls.own_by_tenant("setup")
    op.execute(f"grant update ({OWN}) on tenant to recep_tenant")
    op.add_column(
        "twilio_number",
        sa.Column("practice", sa.Boolean(), server_default="false", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("twilio_number", "practice")
    op.execute(f"revoke update ({OWN}) on tenant from recep_tenant")
    op.drop_table("setup")
