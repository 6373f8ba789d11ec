"""The database is what the models and policies say: migrations, grants, policies, triggers, login.

`alembic check` sees tables and columns; policies, grants and checks are compared here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Session

from app import models
from app.cli.migrate import MIGRATIONS, TIMEOUTS, alone, head, is_current, make_schema, migrate
from app.extensions import db
from app.tenancy import CURRENT_TENANT, across_tenants, acting_for
from config import Settings
from tests.conftest import Services
from tests.factories import Rows
from tests.isolation.conftest import OWNED

EVERYTHING = {"SELECT", "INSERT", "UPDATE", "DELETE"}
APPENDED = {"SELECT", "INSERT"}
BY_OWNER = {"tenant": "id", "ab_user": "tenant_id", "audit_log": "tenant_id"} | {
    model.__tablename__: "tenant_id" for model in OWNED
}
BY_USER = {"ab_user_role", "ab_user_group", "ab_api_key"}
# No tenant's: what says what a role may do, who wants to register, and the bootstrap's notes.
NOBODYS = {
    "ab_group", "ab_permission", "ab_role", "ab_view_menu", "ab_group_role", "ab_permission_view",
    "ab_permission_view_role", "ab_register_user", "alembic_version", "bootstrap",
    "login_attempt", "user_token", "second_factor", "recovery_code", "price", "collected",
    "heartbeat", "metric_total", "metric_sample", "alert", "milestone",
}  # fmt: skip
# They speak of people, accounts or processes of all tenants, and no tenant may read them.
PLATFORMS = {
    "login_attempt", "user_token", "second_factor", "recovery_code", "collected", "heartbeat",
    "metric_total", "metric_sample", "alert", "milestone",
}  # fmt: skip
# The platform sets them, tenants read them.
PUBLISHED = {"price"}

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def ask(settings: Settings, services: Services) -> Iterator[Ask]:
    """Asks the fresh database, as the superuser."""
    connection = psycopg2.connect(services.admin_url())

    def answer(query: str, *values: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    yield answer
    connection.close()


@contextmanager
def alembic(services: Services) -> Iterator[Config]:
    config = Config(MIGRATIONS / "alembic.ini")
    config.attributes["url"] = services.admin_url()
    yield config


def test_migrations_make_what_the_models_say(settings: Settings, services: Services) -> None:
    with alembic(services) as config:
        command.check(config)


def test_downgrading_leaves_nothing_and_upgrading_brings_all_back(
    settings: Settings, services: Services, ask: Ask
) -> None:
    before = _everything(ask)
    with alembic(services) as config:
        command.downgrade(config, "base")
        assert _everything(ask) == {"alembic_version"}
        command.upgrade(config, "head")
        command.check(config)
    assert _everything(ask) == before


def _everything(ask: Ask) -> set[str]:
    ask("rollback; select 1")
    return {
        name
        for (name,) in ask(
            "select relname from pg_class where relnamespace = 'public'::regnamespace"
            " and relkind in ('r', 'v', 'S')"
            " union all select proname from pg_proc where pronamespace = 'public'::regnamespace"
            " union all select tablename || policyname || qual from pg_policies"
            " union all select tgrelid::regclass || tgname from pg_trigger where not tgisinternal"
        )
    }


def test_every_table_is_known_here(ask: Ask) -> None:
    tables = {name for (name,) in ask("select tablename from pg_tables where schemaname='public'")}
    assert tables == set(BY_OWNER) | BY_USER | NOBODYS


def test_row_level_security_is_forced_wherever_rows_have_owners(ask: Ask) -> None:
    forced = ask(
        "select relname from pg_class where relkind = 'r' and relrowsecurity"
        " and relforcerowsecurity and relnamespace = 'public'::regnamespace"
    )
    assert {name for (name,) in forced} == set(BY_OWNER) | BY_USER


def test_a_tenants_policy_is_plain_equality(ask: Ask) -> None:
    found = dict(
        (table, (_bare(using), _bare(check)))
        for table, using, check in ask(
            "select tablename, qual, with_check from pg_policies where 'recep_tenant' = any(roles)"
        )
    )
    assert set(found) == set(BY_OWNER) | BY_USER
    for table, column in BY_OWNER.items():
        assert found[table] == (_bare(f"{column} = {CURRENT_TENANT}"),) * 2


def test_only_the_platform_the_owner_and_sign_in_see_everything(ask: Ask) -> None:
    found = ask(
        "select tablename, roles::text[] from pg_policies where not 'recep_tenant' = any(roles)"
        " and qual = 'true' and with_check = 'true' and cmd = 'ALL'"
    )
    signing_in = {"ab_user", "ab_user_role", "ab_user_group"}
    for table, roles in found:
        proving = {"recep_unbound"} if table in signing_in else set()
        assert set(roles) == {"recep_platform", "recep_owner"} | proving, table
    assert {table for table, _ in found} == set(BY_OWNER) | BY_USER
    assert ask("select count(*) from pg_policies") == [(2 * len(found),)]


def test_grants_are_as_small_as_meant(ask: Ask) -> None:
    appended = {"spend_ledger", "audit_log"}
    owned = {model.__tablename__: EVERYTHING for model in OWNED} | dict.fromkeys(appended, APPENDED)
    rules = NOBODYS - PLATFORMS - PUBLISHED - {"ab_register_user", "alembic_version", "bootstrap"}
    sign_in = rules | BY_USER | PLATFORMS | PUBLISHED | {"ab_user", "ab_register_user"}

    assert _granted(ask, "recep_platform") == owned | {"tenant": EVERYTHING} | dict.fromkeys(
        sign_in, EVERYTHING
    )
    readable = {table: {"SELECT"} for table in rules | BY_USER | PUBLISHED | {"tenant"}}
    own_people = {"ab_user": EVERYTHING, "ab_user_role": {"SELECT", "INSERT", "DELETE"}}
    assert _granted(ask, "recep_tenant") == owned | readable | own_people
    needed = rules | {"ab_user", "ab_user_role", "ab_user_group", "alembic_version", "bootstrap"}
    assert _granted(ask, "recep_unbound") == {table: {"SELECT"} for table in needed}
    assert _granted(ask, "recep_login") == _granted(ask, "public") == {}


def test_who_signs_in_may_only_be_counted(ask: Ask) -> None:
    columns = ask(
        "select column_name from information_schema.column_privileges"
        " where grantee = 'recep_unbound' and privilege_type = 'UPDATE'"
    )
    assert {name for (name,) in columns} == {
        "last_login", "login_count", "fail_login_count", "changed_on", "changed_by_fk",
    }  # fmt: skip


def test_of_its_own_row_a_tenant_changes_name_and_time_zone_alone(ask: Ask) -> None:
    columns = ask(
        "select column_name from information_schema.column_privileges"
        " where grantee = 'recep_tenant' and privilege_type = 'UPDATE' and table_name = 'tenant'"
    )
    assert {name for (name,) in columns} == {"name", "timezone", "updated_at"}


def _granted(ask: Ask, role: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, verb in ask(
        "select c.relname, a.privilege_type from pg_class c, aclexplode(c.relacl) a"
        " where c.relkind in ('r', 'v') and c.relnamespace = 'public'::regnamespace"
        " and case a.grantee when 0 then 'public' else a.grantee::regrole::text end = %s",
        role,
    ):
        found.setdefault(table, set()).add(verb)
    return found


def test_every_check_of_the_models_is_in_the_database(ask: Ask) -> None:
    meant = {
        constraint.name
        for table in db.metadata.tables.values()
        for constraint in (*table.constraints, *(k for c in table.columns for k in c.constraints))
        if isinstance(constraint, CheckConstraint)
    }
    found = ask(
        "select conname from pg_constraint where contype = 'c'"
        " and connamespace = 'public'::regnamespace"
    )
    assert {name for (name,) in found} == meant


def test_choices_of_the_models_are_those_of_the_database(ask: Ask) -> None:
    for table in db.metadata.tables.values():
        for column in table.columns:
            for check in column.constraints:
                if isinstance(check, CheckConstraint):
                    ((found,),) = ask(
                        "select pg_get_constraintdef(oid) from pg_constraint where conname = %s",
                        check.name,
                    )
                    for value in column.info["choices"]:
                        assert f"'{value}'" in found, check.name
                    assert found.count("::character varying") == len(column.info["choices"])


def test_the_login_role_owns_nothing_and_inherits_nothing(ask: Ask) -> None:
    assert ask(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit, rolcanlogin"
        " from pg_roles where rolname = 'recep_login'"
    ) == [(False, False, False, False, False, True)]
    memberships = ask(
        "select roleid::regrole::text, inherit_option, set_option from pg_auth_members"
        " where member = 'recep_login'::regrole"
    )
    scopes = ("recep_unbound", "recep_tenant", "recep_platform")
    assert sorted(memberships) == sorted((scope, False, True) for scope in scopes)
    owned = ask(
        "select distinct pg_get_userbyid(relowner) from pg_class"
        " where relnamespace = 'public'::regnamespace"
    )
    assert owned == [("recep_owner",)]


def test_the_login_role_has_timeouts(settings: Settings) -> None:
    connection = psycopg2.connect(settings.database_url)
    try:
        with connection.cursor() as cursor:
            for name, value in TIMEOUTS.items():
                cursor.execute(f"select extract(epoch from current_setting('{name}')::interval)")
                ((seconds,),) = cursor.fetchall()
                assert f"{seconds:.0f}s" == value
    finally:
        connection.close()


def test_without_a_scope_the_login_role_reads_nothing(settings: Settings) -> None:
    connection = psycopg2.connect(settings.database_url)
    try:
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("select 1 from ab_user")
    finally:
        connection.close()


def test_migrating_again_or_together_changes_nothing(services: Services) -> None:
    url = services.postgres.admin_url
    bare = Settings.load({"DATA_DIR": str(services.settings.data_dir)})
    for _ in range(2):
        with alone(url) as admin:
            login_url = make_schema(admin, url, bare)
    assert login_url.endswith("/recep")


def test_a_start_knows_whether_there_is_anything_to_do(
    permissions: None, settings: Settings, services: Services
) -> None:
    assert is_current(settings.database_url)
    services.execute("update bootstrap set digest = 'older'", name=services.fresh)
    assert not is_current(settings.database_url)
    services.execute("drop table bootstrap", name=services.fresh)
    assert not is_current(settings.database_url)


def test_the_head_is_known_without_alembic(ask: Ask) -> None:
    assert ask("select version_num from alembic_version") == [(head(),)]


def test_an_administrator_who_is_not_superuser_can_migrate(services: Services) -> None:
    """As on a managed server, into a database of its own."""
    services.execute(
        "create role managed login createrole createdb password 'managed'",
        "grant recep_owner, recep_unbound, recep_tenant, recep_platform to managed"
        " with admin option",
    )
    url = services.postgres.url("postgres").split("@")[1]
    settings = Settings.load(
        {
            "DATA_DIR": str(services.settings.data_dir),
            "DATABASE_URL": f"postgresql://app_login:secret@{url.rpartition('/')[0]}/managed",
        }
    )
    try:
        admin_url = f"postgresql://managed:managed@{url}"
        login_url = migrate(admin_url, settings)
        assert login_url == settings.database_url
        assert is_current(login_url)
    finally:
        services.execute(
            "drop database if exists managed with (force)",
            "drop owned by app_login",
            "drop role app_login",
            "reassign owned by managed to recep_admin",
            "drop owned by managed cascade",
            "drop role managed",
        )


FACTS = {
    models.ReceptionistConfig: ("greeting", "Hello."),
    models.TwilioNumber: ("label", "Main"),
    models.OpeningHours: ("weekday", 3),
    models.Holiday: ("name", "Closed"),
    models.KnowledgeEntry: ("answer", "Elsewhere."),
    models.Department: ("description", "Sells"),  # last: it takes hours and holidays along
}


def test_whatever_a_call_reads_raises_the_version_of_its_tenants_facts(
    light_app: Flask, rows: Rows
) -> None:
    tenant, other = rows.tenant(), rows.tenant()
    made = rows.every_kind(tenant)
    for model, (column, value) in FACTS.items():
        with light_app.app_context(), acting_for(tenant.id):
            for change in (
                lambda row, c=column, v=value: setattr(row, c, v),
                lambda row: db.session.delete(row),
            ):
                before = _facts_version(tenant)
                change(db.session.get(model, made[model].id))
                db.session.commit()
                assert _facts_version(tenant) > before, model
    with light_app.app_context(), across_tenants():
        assert db.session.get(models.Tenant, other.id).facts_version == 1


def test_a_tenants_own_name_raises_it_and_its_account_does_not(
    light_app: Flask, rows: Rows
) -> None:
    tenant = rows.tenant()
    with light_app.app_context(), across_tenants():
        for column, value, raised in (
            ("name", "Other", 1), ("name", "Other", 0), ("timezone", "UTC", 1),
            ("status", "suspended", 1), ("account_sid", "AC1", 0),
        ):  # fmt: skip
            before = _facts_version(tenant)
            setattr(db.session.get(models.Tenant, tenant.id), column, value)
            db.session.commit()
            assert _facts_version(tenant) == before + raised, column


def test_calls_do_not_raise_it(light_app: Flask, rows: Rows) -> None:
    tenant = rows.tenant()
    rows.call(tenant)
    rows.gap(tenant)
    rows.lead(tenant)
    with light_app.app_context(), acting_for(tenant.id):
        assert _facts_version(tenant) == 1


def _facts_version(tenant: models.Tenant) -> int:
    session: Session = db.session()
    return session.execute(
        text("select facts_version from tenant where id = :id"), {"id": tenant.id}
    ).scalar_one()


def _bare(expression: str | None) -> str:
    """Without the parentheses and spaces that PostgreSQL adds."""
    return "".join((expression or "").lower().translate(str.maketrans("", "", "() ")).split())
