"""Jobs that a person has set aside; each department has a place of its own among its siblings."""

from alembic import op

revision = "0024"
down_revision = "0023"

BEFORE = "'waiting', 'running', 'done', 'dead'"

# Those that share a place keep the order that calls have gone by.
IN_ORDER = """
    update department set position = place.number
    from (
        select id, row_number() over (partition by tenant_id order by position, id) as number
        from department {whose}
    ) place
    where department.id = place.id and department.position <> place.number
"""
COME_LAST = """
    create function come_last() returns trigger language plpgsql as $$
    begin
        if new.position is null then
            select coalesce(max(position), 0) + 1 into new.position
            from department where tenant_id = new.tenant_id;
        end if;
        return new;
    end $$
"""
CLOSE_RANKS = f"""
    create function close_ranks() returns trigger language plpgsql as $$
    begin
        {IN_ORDER.format(whose="where tenant_id = old.tenant_id")};
        return null;
    end $$
"""


def upgrade() -> None:
    _job_may_be(f"{BEFORE}, 'set_aside'")
    op.execute(IN_ORDER.format(whose=""))
    op.create_unique_constraint(
        "uq_department__position", "department", ["tenant_id", "position"],
        deferrable=True, initially="DEFERRED",
    )  # fmt: skip
    op.alter_column("department", "position", server_default=None)
    op.execute(COME_LAST)
    op.execute(CLOSE_RANKS)
    op.execute(
        "create trigger come_last before insert on department"
        " for each row execute function come_last()"
    )
    op.execute(
        "create trigger close_ranks after delete on department"
        " for each row execute function close_ranks()"
    )


def downgrade() -> None:
    for function in ("close_ranks", "come_last"):
        op.execute(f"drop trigger {function} on department")
        op.execute(f"drop function {function}")
    op.alter_column("department", "position", server_default="1")
    op.drop_constraint("uq_department__position", "department")
    op.execute("update job set status = 'dead' where status = 'set_aside'")
    _job_may_be(BEFORE)


def _job_may_be(statuses: str) -> None:
    op.drop_constraint("ck_job__status", "job")
    op.create_check_constraint("ck_job__status", "job", f"status in ({statuses})")
