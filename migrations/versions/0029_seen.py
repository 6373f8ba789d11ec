"""Counters of /metrics, alerts, what processes say of themselves, when the last backup was made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import walls

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("heartbeat", sa.Column("told", JSONB(), server_default="{}", nullable=False))
    _create(
        "milestone",
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        _moment("at", server_default=sa.text("now()"), nullable=False),
    )
    _create(
        "metric_total",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("labels", sa.String(300), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.UniqueConstraint("name", "labels", name="uq_metric_total__series"),
    )
    # Every row is written every few seconds: room for it on its own page.
    op.execute("alter table metric_total set (fillfactor = 50)")
    _create(
        "metric_sample",
        _moment("at", server_default=sa.text("now()"), nullable=False, unique=True),
        sa.Column("totals", JSONB(), nullable=False),
    )
    _create_alert()


def _create_alert() -> None:
    _create(
        "alert",
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        _switch("active", "true"),
        sa.Column("threshold", sa.Double()),
        sa.Column("value", sa.Double()),
        sa.Column("detail", sa.String(300), server_default="", nullable=False),
        _moment("measured_at"),
        _switch("firing", "false"),
        _moment("since"),
        _moment("turning_since"),
        _moment("muted_until"),
        _moment("mailed_at"),
        _switch("mailed_firing", "false"),
        _moment("posted_at"),
        _switch("posted_firing", "false"),
        _moment("telling_until"),
        _moment("created_at", server_default=sa.text("now()"), nullable=False),
        _moment("updated_at", server_default=sa.text("now()"), nullable=False),
    )


def _create(table: str, *rest: sa.schema.SchemaItem) -> None:
    """The platform's alone."""
    op.create_table(table, sa.Column("id", sa.Integer(), primary_key=True), *rest)
    walls.grant("recep_platform", walls.EVERYTHING, table)


def _moment(name: str, **more: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), **more)


def _switch(name: str, usual: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), server_default=usual, nullable=False)


def downgrade() -> None:
    for table in ("alert", "metric_sample", "metric_total", "milestone"):
        op.drop_table(table)
    op.drop_column("heartbeat", "told")
