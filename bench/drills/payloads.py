"""A business whose every text is a script, made in a process of its own: for drills of what is
shown, mailed and exported.

Rows come of the tests' factory. Then every column that can hold a text is overwritten in the
database, past all that forms and models refuse.
"""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.cli.migrate import DATABASE
from app.cli.prepare import worker
from bench.drills.businesses import Business
from bench.drills.world import World

# It marks what it puts into a page, calls what the harness waits for, and adds up what a template
# would.
SCRIPT = (
    "\"'></textarea></title></script><script data-planted>planted()</script>"
    "<img data-planted src=x onerror=planted()><a data-planted href=javascript:planted()>x</a>"
    "{{7*1111111}}"
)
SHORTER = (SCRIPT, "\"'><img data-planted src onerror=planted()>", '"><b data-planted>')
names = itertools.count(1000, 1000)  # of what the factory makes in one world: none twice
Texts = tuple[tuple[str, ...], ...]
ADDED_UP = "7777777"
PERSON = "+12125550199"
# Beside tests.isolation.rivals.KEPT: what signing in, mails and calls need to be as it is.
NEEDED = ("username", "email", "slug", "password", "intake_fields", "allowed_countries")


@dataclass(frozen=True, slots=True)
class Hostile:
    """`columns` are overwritten in `business`'s rows. `admin` and `operator` sign in with
    `password`; `pages` are the rules of everything that a browser can be led to."""

    business: Business
    admin: str
    operator: str
    password: str
    columns: int
    pages: tuple[str, ...]


def make(world: World, business: Business, texts: Texts = (SHORTER,)) -> Hostile:
    """Columns get the texts in turn: each the first of its alternatives that it takes. Raises
    app.cli.prepare.NotPrepared."""
    with worker(world.folder / "payloads.log") as call:
        made: Hostile = call(
            _make, world.settings, world.postgres.url(DATABASE), business, texts, next(names)
        )
    world.twilio.accounts[business.account_sid] = business.auth_token
    return made


def _make(settings: Any, admin_url: str, business: Business, texts: Texts, first: int) -> Hostile:
    from dataclasses import replace

    from app import create_app
    from tests.factories import PASSWORD, Rows

    app = create_app(settings)
    rows = Rows(app, first)
    tenant = rows.tenant(
        slug=business.canary, account_sid=business.account_sid, auth_token=business.auth_token
    )
    _fill(rows, tenant, business)
    admin, operator = rows.user(tenant, "Tenant Admin"), rows.super_admin()
    columns = _overwrite(admin_url, tenant.id, texts)
    pages = tuple(
        rule.rule for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(("/api/", "/twilio/"))
    )  # fmt: skip
    return Hostile(
        replace(business, tenant_id=tenant.id), admin.username, operator.username, PASSWORD,
        columns, pages,
    )  # fmt: skip


def _fill(rows: Any, tenant: Any, business: Business) -> None:
    from app import models

    mail = [business.mailbox]
    made = rows.every_kind(tenant)
    config, call = made[models.ReceptionistConfig], made[models.CallSession]
    rows.number(tenant, number=business.number)
    rows.transcript(
        tenant, call_id=call.id, turn=1, speaker=models.Speaker.RECEPTIONIST,
        evidence={"sources": [{"id": "k", "entry_id": made[models.KnowledgeEntry].id,
                               "version": 1}]},
    )  # fmt: skip
    rows.job(tenant, kind=models.JobKind.ALERT_MAIL, status="dead", call_id=call.id)
    rows.job(tenant, kind=models.JobKind.WEBHOOK_OUT, status="dead", call_id=call.id)
    rows.lead(tenant, due=None, urgent=True)
    rows.gap(tenant)
    rows.audit(tenant)
    rows.user(tenant, "Agent")
    with rows._app.app_context(), _everywhere() as session:
        found = session.get(models.ReceptionistConfig, config.id)
        for column in ("summary", "lead", "urgent", "alert"):
            setattr(found, f"{column}_recipients", mail)
        found.staff_first_id = None
        session.get(models.WebhookEndpoint, made[models.WebhookEndpoint].id).active = False
        session.commit()


def _overwrite(admin_url: str, tenant_id: int, texts: Texts) -> int:
    import psycopg2

    import app.models  # noqa: F401 the tables there are

    with contextlib.closing(psycopg2.connect(admin_url)) as db, db, db.cursor() as cursor:
        return sum(_overwritten(cursor, tenant_id, texts))


@contextlib.contextmanager
def _everywhere() -> Iterator[Any]:
    from app.extensions import db
    from app.tenancy import across_tenants

    with across_tenants():
        yield db.session


def _overwritten(cursor: Any, tenant_id: int, texts: Texts) -> Iterator[bool]:
    """Each column of each table of its; whether it took a text. Rows are made older than the
    drill: the ledger is of calls only."""
    from tests.isolation.rivals import every_table

    turns = itertools.cycle(texts)
    for table in every_table():
        owner = {"tenant": "id = %s"}.get(table.name, "tenant_id = %s")
        if table.name != "tenant" and "tenant_id" not in table.columns:
            continue
        if "created_at" in table.columns:
            cursor.execute(
                f"update {table.name} set created_at = created_at - interval '1 hour'"
                f" where {owner}", (tenant_id,),
            )  # fmt: skip
        for column in table.columns:
            for text in next(turns) if _is_text(column) else ():
                if _took(cursor, table.name, owner, column, text, tenant_id):
                    yield True
                    break


def _is_text(column: Any) -> bool:
    from sqlalchemy import ARRAY, String
    from sqlalchemy.dialects.postgresql import JSONB

    from tests.isolation.rivals import KEPT, PHONES

    name = column.name
    if name in KEPT or name in PHONES or name in NEEDED or column.info.get("choices"):
        return False
    if column.foreign_keys or name.startswith("sealed_") or name.endswith(("_sid", "recipients")):
        return False
    return isinstance(column.type, String | JSONB | ARRAY)


def _took(cursor: Any, table: str, owner: str, column: Any, text: str, tenant_id: int) -> bool:
    """Where several rows may not be alike, one of them."""
    import psycopg2
    from psycopg2.extras import Json
    from sqlalchemy import ARRAY
    from sqlalchemy.dialects.postgresql import JSONB

    value: Any = text
    if column.name == "url":
        value = f"https://hooks.example.com/{text}"
    if isinstance(column.type, JSONB):
        value = Json({text: [text], "subject": text, "html": text})
    elif column.name == "intake_questions":  # read while calls go on: as app/rules/intake.py has it
        value = [f"Size: {text}"]
    elif isinstance(column.type, ARRAY):
        value = [text]
    one = f" and ctid = (select min(ctid) from {table} where {owner})"
    for rows, values in (("", (value, tenant_id)), (one, (value, tenant_id, tenant_id))):
        cursor.execute("savepoint before")
        try:
            cursor.execute(f"update {table} set {column.name} = %s where {owner}{rows}", values)
        except psycopg2.Error:
            cursor.execute("rollback to savepoint before")
        else:
            return bool(cursor.rowcount)
    return False
