"""Whose rows the current code may see and write: the two walls between tenants.

Wall one lives in the ORM session: every ORM statement gets the tenant's criteria, every flush is
stamped and verified. Wall two lives in PostgreSQL: each transaction switches to a role whose
row-level policies compare `tenant_id` with `app.tenant_id`. Either is enough alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from flask import g, has_app_context
from sqlalchemy import (
    Connection,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    Table,
    event,
    false,
    inspect,
    text,
)
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

from app import database
from app.extensions import db
from app.metrics import catalogue, counting


class TenancyError(RuntimeError):
    """Code touched tenant-owned rows without saying for whom, or for somebody else."""

    def __init__(self, *words: object) -> None:
        super().__init__(*words)
        counting.count(catalogue.SCOPE_VIOLATIONS, wall="session")


class Platform:
    """The scope of platform work: all tenants at once."""

    def __repr__(self) -> str:
        return "platform"


PLATFORM: Final = Platform()
Scope = int | Platform | None  # None: unbound, nobody is proven yet

# The same expression as in every policy; NULL (and so a refused row) when nothing is set.
CURRENT_TENANT: Final = "nullif(current_setting('app.tenant_id'::text, true), ''::text)::integer"
_LIMITS: Final = {
    "statement_timeout": database.STATEMENT_MS,
    "lock_timeout": database.LOCK_MS,
    "idle_in_transaction_session_timeout": database.IDLE_MS,
}
# While a caller waits. They end with the transaction, so nobody inherits them.
_HURRIED: Final = "".join(f", set_config('{name}', '{ms}', true)" for name, ms in _LIMITS.items())
# Of a connection, until its transaction's first statement takes it along.
_to_switch: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()


class TenantOwned:
    """Mixin of every table whose rows belong to one tenant.

    Set `__tenant_optional__` where platform rows exist besides (Job): those are then visible to
    platform work only.
    """

    __tenant_optional__ = False

    @declared_attr
    def tenant_id(cls) -> Mapped[int]:
        return mapped_column(
            Integer,
            ForeignKey("tenant.id", ondelete="CASCADE"),
            nullable=cls.__tenant_optional__,
            server_default=text(CURRENT_TENANT),
        )


class PlatformOnly:
    """Mixin of tables that only platform work may touch: of people's sign-ins, of processes."""


def owned_reference(
    column: str, parent: str, *, on_delete: str = "CASCADE"
) -> ForeignKeyConstraint:
    """A foreign key that can only point inside the same tenant.

    PostgreSQL checks foreign keys past row-level security, so a plain one would accept (and tell
    the existence of) a stranger's id.
    """
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{parent}.tenant_id", f"{parent}.id"], ondelete=on_delete
    )


def current_scope() -> Scope:
    return g.get("tenancy_scope") if has_app_context() else None


def current_tenant_id() -> int | None:
    scope = current_scope()
    return scope if isinstance(scope, int) else None


def bind(scope: Scope) -> None:
    """Bind the rest of this application context, where an identity has just been proven.

    Rebinding to somebody else is refused: one request acts for one tenant.
    """
    before = current_scope()
    if before is not None and before != scope:
        raise TenancyError(f"already bound to {before}, refused {scope}")
    _enter(scope)


@contextmanager
def acting_for(tenant_id: int) -> Iterator[None]:
    """Act for one tenant. Leaving it with unsaved changes is refused."""
    with _scoped(tenant_id):
        yield


@contextmanager
def across_tenants() -> Iterator[None]:
    """Platform work: sees every tenant's rows. Keep the block short and easy to grep."""
    with _scoped(PLATFORM):
        yield


@contextmanager
def apart(scope: int | Platform) -> Iterator[Connection]:
    """A short transaction past the session, whose rows stay as they are; for what each turn of a
    call asks, as it costs half as much. Wall one is not there: a statement names its tenant."""
    with db.engine.begin() as connection:
        switch(connection, scope)
        yield connection


@contextmanager
def _scoped(scope: Scope) -> Iterator[None]:
    before = current_scope()
    if before is not None and before != scope:
        _forget_rows()
    _enter(scope)
    try:
        yield
    except BaseException:
        if _session():
            db.session.rollback()
        raise
    else:
        if (session := _session()) and (session.new or session.deleted):
            raise TenancyError("left a scope with unsaved changes: commit or roll back first")
    finally:
        if before != scope:
            _forget_rows()
        _enter(before)


def _forget_rows() -> None:
    # An object already in the session is returned without asking any filter.
    if session := _session():
        session.expunge_all()


def _enter(scope: Scope) -> None:
    g.tenancy_scope = scope
    if (session := _session()) and session.in_transaction():
        switch(session.connection(), scope)


def _session() -> Session | None:
    """That of this application context, if anybody has used it: most turns of a call do not."""
    return db.session() if db.session.registry.has() else None


def switch(connection: Connection, scope: Scope) -> None:
    """Give this transaction the database role and tenant of `scope` (undone by its end). It leaves
    with the next statement, as a way to the server and back is most of what it costs; until then
    there is the login's own role, which may read and write nothing."""
    _to_switch[connection] = switching(scope)


def switching(scope: Scope) -> str:
    """The statement that does so."""
    match scope:
        case None:
            role, tenant = "recep_unbound", ""
        case Platform():
            role, tenant = "recep_platform", ""
        case tenant_id:
            role, tenant = "recep_tenant", str(int(tenant_id))
    return (
        f"select set_config('role', '{role}', true), set_config('app.tenant_id', '{tenant}', true)"
        f"{_HURRIED if database.hurried() else ''}"
    )


def _take_along(
    connection: Connection, cursor: Any, statement: str, given: Any, context: Any, many: bool
) -> tuple[str, Any]:
    """PostgreSQL plans and runs statements that come together one after the other, so the second
    is under the role that the first one sets."""
    first = _to_switch.pop(connection, None)
    if first is None:
        return statement, given
    if many or (context and context._is_server_side):  # both make more of what they are given
        before = connection.connection.cursor()
        before.execute(first)
        before.close()
        return statement, given
    return f"{first}; {statement}", given


def _begun(connection: Connection) -> None:
    """Whatever the transaction before it was to take along."""
    _to_switch.pop(connection, None)


def _after_begin(
    session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    switch(connection, current_scope())


def _filter_statement(state: ORMExecuteState) -> None:
    if state.is_column_load:
        return
    scope = current_scope()
    if isinstance(scope, Platform):
        return
    if scope is None:
        if touched := _enclosed_tables(state.statement):
            raise TenancyError(f"unbound query on {', '.join(sorted(touched))}")
        return
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(*_criteria(scope))


def _enclosed_tables(statement: Any) -> set[str]:
    """Tables, anywhere in it, that are not to be read before somebody is proven. Users are not
    among them: sign-in looks for them."""
    kept = {model.__tablename__ for model in PlatformOnly.__subclasses__()}  # type: ignore[attr-defined]
    parts = visitors.iterate(statement)
    tables = (part if isinstance(part, Table) else getattr(part, "table", None) for part in parts)
    return {
        table.name
        for table in tables
        if isinstance(table, Table)
        and (table.name == "tenant" or table.name in kept or "tenant_id" in table.columns)
        and table.name != "ab_user"
    }


@lru_cache(maxsize=4096)
def _criteria(tenant_id: int) -> tuple[Any, ...]:
    from app.models import AuditLog, Tenant, User

    return (
        with_loader_criteria(
            TenantOwned, lambda cls: cls.tenant_id == tenant_id, include_aliases=True
        ),
        with_loader_criteria(Tenant, lambda cls: cls.id == tenant_id, include_aliases=True),
        with_loader_criteria(PlatformOnly, lambda cls: false(), include_aliases=True),
        *(
            with_loader_criteria(
                model, lambda cls: cls.tenant_id == tenant_id, include_aliases=True
            )
            for model in (User, AuditLog)
        ),
    )


def _verify_flush(session: Session, _context: Any, _instances: Any) -> None:
    scope = current_scope()
    for row in session.new:
        _stamp(row, scope)
    if isinstance(scope, Platform):
        return
    changed = (row for row in session.dirty if session.is_modified(row))
    for row in (*session.new, *changed, *session.deleted):
        if not _may_write(row, scope):
            raise TenancyError(f"{type(row).__name__} of another tenant in scope {scope}")


def _stamp(row: Any, scope: Scope) -> None:
    from app.models import AuditLog, User

    if not isinstance(row, (TenantOwned, User, AuditLog)):
        return
    if row.tenant_id is None and isinstance(scope, int):
        row.tenant_id = scope
    if row.tenant_id is None and isinstance(row, TenantOwned) and not row.__tenant_optional__:
        raise TenancyError(f"a new {type(row).__name__} needs a tenant")


def _may_write(row: Any, scope: int | None) -> bool:
    """Whether everything that the row says, and said, of its owner is the tenant in scope."""
    from app.models import AuditLog, Tenant, User

    if isinstance(row, PlatformOnly):
        return False
    if isinstance(row, Tenant):
        return scope is not None and row.id == scope
    if not isinstance(row, (TenantOwned, User, AuditLog)):
        return True
    if isinstance(row, User) and scope is None:
        return inspect(row).persistent  # its logins are counted
    history = inspect(row).attrs.tenant_id.load_history()
    owners = {*(history.added or ()), *(history.unchanged or ()), *(history.deleted or ())}
    return scope is not None and owners == {scope}


def install() -> None:
    """Register the walls on SQLAlchemy's Session class. Safe to call for every application."""
    for name, listener in (
        ("after_begin", _after_begin),
        ("do_orm_execute", _filter_statement),
        ("before_flush", _verify_flush),
    ):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)
    if not event.contains(Engine, "begin", _begun):
        event.listen(Engine, "begin", _begun)
        event.listen(Engine, "before_cursor_execute", _take_along, retval=True)
