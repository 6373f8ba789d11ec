"""People: sign-ins that end, attempts that are counted, links that set a password."""

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision = "0002"
down_revision = "0001"

TABLES = ("login_attempt", "user_token")


def upgrade() -> None:
    op.add_column(
        "ab_user", sa.Column("session_epoch", sa.Integer(), server_default="0", nullable=False)
    )
    _create_login_attempt()
    _create_user_token()
    for table in TABLES:
        walls.grant("recep_platform", walls.EVERYTHING, table)
    _end_sessions()


def downgrade() -> None:
    op.execute("drop trigger end_sessions on ab_user")
    op.execute("drop trigger end_sessions on ab_user_role")
    op.execute("drop function end_sessions")
    op.execute("drop function end_sessions_of_role")
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("ab_user", "session_epoch")


def _create_login_attempt() -> None:
    op.create_table(
        "login_attempt",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("way", sa.String(20), server_default="page", nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("outcome", sa.String(20), server_default="tried", nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.CheckConstraint("way in ('page', 'api', 'reset')", name="ck_login_attempt__way"),
        sa.CheckConstraint(
            "outcome in ('tried', 'failed', 'refused', 'passed')", name="ck_login_attempt__outcome"
        ),
    )
    for column in ("key", "address", "user_id"):
        op.create_index(f"ix_login_attempt__{column}", "login_attempt", [column, "at"])


def _create_user_token() -> None:
    op.create_table(
        "user_token",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), server_default="reset", nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.CheckConstraint("kind in ('invite', 'reset')", name="ck_user_token__kind"),
    )
    op.create_index("ix_user_token__user_id", "user_token", ["user_id"])


def _end_sessions() -> None:
    """Here rather than in the code that changes people, so that none of it can forget to."""
    op.execute(
        """
        create function end_sessions() returns trigger
        language plpgsql set search_path = '' as $$
        begin
            new.session_epoch := old.session_epoch + 1;
            return new;
        end $$
        """
    )
    op.execute(
        """
        create function end_sessions_of_role() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
            update public.ab_user set session_epoch = session_epoch + 1
            where id in (
                case when tg_op <> 'INSERT' then old.user_id end,
                case when tg_op <> 'DELETE' then new.user_id end
            );
            return null;
        end $$
        """
    )
    for function in ("end_sessions", "end_sessions_of_role"):
        op.execute(f"revoke all on function {function}() from public")
    op.execute(
        """
        create trigger end_sessions before update of password, active, tenant_id on ab_user
        for each row
        when ((old.password, old.active, old.tenant_id) is distinct from
              (new.password, new.active, new.tenant_id))
        execute function end_sessions()
        """
    )
    op.execute(
        "create trigger end_sessions after insert or update or delete on ab_user_role"
        " for each row execute function end_sessions_of_role()"
    )
