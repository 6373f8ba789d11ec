"""Two businesses on one installation, every text of theirs a canary of whose it is."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg2
from flask import Flask
from psycopg2.extras import Json
from sqlalchemy import ARRAY, String, Table, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from werkzeug.security import _hash_internal

from app import models, tenancy
from app.extensions import db
from tests.conftest import Services
from tests.factories import PASSWORD, Rows, sid
from tests.fakes.twilio_rest import TwilioRest

KEPT_AS = "recep_rivals"  # the database with both, untouched
ROLES = ("Tenant Admin", "Agent", "Viewer")
# Columns that hold no words of a tenant; everything else is overwritten with a canary.
KEPT = {
    "language": "a code that chooses what is loaded",
    "timezone": "a name of the time-zone database",
    "public_id": "what secrets are bound to",
    "key_hash": "a hash, looked up",
    "token_hash": "a hash, looked up",
    "role": "a name of ours",
    "scopes": "names of ours",
    "ends_in": "two digits",
    "events": "names of ours",
    "kind": "names of ours, by which rows are found",
}
SIDS = {"call_sid": "CA", "recording_sid": "RE", "account_sid": "AC", "phone_sid": "PN"}
PHONES = ("number", "numbers", "phone", "caller", "called", "accepted_by", "suspension_number")


@dataclass(frozen=True)
class Canary:
    """A tenant's marks: in words, in telephone numbers, in Twilio's ids. None occurs by chance."""

    word: str
    digits: str
    hexes: str

    @property
    def marks(self) -> tuple[str, ...]:
        return (self.word, self.digits, self.hexes)

    def text(self, column: str, number: int) -> str:
        """As this column may hold it; `number` tells rows apart."""
        if column.endswith("_sid"):
            return f"{SIDS.get(column, 'XX')}{self.hexes}{number:024x}"
        if column in PHONES:
            return f"+1303{self.digits}" if number < 2 else f"+1{self.digits}{number % 1000:03d}"
        if "email" in column or column.endswith("recipients"):
            return f"{self.word}{number}@example.com"
        if column == "url":
            return f"https://{self.word}.example.com/{number}"
        return f"{self.word}{number}"


MINE = Canary("zephyrak", "8642097", "a11caa5e")
THEIRS = Canary("quokkaby", "9753186", "b0bb1eca")


@dataclass
class Side:
    """One of the two: its tenant, users by role, and the ids of its rows by table."""

    canary: Canary
    tenant: models.Tenant
    token: str
    account_sid: str
    users: dict[str, models.User] = field(default_factory=dict)
    ids: dict[str, list[int]] = field(default_factory=dict)
    texts: dict[str, dict[str, Any]] = field(default_factory=dict)  # of the first row, by table

    @property
    def link(self) -> str:
        """The secret of a link that sets its admin's password."""
        return f"{self.canary.word}-link"

    def id_in(self, table: str) -> int:
        return self.ids[table][0] if self.ids.get(table) else 0


@dataclass
class World:
    """The application, its services, and the two sides. `theirs` comes after `mine` is known."""

    app: Flask
    services: Services
    twilio: TwilioRest
    mine: Side = field(init=False)
    theirs: Side = field(init=False)

    def __post_init__(self) -> None:
        self.rows = Rows(self.app)
        for role in (*ROLES, "Super Admin"):
            self._role(role)
        self.mine = self.settle(MINE, more=2)
        self.key = self._key()

    def settle_theirs(self) -> None:
        self.theirs = self.settle(THEIRS, more=1)

    def settle(self, canary: Canary, more: int) -> Side:
        account, token = f"AC{canary.hexes}{0:024x}", f"{canary.word}-token"
        with self.app.app_context():
            sealed = models.Tenant()
            sealed.auth_token = token
        tenant = self.rows.tenant(
            public_id=sealed.public_id,
            sealed_auth_token=sealed.sealed_auth_token,
            account_sid=account,
        )
        side = Side(canary, tenant, token, account)
        self._fill(side, more)
        with self.admin() as cursor:
            self._mark(cursor, side)
        self._seal(side)
        with self.admin() as cursor:
            side.ids = {t.name: [r[0] for r in rows_of(cursor, t, side, "id")] for t in tables()}
        return side

    def _fill(self, side: Side, more: int) -> None:
        rows, tenant = self.rows, side.tenant
        found = rows.every_kind(tenant)
        call, department = found[models.CallSession], found[models.Department]
        rows.job(tenant, kind=models.JobKind.ALERT_MAIL, call_id=call.id)
        rows.audit(tenant)
        for _ in range(more):
            other = rows.call(tenant, number_id=found[models.TwilioNumber].id)
            rows.transcript(tenant, call_id=other.id)
            rows.lead(tenant, call_id=other.id, department_id=department.id)
            rows.department(tenant)
            rows.knowledge(tenant)
            rows.hours(tenant, weekday=1)
        for role in ROLES:
            side.users[role] = rows.user(tenant, role)
        rows.second_factor(rows.user(tenant, ROLES[-1]))  # nobody who signs in here
        rows.sign_in(side.users[ROLES[0]])
        secret = models.UserToken.hash_of(side.link)
        rows.link(
            side.users[ROLES[0]], token_hash=secret, expires_at=datetime(2099, 1, 1, tzinfo=UTC)
        )

    def _mark(self, cursor: Any, side: Side) -> None:
        for table in tables():
            ids = [row[0] for row in rows_of(cursor, table, side, "id")]
            for number, pk in enumerate(ids, 1):
                values = marked(table, side.canary, number)
                if table.name == "ab_user":
                    values["password"] = _hashed(side.canary.word)
                side.texts.setdefault(table.name, values)
                if values:
                    sets = ", ".join(f"{name} = %s" for name in values)
                    cursor.execute(
                        f"update {table.name} set {sets} where id = %s", (*values.values(), pk)
                    )
        for user in side.users.values():
            cursor.execute("select username from ab_user where id = %s", (user.id,))
            (user.username,) = cursor.fetchone()

    def _seal(self, side: Side) -> None:
        with self.app.app_context(), tenancy.across_tenants():
            tenant = db.session.get(models.Tenant, side.tenant.id)
            assert tenant is not None
            tenant.auth_token = side.token
            tenant.account_sid = side.account_sid
            for endpoint in db.session.query(models.WebhookEndpoint).filter_by(tenant_id=tenant.id):
                endpoint.secret = f"{side.canary.word}-secret-long-enough"
            db.session.commit()

    def _role(self, name: str) -> None:
        with self.app.app_context(), tenancy.across_tenants():
            assert db.session.query(models.Role).filter_by(name=name).count() == 1, name

    def _key(self) -> str:
        plain = f"rk_{sid('')}{sid('')}"
        made = self.rows.api_key(
            self.mine.tenant,
            name=f"{self.mine.canary.word} key", prefix=plain[:11], role=ROLES[0],
            key_hash=_hash_of(plain), scopes=["read", "write"],
        )  # fmt: skip
        self.mine.ids["api_key"].append(made.id)
        return plain

    def revive(self, role: str) -> str:
        """Lets this role's user of mine in again, whatever was done to it; the name to sign in."""
        user, word = self.mine.users[role], self.mine.canary.word
        with self.admin() as cursor:
            cursor.execute(
                "update ab_user set password = %s, active = true, username = %s where id = %s",
                (_hashed(word), user.username, user.id),
            )
            cursor.execute("delete from login_attempt where outcome <> 'passed'")
        return str(user.username)

    def revive_key(self) -> None:
        with self.admin() as cursor:
            cursor.execute(
                "update api_key set expires_at = null, revoked_at = null where key_hash = %s",
                (_hash_of(self.key),),
            )

    def keep(self) -> None:
        """Remember the database as it is now."""
        self._copy(self.services.fresh, KEPT_AS)

    def restore(self) -> None:
        self._copy(KEPT_AS, self.services.fresh)
        self.twilio.reset()
        for side in (self.mine, self.theirs):
            self._known_at_twilio(side)

    def _known_at_twilio(self, side: Side) -> None:
        """Its account, a number and a recording: Twilio shows them to whoever has the token."""
        account, number = side.account_sid, side.texts["twilio_number"]
        self.twilio.accounts[account] = side.token
        self.twilio.names[account] = side.canary.word
        self.twilio.has_number(account, number["number"], name=side.canary.word)
        call = side.texts["call_session"]["call_sid"]
        recording = side.texts["recording"]["recording_sid"]
        self.twilio.has_recording(account, call, recording, status="completed")

    def _copy(self, one: str, other: str) -> None:
        with self.app.app_context():
            self.app.extensions["sqlalchemy"].engine.dispose()
        self.services.execute(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{one}'",
            f"drop database if exists {other} with (force)",
            f"create database {other} template {one} owner recep_owner",
            f"grant connect on database {other} to recep_login",
            f"revoke all on database {other} from public",
        )

    @contextlib.contextmanager
    def admin(self) -> Iterator[Any]:
        """A cursor of the superuser, whom no wall stops; commits."""
        connection = psycopg2.connect(self.services.admin_url())
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def sums(self) -> dict[str, str]:
        """A checksum of everything of theirs, by table."""
        with self.admin() as cursor:
            return {
                table.name: str(rows_of(cursor, table, self.theirs, "md5(string_agg(t::text, '|'"
                                        " order by t::text))"))
                for table in every_table()
            }  # fmt: skip


def tables() -> list[Table]:
    """Those whose rows have an id and an owner, and `tenant` itself."""
    return [t for t in every_table() if "id" in t.columns]


def every_table() -> list[Table]:
    return [table for table in db.metadata.sorted_tables if _owner(table)]


def _owner(table: Table) -> str:
    if table.name == "tenant":
        return "t.id = %s"
    if "tenant_id" in table.columns:
        return "t.tenant_id = %s"
    if "user_id" in table.columns:
        return "t.user_id in (select id from ab_user where tenant_id = %s)"
    return ""


def rows_of(cursor: Any, table: Table, side: Side, what: str) -> list[Any]:
    order = " order by t.id" if what == "id" else ""
    cursor.execute(
        f"select {what} from {table.name} t where {_owner(table)}{order}", (side.tenant.id,)
    )
    return list(cursor.fetchall())


def marked(table: Table, canary: Canary, number: int) -> dict[str, Any]:
    """A canary for each column that can hold one. A new column is filled without being named."""
    values: dict[str, Any] = {}
    for column in table.columns:
        name, kind = column.name, column.type
        if name in KEPT or name.startswith("sealed_") or column.info.get("choices"):
            continue
        if column.foreign_keys or name == "password":
            continue
        if isinstance(kind, JSONB):
            values[name] = Json({canary.word: [canary.text("word", number)]})
        elif isinstance(kind, ARRAY):
            values[name] = [canary.text(name, number)]
        elif isinstance(kind, String):
            values[name] = canary.text(name, number)
            room = kind.length or 100
            assert len(values[name]) <= room, f"{table.name}.{name} has no room for a canary"
    return values


def _hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _hashed(word: str) -> str:
    found, method = _hash_internal("pbkdf2:sha256:1", word, PASSWORD)
    return f"{method}${word}${found}"


WALLS = ("both", "session", "database")


@contextlib.contextmanager
def standing(which: str, services: Services) -> Iterator[None]:
    """Only this wall: `session` without row-level security, `database` without the listeners."""
    if which == "session":
        _lower_the_database_wall(services)
    if which != "database":
        yield
        return
    listeners: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("do_orm_execute", tenancy._filter_statement),
        ("before_flush", tenancy._verify_flush),
    )
    for name, listener in listeners:
        event.remove(Session, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            event.listen(Session, name, listener)


def _lower_the_database_wall(services: Services) -> None:
    with contextlib.closing(psycopg2.connect(services.admin_url())) as connection, connection:
        cursor = connection.cursor()
        cursor.execute(
            "select relname from pg_class where relkind = 'r' and relrowsecurity"
            " and relnamespace = 'public'::regnamespace"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"alter table {table} disable row level security")
        cursor.execute("grant all on all tables in schema public to recep_tenant, recep_unbound")
        cursor.execute("grant all on all sequences in schema public to recep_tenant, recep_unbound")


def found_in(text: str, canary: Canary, sent: str = "") -> list[str]:
    """Marks in this text, but for those that the request itself carried."""
    low, carried = text.lower(), sent.lower()
    return [mark for mark in canary.marks if mark in low and mark not in carried]
