"""Everything a tenant owns as one zip, written while it is sent: a JSON Lines file per table.

Which tables there are is asked of the metadata, so that a new one cannot be forgotten. Rows are
read in batches, each in a short transaction in the tenant's own scope: whoever downloads slowly
holds neither memory nor a connection.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import IO, Any, Final, cast

from flask import Flask
from sqlalchemy import Column, Select, Table, func, select, text

from app import replica
from app.extensions import db
from app.models import AuditLog, Tenant
from app.models.audit import record
from app.tenancy import acting_for

BATCH = 500
MOST_AN_HOUR = 3
# What would let its holder in, or sign in our name; hashes of such, too.
SECRET: Final = re.compile(r"^sealed_|^password$|secret|_hash$|_token$")
# Tables that speak of a tenant's people without being the tenant's, and why they are not inside.
OMITTED: Final = {
    "login_attempt": "each person's sign-ins, shown to that person alone",
    "user_token": "links that set passwords",
    "second_factor": "secrets; whether somebody has one is inside with ab_user",
    "ab_user_role": "inside as `roles` of each row of ab_user",
    "ab_user_group": "not used",
    "ab_api_key": "not used",
}
NOT_INSIDE: Final = {
    "recordings": "The sound is at Twilio: fetch it from /api/v1/recordings/<id>/media.",
    **{table: f"Left out: {why}." for table, why in OMITTED.items()},
}


class TooOften(Exception):
    """Enough archives were made within the hour."""


def permit(tenant_id: int) -> None:
    """Note who takes everything, in the audit log, which also counts. Commits. Raises TooOften."""
    db.session.execute(
        text("select pg_advisory_xact_lock(7236003, :tenant)"), {"tenant": tenant_id}
    )
    made = db.session.scalar(
        select(func.count())
        .select_from(AuditLog)
        .where(
            AuditLog.tenant_id == tenant_id,
            AuditLog.action == "export",
            AuditLog.created_at > func.now() - text("interval '1 hour'"),
        )
    )
    if made and made >= MOST_AN_HOUR:
        db.session.rollback()
        raise TooOften
    db.session.add(record("export", "Tenant", tenant_id, {}, tenant_id=tenant_id))
    db.session.commit()


def tables() -> list[Table]:
    """Those whose rows are a tenant's, and `tenant` itself."""
    known = db.metadata.sorted_tables
    return [table for table in known if table.name == "tenant" or "tenant_id" in table.columns]


def told(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if not SECRET.search(column.name)]


def pieces(app: Flask, tenant_id: int) -> Iterator[bytes]:
    """The zip, in order. The manifest comes last, when it is known how much there was: an archive
    that broke off has none and no table of contents either."""
    sink = Sink()
    counts: dict[str, int] = {}
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED) as archive:
        for table in tables():
            counts[table.name] = 0
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
                for batch in _batches(app, tenant_id, table):
                    file.write("".join(map(line, batch)).encode())
                    counts[table.name] += len(batch)
                    yield sink.taken()
        manifest = json.dumps(_manifest(app, tenant_id, counts), indent=2, ensure_ascii=False)
        archive.writestr("manifest.json", manifest + "\n")
    yield sink.taken()


def _batches(app: Flask, tenant_id: int, table: Table) -> Iterator[list[Any]]:
    after = 0
    while True:
        with app.app_context(), acting_for(tenant_id):
            batch = _read(table, tenant_id, after)
            db.session.rollback()
        if batch:
            yield batch
            after = batch[-1]["id"]
        if len(batch) < BATCH:
            return


@replica.read
def _read(table: Table, tenant_id: int, after: int) -> list[Any]:
    return list(db.session.execute(_query(table, tenant_id, after)).mappings())


def _query(table: Table, tenant_id: int, after: int) -> Select[tuple[Any, ...]]:
    """The tenant is written in by hand: a table asked past its model is not seen by the session's
    wall, only by the database's."""
    owner = table.c.id if table.name == "tenant" else table.c.tenant_id
    columns: list[Any] = list(told(table))
    if table.name == "ab_user":
        columns.append(_roles(table))
    asked = select(*columns).where(owner == tenant_id, table.c.id > after)
    return asked.order_by(table.c.id).limit(BATCH)


def _roles(users: Table) -> Any:
    roles, given = db.metadata.tables["ab_role"], db.metadata.tables["ab_user_role"]
    return (
        select(func.array_agg(roles.c.name))
        .select_from(roles.join(given, given.c.role_id == roles.c.id))
        .where(given.c.user_id == users.c.id)
        .scalar_subquery()
        .label("roles")
    )


def line(row: Any) -> str:
    return json.dumps(dict(row), default=plain, ensure_ascii=False) + "\n"


def plain(value: Any) -> str:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
    raise TypeError(f"a column of {type(value).__name__} cannot be exported yet")


def _manifest(app: Flask, tenant_id: int, counts: dict[str, int]) -> dict[str, Any]:
    with app.app_context():
        schema = db.session.scalar(text("select version_num from alembic_version"))
    with app.app_context(), acting_for(tenant_id):
        name, slug = db.session.execute(select(Tenant.name, Tenant.slug)).one()
        db.session.rollback()
    hidden = {t.name: [c.name for c in t.columns if c not in told(t)] for t in tables()}
    return {
        "tenant": {"id": tenant_id, "name": name, "slug": slug},
        "made_at": plain(datetime.now(UTC)),
        "schema_version": schema,
        "rows": counts,
        "secrets_left_out": {table: columns for table, columns in hidden.items() if columns},
        "not_inside": NOT_INSIDE,
    }


class Sink:
    """A file that cannot be sought: the zip is handed on as it is made."""

    def __init__(self) -> None:
        self._made: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._made.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data = b"".join(self._made)
        self._made.clear()
        return data
