"""Tenants as customers: prices, a ledger of all that is priced, where the suspended are forwarded."""

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision = "0007"
down_revision = "0006"

FORMER = ("call_seconds", "transfer_seconds", "tokens_in", "tokens_out", "mails")
KINDS = (
    "calls", "call_seconds", "transfers", "transfer_seconds", "recording_seconds", "tokens_in",
    "tokens_out", "mails", "numbers",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("receptionist_config", sa.Column("suspension_number", sa.String(20)))
    for table in ("call_session", "spend_ledger"):
        op.add_column(table, sa.Column("model", sa.String(80), server_default="", nullable=False))
    _allow_kinds(KINDS)
    _create_price()
    op.execute("update tenant set timezone = 'UTC' where timezone in ('localtime', 'Factory')")
    _book_what_was()


def downgrade() -> None:
    op.drop_table("price")
    listed = ", ".join(f"'{kind}'" for kind in FORMER)
    op.execute(f"delete from spend_ledger where kind not in ({listed})")
    _allow_kinds(FORMER)
    for table in ("call_session", "spend_ledger"):
        op.drop_column(table, "model")
    op.drop_column("receptionist_config", "suspension_number")


def _allow_kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint("ck_spend_ledger__kind", "spend_ledger", type_="check")
    op.create_check_constraint("ck_spend_ledger__kind", "spend_ledger", _one_of(kinds))


def _one_of(kinds: tuple[str, ...]) -> str:
    return f"kind in ({', '.join(repr(kind) for kind in kinds)})"


def _create_price() -> None:
    op.create_table(
        "price",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(20), server_default="call_seconds", nullable=False),
        sa.Column("model", sa.String(80), server_default="", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 6), nullable=False),
        sa.Column("currency", sa.String(3), server_default="USD", nullable=False),
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
        sa.UniqueConstraint("kind", "model", "valid_from", name="uq_price__kind"),
        sa.CheckConstraint("amount >= 0", name="ck_price__amount"),
        sa.CheckConstraint(_one_of(KINDS), name="ck_price__kind"),
    )
    walls.grant("recep_tenant", "select", "price")
    walls.grant("recep_platform", walls.EVERYTHING, "price")


def _book_what_was() -> None:
    """Calls, transfers and recordings that ended before the ledger had kinds for them."""
    real = "c.channel <> 'test' and c.outcome is not null and c.outcome <> 'blocked'"
    op.execute(
        "insert into spend_ledger (tenant_id, call_id, kind, quantity, key, created_at)"
        " select c.tenant_id, c.id, 'calls', 1, 'calls:' || c.id, coalesce(c.ended_at, c.started_at)"
        f" from call_session c where {real}"
    )
    for kind, quantity in (("transfers", "1"), ("transfer_seconds", "a.seconds")):
        op.execute(
            "insert into spend_ledger (tenant_id, call_id, kind, quantity, key, created_at)"
            f" select a.tenant_id, c.id, '{kind}', {quantity}, '{kind}:' || a.id,"
            " coalesce(a.ended_at, c.started_at)"
            " from transfer_attempt a join call_session c on c.id = a.call_id"
            f" where {real} and a.status = 'answered' and {quantity} > 0"
        )
    op.execute(
        "insert into spend_ledger (tenant_id, call_id, kind, quantity, key, created_at)"
        " select r.tenant_id, c.id, 'recording_seconds', r.duration,"
        " 'recording_seconds:' || r.recording_sid, r.created_at"
        " from recording r join call_session c on c.id = r.call_id"
        f" where {real} and r.duration > 0"
    )
