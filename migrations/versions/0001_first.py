"""The first schema: every table, who may see its rows, and the version of a tenant's facts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from migrations import walls

revision = "0001"
down_revision = None

OWNED = (
    "api_key", "block", "department", "inbound_request", "knowledge_entry", "lease",
    "twilio_number", "webhook_endpoint", "call_session", "holiday", "opening_hours",
    "receptionist_config", "call_summary", "consent", "job", "knowledge_gap", "lead", "recording",
    "transcript", "transfer_attempt",
)  # fmt: skip
SIGN_IN = (
    "ab_group", "ab_permission", "ab_register_user", "ab_role", "ab_view_menu", "ab_group_role",
    "ab_permission_view", "ab_user", "ab_api_key", "ab_permission_view_role", "ab_user_group",
    "ab_user_role",
)  # fmt: skip
# What says what a role may do. It is the same for every tenant.
RULES = (
    "ab_group", "ab_permission", "ab_role", "ab_view_menu", "ab_group_role", "ab_permission_view",
    "ab_permission_view_role",
)  # fmt: skip
# What calls read of a tenant, besides the tenant's own row.
FACTS = (
    "receptionist_config", "twilio_number", "department", "opening_hours", "holiday",
    "knowledge_entry",
)  # fmt: skip


def upgrade() -> None:
    _create_tenant()
    _create_sign_in_tables()
    _create_owned_tables()
    _create_bootstrap()
    _enclose_owned_tables()
    _enclose_sign_in_tables()
    _count_facts_versions()


def downgrade() -> None:
    for table in ("bootstrap", "audit_log", "spend_ledger", *reversed(OWNED), *reversed(SIGN_IN)):
        op.drop_table(table)
    op.drop_table("tenant")
    op.execute("drop function raise_facts_version")
    op.execute("drop function raise_own_facts_version")
    op.execute("revoke all on alembic_version from recep_unbound")
    op.execute("revoke usage on schema public from recep_unbound, recep_tenant, recep_platform")


def _enclose_owned_tables() -> None:
    op.execute("grant usage on schema public to recep_unbound, recep_tenant, recep_platform")
    for table in OWNED:
        walls.own_by_tenant(table)
    walls.own_by_tenant("spend_ledger", may=walls.APPEND_ONLY)
    walls.own_by_tenant("audit_log", may=walls.APPEND_ONLY)
    walls.enclose("tenant", f"id = {walls.CURRENT_TENANT}")
    walls.grant("recep_tenant", "select", "tenant")
    walls.grant("recep_platform", walls.EVERYTHING, "tenant")


def _enclose_sign_in_tables() -> None:
    """Whoever is not proven yet reads what sign-in needs, and counts logins; a tenant manages its
    own users and gives them any role but the super admin's."""
    proving = "recep_unbound, recep_platform, recep_owner"
    of_own_user = "user_id in (select id from ab_user)"
    harmless = "role_id in (select id from ab_role where name <> 'Super Admin')"

    walls.enclose("ab_user", f"tenant_id = {walls.CURRENT_TENANT}", everybody=proving)
    walls.enclose(
        "ab_user_role", of_own_user, writable=f"{of_own_user} and {harmless}", everybody=proving
    )
    walls.enclose("ab_user_group", of_own_user, everybody=proving)
    walls.enclose("ab_api_key", of_own_user)

    for table in (*RULES, "ab_user", "ab_user_role", "ab_user_group"):
        walls.grant("recep_unbound, recep_tenant", "select", table)
    walls.grant("recep_tenant", "insert, update, delete", "ab_user")
    walls.grant("recep_tenant", "insert, delete", "ab_user_role")
    # Deleting a user looks for what belongs to it.
    walls.grant("recep_tenant", "select", "ab_api_key")
    counted = "last_login, login_count, fail_login_count, changed_on, changed_by_fk"
    op.execute(f"grant update ({counted}) on ab_user to recep_unbound")
    for table in SIGN_IN:
        walls.grant("recep_platform", walls.EVERYTHING, table)


def _create_bootstrap() -> None:
    """What `run.py migrate` last did besides the schema, for a start that has nothing to do."""
    op.create_table("bootstrap", sa.Column("digest", sa.String(64), nullable=False))
    op.execute("grant select on bootstrap, alembic_version to recep_unbound")


def _count_facts_versions() -> None:
    """As the owner, because a tenant may not write its own row."""
    op.execute(
        """
        create function raise_facts_version() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
            update public.tenant set facts_version = facts_version + 1
            where id in (
                case when tg_op <> 'INSERT' then old.tenant_id end,
                case when tg_op <> 'DELETE' then new.tenant_id end
            );
            return null;
        end $$
        """
    )
    op.execute(
        """
        create function raise_own_facts_version() returns trigger
        language plpgsql set search_path = '' as $$
        begin
            new.facts_version := old.facts_version + 1;
            return new;
        end $$
        """
    )
    for function in ("raise_facts_version", "raise_own_facts_version"):
        op.execute(f"revoke all on function {function}() from public")
    for table in FACTS:
        walls.raise_facts_version(table)
    op.execute(
        """
        create trigger raise_facts_version before update of name, timezone, status on tenant
        for each row
        when ((old.name, old.timezone, old.status) is distinct from
              (new.name, new.timezone, new.status))
        execute function raise_own_facts_version()
        """
    )


def _id() -> sa.Column:
    return sa.Column("id", sa.Integer(), primary_key=True)


def _tenant_id(nullable: bool = False) -> sa.Column:
    default = sa.text(walls.CURRENT_TENANT)
    return sa.Column("tenant_id", sa.Integer(), server_default=default, nullable=nullable)


def _of_tenant() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], ondelete="CASCADE")


def _target(table: str) -> sa.UniqueConstraint:
    """What composite foreign keys point at; also the index for `tenant_id`."""
    return sa.UniqueConstraint("tenant_id", "id", name=f"uq_{table}__tenant_id")


def _owned(column: str, parent: str, on_delete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    target = [f"{parent}.tenant_id", f"{parent}.id"]
    return sa.ForeignKeyConstraint(["tenant_id", column], target, ondelete=on_delete)


def _moment(name: str) -> sa.Column:
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, server_default=sa.text("now()"), nullable=False)


def _strings(name: str) -> sa.Column:
    return sa.Column(name, ARRAY(sa.Text()), server_default="{}", nullable=False)


def _json(name: str) -> sa.Column:
    return sa.Column(name, JSONB(), server_default="{}", nullable=False)


def _choice(
    table: str, column: str, values: list[str], default: str | None = None
) -> tuple[sa.Column, sa.CheckConstraint]:
    allowed = ", ".join(f"'{value}'" for value in values)
    return (
        sa.Column(column, sa.String(20), server_default=default, nullable=default is None),
        sa.CheckConstraint(f"{column} in ({allowed})", name=f"ck_{table}__{column}"),
    )


def _create_tenant() -> None:
    op.create_table(
        "tenant",
        _id(),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("slug", sa.String(60), nullable=False),
        sa.Column("timezone", sa.String(60), server_default="America/New_York", nullable=False),
        *_choice("tenant", "status", ["trial", "active", "suspended", "closed"], default="active"),
        sa.Column("account_sid", sa.String(34)),
        sa.Column("sealed_auth_token", sa.String(500)),
        sa.Column("facts_version", sa.Integer(), server_default="1", nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("ix_tenant__account_sid", "tenant", ["account_sid"])


def _create_sign_in_tables() -> None:
    op.create_table(
        "ab_group",
        _id(),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("label", sa.String(150)),
        sa.Column("description", sa.String(512)),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_permission",
        _id(),
        sa.Column("name", sa.String(100), nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_register_user",
        _id(),
        sa.Column("first_name", sa.String(64), nullable=False),
        sa.Column("last_name", sa.String(64), nullable=False),
        sa.Column("username", sa.String(128), nullable=False),
        sa.Column("password", sa.String(256)),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("registration_date", sa.DateTime()),
        sa.Column("registration_hash", sa.String(256)),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "ab_role",
        _id(),
        sa.Column("name", sa.String(64), nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_view_menu",
        _id(),
        sa.Column("name", sa.String(250), nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_group_role",
        _id(),
        sa.Column("group_id", sa.Integer()),
        sa.Column("role_id", sa.Integer()),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("group_id", "role_id"),
    )
    op.create_index("idx_group_id", "ab_group_role", ["group_id"])
    op.create_index("idx_group_role_id", "ab_group_role", ["role_id"])
    op.create_table(
        "ab_permission_view",
        _id(),
        sa.Column("permission_id", sa.Integer(), nullable=False),
        sa.Column("view_menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["permission_id"], ["ab_permission.id"]),
        sa.ForeignKeyConstraint(["view_menu_id"], ["ab_view_menu.id"]),
        sa.UniqueConstraint("permission_id", "view_menu_id"),
    )
    op.create_index("idx_permission_id", "ab_permission_view", ["permission_id"])
    op.create_index("idx_view_menu_id", "ab_permission_view", ["view_menu_id"])
    op.create_table(
        "ab_user",
        _id(),
        sa.Column("first_name", sa.String(64), nullable=False),
        sa.Column("last_name", sa.String(64), nullable=False),
        sa.Column("username", sa.String(128), nullable=False),
        sa.Column("password", sa.String(256)),
        sa.Column("active", sa.Boolean()),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("last_login", sa.DateTime()),
        sa.Column("login_count", sa.Integer()),
        sa.Column("fail_login_count", sa.Integer()),
        sa.Column("created_on", sa.DateTime()),
        sa.Column("changed_on", sa.DateTime()),
        sa.Column("created_by_fk", sa.Integer()),
        sa.Column("changed_by_fk", sa.Integer()),
        _tenant_id(nullable=True),
        sa.ForeignKeyConstraint(["changed_by_fk"], ["ab_user.id"]),
        sa.ForeignKeyConstraint(["created_by_fk"], ["ab_user.id"]),
        _of_tenant(),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_index("ix_ab_user_tenant_id", "ab_user", ["tenant_id"])
    op.create_table(
        "ab_api_key",
        _id(),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("key_hash", sa.String(256), nullable=False),
        sa.Column("lookup_hash", sa.String(256)),
        sa.Column("key_prefix", sa.String(16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime()),
        sa.Column("expires_on", sa.DateTime()),
        sa.Column("revoked_on", sa.DateTime()),
        sa.Column("last_used_on", sa.DateTime()),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("lookup_hash"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("idx_api_key_lookup_hash", "ab_api_key", ["lookup_hash"], unique=True)
    op.create_index("idx_api_key_prefix", "ab_api_key", ["key_prefix"])
    op.create_index("idx_api_key_user_id", "ab_api_key", ["user_id"])
    op.create_table(
        "ab_permission_view_role",
        _id(),
        sa.Column("permission_view_id", sa.Integer()),
        sa.Column("role_id", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["permission_view_id"], ["ab_permission_view.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("permission_view_id", "role_id"),
    )
    op.create_index("idx_permission_view_id", "ab_permission_view_role", ["permission_view_id"])
    op.create_index("idx_role_id", "ab_permission_view_role", ["role_id"])
    op.create_table(
        "ab_user_group",
        _id(),
        sa.Column("user_id", sa.Integer()),
        sa.Column("group_id", sa.Integer()),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("user_id", "group_id"),
    )
    op.create_index("idx_user_group_id", "ab_user_group", ["group_id"])
    op.create_index("idx_user_id", "ab_user_group", ["user_id"])
    op.create_table(
        "ab_user_role",
        _id(),
        sa.Column("user_id", sa.Integer()),
        sa.Column("role_id", sa.Integer()),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("user_id", "role_id"),
    )


def _create_owned_tables() -> None:
    op.create_table(
        "audit_log",
        _id(),
        _tenant_id(nullable=True),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("address", sa.String(45), server_default="", nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("entity", sa.String(60), nullable=False),
        sa.Column("entity_id", sa.Integer()),
        _json("changes"),
        _moment("created_at"),
    )
    op.create_index("ix_audit_log__created_at", "audit_log", ["tenant_id", "created_at"])
    op.create_index("ix_audit_log__entity", "audit_log", ["tenant_id", "entity", "entity_id"])
    op.create_table(
        "api_key",
        _id(),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("prefix", sa.String(12), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        _strings("scopes"),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _of_tenant(),
        sa.UniqueConstraint("key_hash"),
        _target("api_key"),
    )
    op.create_table(
        "block",
        _id(),
        sa.Column("phone", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(200), server_default="", nullable=False),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _of_tenant(),
        _target("block"),
        sa.UniqueConstraint("tenant_id", "phone", name="uq_block__phone"),
    )
    op.create_table(
        "department",
        _id(),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        _strings("numbers"),
        sa.Column("position", sa.Integer(), server_default="1", nullable=False),
        sa.Column("operator", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("ring_seconds", sa.Integer(), server_default="20", nullable=False),
        _strings("summary_recipients"),
        _strings("lead_recipients"),
        _strings("urgent_recipients"),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _of_tenant(),
        _target("department"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_department__name"),
    )
    op.create_table(
        "inbound_request",
        _id(),
        sa.Column("call_sid", sa.String(34), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("event", JSONB(), nullable=False),
        sa.Column("lease_token", sa.String(32), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("twiml", sa.Text()),
        _moment("created_at"),
        _tenant_id(),
        _of_tenant(),
        sa.UniqueConstraint(
            "tenant_id", "call_sid", "kind", "turn", name="uq_inbound_request__delivery"
        ),
        _target("inbound_request"),
    )
    op.create_index(
        "ix_inbound_request__created_at", "inbound_request", ["tenant_id", "created_at"]
    )
    op.create_table(
        "knowledge_entry",
        _id(),
        sa.Column("question", sa.String(500), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        _strings("alternates"),
        sa.Column("category", sa.String(80), server_default="", nullable=False),
        sa.Column("language", sa.String(10), server_default="", nullable=False),
        *_choice("knowledge_entry", "status", ["live", "draft"], default="live"),
        sa.Column("valid_until", sa.Date()),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _of_tenant(),
        _target("knowledge_entry"),
    )
    op.create_table(
        "lease",
        _id(),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        _tenant_id(),
        _of_tenant(),
        _target("lease"),
        sa.UniqueConstraint("tenant_id", "kind", "holder", name="uq_lease__holder"),
    )
    op.create_index("ix_lease__until", "lease", ["tenant_id", "kind", "until"])
    op.create_table(
        "twilio_number",
        _id(),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("label", sa.String(80), server_default="", nullable=False),
        sa.Column("phone_sid", sa.String(34)),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _of_tenant(),
        sa.UniqueConstraint("number"),
        _target("twilio_number"),
    )
    op.create_table(
        "webhook_endpoint",
        _id(),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        _strings("events"),
        sa.Column("sealed_secret", sa.String(500)),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _of_tenant(),
        _target("webhook_endpoint"),
    )
    op.create_table(
        "call_session",
        _id(),
        sa.Column("call_sid", sa.String(34), nullable=False),
        *_choice("call_session", "channel", ["phone", "test"], default="phone"),
        sa.Column("number_id", sa.Integer()),
        sa.Column("caller", sa.String(64), server_default="", nullable=False),
        sa.Column("called", sa.String(20), server_default="", nullable=False),
        *_choice(
            "call_session",
            "state",
            [
                "greeting",
                "intent",
                "faq",
                "transfer_attempt",
                "lead_capture",
                "confirmation",
                "wrap_up",
                "ended",
            ],
            default="greeting",
        ),
        *_choice(
            "call_session",
            "outcome",
            ["lead", "transferred", "answered", "abandoned", "blocked", "failed"],
        ),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        _json("memory"),
        _moment("started_at"),
        _moment("last_turn_at"),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("duration", sa.Integer()),
        sa.Column("answers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tokens_in", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tokens_out", sa.Integer(), server_default="0", nullable=False),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("number_id", "twilio_number", on_delete="SET NULL (number_id)"),
        _of_tenant(),
        sa.UniqueConstraint("call_sid"),
        _target("call_session"),
    )
    op.create_index("ix_call_session__caller", "call_session", ["tenant_id", "caller"])
    op.create_index("ix_call_session__number_id", "call_session", ["tenant_id", "number_id"])
    op.create_index(
        "ix_call_session__open",
        "call_session",
        ["tenant_id", "last_turn_at"],
        postgresql_where=sa.text("outcome is null"),
    )
    op.create_index("ix_call_session__started_at", "call_session", ["tenant_id", "started_at"])
    op.create_table(
        "holiday",
        _id(),
        sa.Column("department_id", sa.Integer()),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("opens", sa.Time()),
        sa.Column("closes", sa.Time()),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.CheckConstraint("(opens is null) = (closes is null)", name="ck_holiday__opens"),
        _owned("department_id", "department"),
        _of_tenant(),
        _target("holiday"),
    )
    op.create_index("ix_holiday__day", "holiday", ["tenant_id", "day"])
    op.create_index("ix_holiday__department_id", "holiday", ["tenant_id", "department_id"])
    op.create_table(
        "opening_hours",
        _id(),
        sa.Column("department_id", sa.Integer()),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.CheckConstraint("weekday between 0 and 6", name="ck_opening_hours__weekday"),
        _owned("department_id", "department"),
        _of_tenant(),
        _target("opening_hours"),
    )
    op.create_index(
        "ix_opening_hours__department_id", "opening_hours", ["tenant_id", "department_id"]
    )
    op.create_table(
        "receptionist_config",
        _id(),
        sa.Column("greeting", sa.Text(), server_default="", nullable=False),
        sa.Column("persona", sa.Text(), server_default="", nullable=False),
        sa.Column("voice", sa.String(80), server_default="Polly.Joanna-Neural", nullable=False),
        sa.Column("language", sa.String(10), server_default="en-US", nullable=False),
        sa.Column("model", sa.String(80), server_default="", nullable=False),
        _strings("intake_fields"),
        _strings("urgent_words"),
        *_choice("receptionist_config", "after_hours", ["answer", "message"], default="answer"),
        sa.Column("staff_first_id", sa.Integer()),
        sa.Column("max_turns", sa.Integer(), server_default="40", nullable=False),
        sa.Column("max_transfers", sa.Integer(), server_default="2", nullable=False),
        _strings("summary_recipients"),
        _strings("lead_recipients"),
        _strings("urgent_recipients"),
        _strings("alert_recipients"),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("staff_first_id", "department", on_delete="SET NULL (staff_first_id)"),
        _of_tenant(),
        _target("receptionist_config"),
        sa.UniqueConstraint("tenant_id", name="uq_receptionist_config__tenant"),
    )
    op.create_index(
        "ix_receptionist_config__staff_first_id",
        "receptionist_config",
        ["tenant_id", "staff_first_id"],
    )
    op.create_table(
        "call_summary",
        _id(),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("tier", sa.String(20), nullable=False),
        sa.Column("model", sa.String(80), server_default="", nullable=False),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("call_id", "call_session"),
        _of_tenant(),
        sa.UniqueConstraint("tenant_id", "call_id", name="uq_call_summary__call_id"),
        _target("call_summary"),
    )
    op.create_table(
        "consent",
        _id(),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.String(40), nullable=False),
        _moment("created_at"),
        _tenant_id(),
        _owned("call_id", "call_session"),
        _of_tenant(),
        sa.UniqueConstraint("tenant_id", "call_id", "kind", name="uq_consent__kind"),
        _target("consent"),
    )
    op.create_index("ix_consent__call_id", "consent", ["tenant_id", "call_id"])
    op.create_table(
        "job",
        _id(),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        _json("args"),
        sa.Column("call_id", sa.Integer()),
        *_choice("job", "status", ["waiting", "running", "done", "dead"], default="waiting"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _moment("run_at"),
        sa.Column("lease_token", sa.String(32)),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        _json("result"),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        _tenant_id(nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("call_id", "call_session"),
        _of_tenant(),
        _target("job"),
        sa.UniqueConstraint(
            "tenant_id", "key", name="uq_job__key", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_job__call_id", "job", ["tenant_id", "call_id"])
    op.create_index("ix_job__created_at", "job", ["tenant_id", "created_at"])
    op.create_index(
        "ix_job__due",
        "job",
        ["run_at"],
        postgresql_where=sa.text("status in ('waiting', 'running')"),
    )
    op.create_table(
        "knowledge_gap",
        _id(),
        sa.Column("question", sa.String(500), nullable=False),
        sa.Column("folded", sa.String(500), nullable=False),
        sa.Column("asked", sa.Integer(), server_default="1", nullable=False),
        _moment("last_asked_at"),
        *_choice("knowledge_gap", "status", ["open", "answered", "ignored"], default="open"),
        sa.Column("call_id", sa.Integer()),
        sa.Column("entry_id", sa.Integer()),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("call_id", "call_session", on_delete="SET NULL (call_id)"),
        _owned("entry_id", "knowledge_entry", on_delete="SET NULL (entry_id)"),
        _of_tenant(),
        sa.UniqueConstraint("tenant_id", "folded", name="uq_knowledge_gap__folded"),
        _target("knowledge_gap"),
    )
    op.create_index("ix_knowledge_gap__call_id", "knowledge_gap", ["tenant_id", "call_id"])
    op.create_index("ix_knowledge_gap__entry_id", "knowledge_gap", ["tenant_id", "entry_id"])
    op.create_table(
        "lead",
        _id(),
        sa.Column("call_id", sa.Integer()),
        sa.Column("department_id", sa.Integer()),
        sa.Column("name", sa.String(120), server_default="", nullable=False),
        sa.Column("phone", sa.String(32), server_default="", nullable=False),
        sa.Column("email", sa.String(254), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        _json("answers"),
        _json("known"),
        sa.Column("confirmed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("test", sa.Boolean(), server_default="false", nullable=False),
        *_choice("lead", "status", ["new", "contacted", "done", "lost", "spam"], default="new"),
        sa.Column("due", sa.Date()),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("call_id", "call_session", on_delete="SET NULL (call_id)"),
        _owned("department_id", "department", on_delete="SET NULL (department_id)"),
        _of_tenant(),
        sa.UniqueConstraint("tenant_id", "call_id", name="uq_lead__call_id"),
        _target("lead"),
    )
    op.create_index("ix_lead__created_at", "lead", ["tenant_id", "created_at"])
    op.create_index("ix_lead__department_id", "lead", ["tenant_id", "department_id"])
    op.create_index("ix_lead__phone", "lead", ["tenant_id", "phone"])
    op.create_table(
        "recording",
        _id(),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("recording_sid", sa.String(34), nullable=False),
        sa.Column("source", sa.String(40), server_default="", nullable=False),
        sa.Column("status", sa.String(20), server_default="", nullable=False),
        sa.Column("duration", sa.Integer()),
        sa.Column("channels", sa.Integer()),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("call_id", "call_session"),
        _of_tenant(),
        _target("recording"),
        sa.UniqueConstraint("tenant_id", "recording_sid", name="uq_recording__recording_sid"),
    )
    op.create_index("ix_recording__call_id", "recording", ["tenant_id", "call_id"])
    op.create_table(
        "spend_ledger",
        _id(),
        sa.Column("call_id", sa.Integer()),
        *_choice(
            "spend_ledger",
            "kind",
            ["call_seconds", "transfer_seconds", "tokens_in", "tokens_out", "mails"],
            default="call_seconds",
        ),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        _moment("created_at"),
        _tenant_id(),
        _owned("call_id", "call_session", on_delete="SET NULL (call_id)"),
        _of_tenant(),
        _target("spend_ledger"),
        sa.UniqueConstraint("tenant_id", "key", name="uq_spend_ledger__key"),
    )
    op.create_index("ix_spend_ledger__call_id", "spend_ledger", ["tenant_id", "call_id"])
    op.create_index("ix_spend_ledger__created_at", "spend_ledger", ["tenant_id", "created_at"])
    op.create_table(
        "transcript",
        _id(),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), server_default="", nullable=False),
        _json("evidence"),
        _moment("created_at"),
        _tenant_id(),
        _owned("call_id", "call_session"),
        _of_tenant(),
        _target("transcript"),
    )
    op.create_index("ix_transcript__call_id", "transcript", ["tenant_id", "call_id"])
    op.create_table(
        "transfer_attempt",
        _id(),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer()),
        sa.Column("turn", sa.Integer(), nullable=False),
        _strings("numbers"),
        *_choice(
            "transfer_attempt",
            "status",
            ["ringing", "answered", "busy", "no_answer", "refused", "failed"],
            default="ringing",
        ),
        sa.Column("accepted_by", sa.String(20)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("seconds", sa.Integer()),
        _tenant_id(),
        _moment("created_at"),
        _moment("updated_at"),
        _owned("call_id", "call_session"),
        _owned("department_id", "department", on_delete="SET NULL (department_id)"),
        _of_tenant(),
        sa.UniqueConstraint("tenant_id", "call_id", "turn", name="uq_transfer_attempt__turn"),
        _target("transfer_attempt"),
    )
    op.create_index("ix_transfer_attempt__call_id", "transfer_attempt", ["tenant_id", "call_id"])
    op.create_index(
        "ix_transfer_attempt__department_id", "transfer_attempt", ["tenant_id", "department_id"]
    )
