"""Second factors: authenticator apps, recovery codes; the tries that they fail."""

import sqlalchemy as sa
from alembic import op

from migrations import walls

revision = "0006"
down_revision = "0005"

TABLES = ("second_factor", "recovery_code")
WAYS, MORE_WAYS = "'page', 'api', 'reset'", "'page', 'api', 'reset', 'invite'"
OUTCOMES = "'tried', 'failed', 'refused', 'passed'"
MORE_OUTCOMES = "'tried', 'failed', 'unproven', 'refused', 'passed'"


def upgrade() -> None:
    _may_be("way", MORE_WAYS)
    _may_be("outcome", MORE_OUTCOMES)
    op.add_column(
        "ab_user",
        sa.Column("second_factor", sa.Boolean(), server_default="false", nullable=False),
    )
    _create_tables()
    for table in TABLES:
        walls.grant("recep_platform", walls.EVERYTHING, table)
    _end_sessions()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("drop function end_sessions_of_factor")
    op.drop_column("ab_user", "second_factor")
    op.execute("delete from login_attempt where way = 'invite'")
    op.execute("update login_attempt set outcome = 'failed' where outcome = 'unproven'")
    _may_be("way", WAYS)
    _may_be("outcome", OUTCOMES)


def _may_be(column: str, values: str) -> None:
    name = f"ck_login_attempt__{column}"
    op.drop_constraint(name, "login_attempt", type_="check")
    op.create_check_constraint(name, "login_attempt", f"{column} in ({values})")


def _create_tables() -> None:
    op.create_table(
        "second_factor",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), nullable=False, unique=True),
        sa.Column("sealed_secret", sa.String(500), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("factor_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False, unique=True),
        sa.ForeignKeyConstraint(["factor_id"], ["second_factor.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_recovery_code__factor_id", "recovery_code", ["factor_id"])


def _end_sessions() -> None:
    """Not when a code is used, which changes `last_step` alone."""
    op.execute(
        """
        create function end_sessions_of_factor() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
            update public.ab_user u set session_epoch = u.session_epoch + 1,
                second_factor = exists (
                    select from public.second_factor f where f.user_id = u.id
                )
            where u.id in (
                case when tg_op <> 'INSERT' then old.user_id end,
                case when tg_op <> 'DELETE' then new.user_id end
            );
            return null;
        end $$
        """
    )
    op.execute("revoke all on function end_sessions_of_factor() from public")
    op.execute(
        "create trigger end_sessions after insert or delete or update of user_id, sealed_secret"
        " on second_factor for each row execute function end_sessions_of_factor()"
    )
