"""The second wall, in the words of PostgreSQL: policies and grants for migrations.

Migrations run as recep_owner. Row-level security is forced on it, too, and it has a policy that
lets it see every row, so a data migration is a plain `op.execute("update lead set …")`.
Old migrations use these functions: add new ones rather than changing what these do.
"""

from alembic import op

# The same expression as app.tenancy.CURRENT_TENANT (a test compares them in the database).
CURRENT_TENANT = "nullif(current_setting('app.tenant_id'::text, true), ''::text)::integer"
EVERYTHING = "select, insert, update, delete"
APPEND_ONLY = "select, insert"


def own_by_tenant(table: str, *, may: str = EVERYTHING) -> None:
    """A tenant sees and writes its own rows, the platform all: for every TenantOwned table."""
    enclose(table, f"tenant_id = {CURRENT_TENANT}")
    grant("recep_tenant, recep_platform", may, table)


def enclose(
    table: str, own: str, *, writable: str = "", everybody: str = "recep_platform, recep_owner"
) -> None:
    """Rows for which `own` holds are the tenant's (new ones must meet `writable`, if given).

    Each policy names its roles instead of asking for the role in an OR, which defeats the index.
    """
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy tenant on {table} to recep_tenant"
        f" using ({own}) with check ({writable or own})"
    )
    op.execute(f"create policy platform on {table} to {everybody} using (true) with check (true)")


def grant(roles: str, may: str, table: str) -> None:
    op.execute(f"grant {may} on {table} to {roles}")
    if "insert" in may:
        op.execute(f"grant usage on sequence {table}_id_seq to {roles}")


def raise_facts_version(table: str) -> None:
    """Every change of this table's rows invalidates what calls have cached of their tenant."""
    op.execute(
        f"create trigger raise_facts_version after insert or update or delete on {table}"
        " for each row execute function raise_facts_version()"
    )
