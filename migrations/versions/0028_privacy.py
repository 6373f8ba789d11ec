"""How long things are kept, requests for one's own data, and signs of life of workers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import walls

revision = "0028"
down_revision = "0027"

KEPT = ("transcript_days", "recording_days", "call_days", "lead_days")


def upgrade() -> None:
    for column in KEPT:
        op.add_column("receptionist_config", sa.Column(column, sa.Integer()))
    _create_data_request()
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False, unique=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("host", sa.String(80), nullable=False),
        _moment("seen_at"),
    )
    walls.grant("recep_platform", walls.EVERYTHING, "heartbeat")
    _end_sessions(unless_resealed=True)
    # Each tenant's turn among the work that is due.
    op.create_index(
        "ix_job__turn", "job", ["tenant_id", "run_at", "id"],
        postgresql_where=sa.text("status in ('waiting', 'running')"),
    )  # fmt: skip
    # By which retention finds what is due.
    op.create_index("ix_transcript__created_at", "transcript", ["tenant_id", "created_at"])
    op.create_index("ix_recording__created_at", "recording", ["tenant_id", "created_at"])


def _end_sessions(*, unless_resealed: bool) -> None:
    """A secret that is only encrypted anew (`run.py rotate-keys` says so) ends nobody's session."""
    said = "when (coalesce(current_setting('app.resealing', true), '') <> 'on') "
    op.execute("drop trigger end_sessions on second_factor")
    op.execute(
        "create trigger end_sessions after insert or delete or update of user_id, sealed_secret"
        f" on second_factor for each row {said if unless_resealed else ''}"
        "execute function end_sessions_of_factor()"
    )


def _create_data_request() -> None:
    op.create_table(
        "data_request",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), server_default="export", nullable=False),
        sa.Column("sealed_phone", sa.String(500)),
        sa.Column("phone_hash", sa.String(32), nullable=False),
        sa.Column("ends_in", sa.String(2), nullable=False),
        sa.Column("requested_by", sa.String(80), nullable=False),
        sa.Column("receipt", JSONB(), server_default="{}", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column(
            "tenant_id",
            sa.Integer(),
            server_default=sa.text(walls.CURRENT_TENANT),
            nullable=False,
        ),
        _moment("created_at"),
        _moment("updated_at"),
        sa.CheckConstraint("kind in ('export', 'erase')", name="ck_data_request__kind"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_data_request__tenant_id"),
    )
    op.create_index("ix_data_request__phone_hash", "data_request", ["tenant_id", "phone_hash"])
    walls.own_by_tenant("data_request")


def _moment(name: str) -> sa.Column:
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, server_default=sa.text("now()"), nullable=False)


def downgrade() -> None:
    op.drop_index("ix_recording__created_at", "recording")
    op.drop_index("ix_transcript__created_at", "transcript")
    op.drop_index("ix_job__turn", "job")
    _end_sessions(unless_resealed=False)
    op.drop_table("heartbeat")
    op.drop_table("data_request")
    for column in KEPT:
        op.drop_column("receptionist_config", column)
