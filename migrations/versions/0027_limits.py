"""Limits of calls and money: a tenant's own, the operator's ceilings, what is spent and reserved."""

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision = "0027"
down_revision = "0026"

NUMBERS = (
    "calls_at_once", "calls_per_minute", "caller_at_once", "caller_per_minute", "call_seconds",
    "talk_seconds", "call_tokens", "call_cents", "caller_day_cents", "day_cents", "month_cents",
)  # fmt: skip
CEILINGS = ("most_calls_at_once", "most_calls_per_minute", "most_day_cents", "most_month_cents")
TREATMENTS = "'answer', 'message', 'reject'"
LIMITED = (
    "'listed', 'withheld', 'unverified', 'loop', 'caller_rate', 'caller_at_once', 'caller_spent',"
    " 'repeated', 'burst', 'rate', 'at_once', 'spent'"
)
FACTS = ("name", "timezone", "status")


def upgrade() -> None:
    _create_limits()
    _create_account()
    for ceiling in CEILINGS:
        op.add_column("tenant", sa.Column(ceiling, sa.Integer()))
    _add_to_calls()
    _add_to_leases()
    _count_facts_versions((*FACTS, *CEILINGS))
    op.execute(
        """
        create function raise_every_facts_version() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
            update public.tenant set facts_version = facts_version + 1;
            return null;
        end $$
        """
    )
    op.execute("revoke all on function raise_every_facts_version() from public")
    op.execute(
        "create trigger raise_facts_version after insert or update or delete on price"
        " for each statement execute function raise_every_facts_version()"
    )


def downgrade() -> None:
    op.execute("drop trigger raise_facts_version on price")
    op.execute("drop function raise_every_facts_version")
    _count_facts_versions(FACTS)
    for column in ("caller", "began"):
        op.drop_column("lease", column)
    op.drop_column("transfer_attempt", "reserved")
    for column in ("limited", "reserved", "settled", "line_paid"):
        op.drop_column("call_session", column)
    op.drop_index("ix_call_session__caller", "call_session")
    op.create_index("ix_call_session__caller", "call_session", ["tenant_id", "caller"])
    for ceiling in CEILINGS:
        op.drop_column("tenant", ceiling)
    op.drop_table("spend_account")
    op.drop_table("call_limits")


def _create_limits() -> None:
    op.create_table(
        "call_limits",
        sa.Column("id", sa.Integer(), primary_key=True),
        _tenant(),
        *(sa.Column(name, sa.Integer()) for name in NUMBERS),
        _treatment("withheld", "answer"),
        _treatment("unverified", "message"),
        sa.Column("robocalls", sa.Boolean(), server_default="true", nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_call_limits__tenant_id"),
        sa.UniqueConstraint("tenant_id", name="uq_call_limits__tenant"),
    )
    walls.own_by_tenant("call_limits")
    walls.raise_facts_version("call_limits")
    op.execute("insert into call_limits (tenant_id) select id from tenant")


def _create_account() -> None:
    op.create_table(
        "spend_account",
        sa.Column("id", sa.Integer(), primary_key=True),
        _tenant(),
        *(
            column
            for period in ("day", "month")
            for column in (
                sa.Column(period, sa.Date(), nullable=False),
                sa.Column(f"{period}_spent", sa.BigInteger(), server_default="0", nullable=False),
                sa.Column(f"{period}_told", sa.SmallInteger(), server_default="0", nullable=False),
            )
        ),
        sa.UniqueConstraint("tenant_id", "id", name="uq_spend_account__tenant_id"),
        sa.UniqueConstraint("tenant_id", name="uq_spend_account__tenant"),
    )
    walls.own_by_tenant("spend_account")


def _add_to_calls() -> None:
    for name, kind in (
        ("reserved", sa.BigInteger()), ("settled", sa.BigInteger()), ("line_paid", sa.Integer()),
    ):  # fmt: skip
        op.add_column("call_session", sa.Column(name, kind, server_default="0", nullable=False))
    op.add_column(
        "call_session",
        sa.Column(
            "limited", sa.String(20),
            sa.CheckConstraint(f"limited in ({LIMITED})", "ck_call_session__limited"),
        ),
    )  # fmt: skip
    op.add_column(
        "transfer_attempt",
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.drop_index("ix_call_session__caller", "call_session")
    op.create_index(
        "ix_call_session__caller", "call_session", ["tenant_id", "caller", "started_at"]
    )


def _add_to_leases() -> None:
    op.add_column("lease", sa.Column("caller", sa.String(32), server_default="", nullable=False))
    op.add_column("lease", _now("began"))


def _count_facts_versions(columns: tuple[str, ...]) -> None:
    """A tenant's own version, by which of its columns a call goes."""
    old, new = (", ".join(f"{side}.{name}" for name in columns) for side in ("old", "new"))
    op.execute("drop trigger raise_facts_version on tenant")
    op.execute(
        f"""
        create trigger raise_facts_version before update of {", ".join(columns)} on tenant
        for each row when (({old}) is distinct from ({new}))
        execute function raise_own_facts_version()
        """
    )


def _tenant() -> sa.Column[int]:
    return sa.Column(
        "tenant_id", sa.Integer(), sa.ForeignKey("tenant.id", ondelete="CASCADE"),
        server_default=sa.text(walls.CURRENT_TENANT), nullable=False,
    )  # fmt: skip


def _treatment(name: str, usual: str) -> sa.Column[str]:
    check = sa.CheckConstraint(f"{name} in ({TREATMENTS})", f"ck_call_limits__{name}")
    return sa.Column(name, sa.String(20), check, server_default=usual, nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
