"""No way leads from one tenant to another, with both walls and with either alone."""

import copy
import gzip
import io
import logging
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, request, session
from psycopg2.errors import ForeignKeyViolation
from psycopg2.extras import Json
from sqlalchemy import select, text

from app import create_app, models
from app.extensions import db
from app.jobs import running
from app.tenancy import across_tenants, acting_for
from app.voice import facts
from tests.conftest import Services
from tests.fakes.twilio_rest import TwilioRest
from tests.isolation.crawler import BRIEF, Crawler, Prepared, actors, prepare
from tests.isolation.rivals import WALLS, World, every_table, found_in, rows_of, standing, tables

KEPT: list[Prepared] = []
"""Made by whichever test comes first: each works on a copy of that database."""


@pytest.fixture
def prepared(make_app: Callable[..., Flask], services: Services, twilio: TwilioRest) -> Prepared:
    app = make_app(twilio_api_url=twilio.url)
    if not KEPT:
        KEPT.append(prepare(app, services, twilio, BRIEF))
    return KEPT[0]


@pytest.fixture
def world(prepared: Prepared) -> World:
    prepared.world.restore()
    return prepared.world


@pytest.mark.parametrize("walls", WALLS)
def test_nothing_of_another_tenant_is_seen_told_or_changed(prepared: Prepared, walls: str) -> None:
    """As far as BRIEF goes; `run.py bench isolation` goes all the way."""
    report = prepared.attack(walls)
    assert [str(leak) for leak in report.leaks] == []
    assert report.broken == []
    assert report.unvisited == []  # a new route: teach Crawler._argument, or name it in EXEMPT
    assert len(report.seen) > 20  # what it looks at does show rows


def test_every_table_of_both_holds_canaries(world: World) -> None:
    with world.admin() as cursor:
        for side in (world.mine, world.theirs):
            for table in tables():
                if table.name in SWITCHED_OFF:
                    continue
                assert side.ids[table.name], f"no row of {table.name}: add it to Rows.every_kind"
                if side.texts[table.name]:
                    found = dict(rows_of(cursor, table, side, "t.id, t::text"))
                    marks = [found_in(found[pk], side.canary) for pk in side.ids[table.name]]
                    assert all(marks), table.name
    owned = {table.name for table in every_table()}
    assert {model.__tablename__ for model in (models.User, models.AuditLog, models.Job)} <= owned


# Flask-AppBuilder's own, which nothing of ours writes or reads.
SWITCHED_OFF = ("ab_api_key", "ab_user_group")


# -- the crawler itself: it finds what is planted


@pytest.fixture
def leaky(world: World) -> Crawler:
    """The application with views that look across tenants."""
    planted = copy.copy(world)
    planted.app = create_app(world.app.extensions["settings"])
    planted.app.register_blueprint(_leaks())
    return Crawler(planted, only="/leak/")


def _leaks() -> Blueprint:
    leak = Blueprint("leak", __name__, url_prefix="/leak")

    def names() -> str:
        with across_tenants():
            return " ".join(db.session.scalars(select(models.Lead.name)))

    leak.get("/body")(names)
    leak.get("/header", endpoint="header")(lambda: Response(headers={"X-Names": names()}))
    leak.get("/log", endpoint="log")(
        lambda: logging.getLogger("leak").info("seen", extra={"n": names()}) or ""
    )
    leak.get("/cookie", endpoint="cookie")(lambda: session.update(names=names()) or "")
    leak.get("/file", endpoint="file")(lambda: _zipped(names()))
    leak.get("/packed", endpoint="packed")(
        lambda: Response(gzip.compress(names().encode()), mimetype="application/gzip")
    )
    leak.get("/row/<int:lead_id>", endpoint="row")(_row)
    leak.get("/linked", endpoint="linked")(
        lambda: names() if request.args else '<a href="?of=all">All</a>'
    )
    leak.route("/form", methods=["GET", "POST"], endpoint="form")(
        lambda: names() if "tenant_id" in request.form else '<form method="post"></form>'
    )
    leak.post("/write")(_write)
    leak.get("/taught/<unheard_of>", endpoint="taught")(lambda unheard_of: "")
    return leak


def _row(lead_id: int) -> str:
    with across_tenants():
        return str(db.session.scalar(select(models.Lead.name).filter_by(id=lead_id)))


def _zipped(words: str) -> Response:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("leads.csv", words)
    return Response(packed.getvalue(), mimetype="application/zip")


def _write() -> str:
    with across_tenants():
        db.session.execute(text("update lead set notes = 'mine now'"))
        db.session.commit()
    return ""


def test_a_leak_planted_on_purpose_is_found(leaky: Crawler) -> None:
    with leaky.watching():
        leaky.crawl(actors(leaky.world, ("Tenant Admin, page",)))
    found = "\n".join(map(str, leaky.report.leaks))
    for place in ("body", "header", "log", "cookie", "file", "packed", "row", "linked?of", "form"):
        assert f" /leak/{place}" in found, place
    assert "rows of lead were changed" in found
    assert leaky.report.unvisited == ["GET /leak/taught/<unheard_of>"]


def test_an_answer_that_depends_on_the_other_is_found(world: World) -> None:
    crawler = Crawler(world)
    crawler.compare({"order": (200, [1, 2])}, {"order": (200, [2, 1])})
    assert "told (200, [1, 2]) without and (200, [2, 1])" in str(crawler.report.leaks[0])


# -- jobs and caches


@pytest.mark.parametrize("walls", WALLS)
def test_a_job_that_names_a_strangers_rows_does_nothing_to_them(
    world: World, services: Services, walls: str
) -> None:
    mine, theirs = world.mine, world.theirs
    args = {f"{table.name}_id": theirs.id_in(table.name) for table in tables()}
    args |= {"call_id": theirs.id_in("call_session"), "id": theirs.tenant.id, "job_kind": "cleanup"}
    with world.admin() as cursor:
        for statement in NEGLECT:
            cursor.execute(statement)
        for kind in models.JobKind:
            _add_job(cursor, mine.tenant.id, kind, args)
    before = world.sums()
    with standing(walls, services), world.app.app_context():
        assert running.run_due() >= len(models.JobKind)
    assert world.sums() == before
    with world.admin() as cursor:
        cursor.execute("select t::text from job t where tenant_id = %s", (mine.tenant.id,))
        written = "\n".join(row for (row,) in cursor.fetchall())
    assert found_in(written, mine.canary)
    assert found_in(written, theirs.canary) == []
    with pytest.raises(ForeignKeyViolation), world.admin() as cursor:
        _add_job(cursor, mine.tenant.id, "again", args, theirs.id_in("call_session"))


# Everybody's jobs are done and old, and calls, leases, keys have been left lying: whoever may,
# tidies them up.
NEGLECT = (
    "update job set status = 'done', finished_at = now() - interval '40 days'",
    "update inbound_request set created_at = now() - interval '9 days'",
    "update lease set until = now() - interval '9 days'",
    "update api_key set expires_at = now() - interval '40 days'",
    "update call_session set outcome = 'failed' where call_sid like 'CAa11caa5e%'",
    "update call_session set outcome = null, last_turn_at = now() - interval '1 day'"
    " where call_sid like 'CAb0bb1eca%'",
)


def _add_job(cursor: Any, tenant: int, kind: str, args: Any, call: int | None = None) -> None:
    cursor.execute(
        "insert into job (tenant_id, kind, key, args, call_id, run_at) values (%s,%s,%s,%s,%s,%s)",
        (tenant, str(kind), f"attack:{kind}", Json(args), call, datetime(2026, 1, 1, tzinfo=UTC)),
    )


@pytest.mark.parametrize("walls", WALLS)
def test_what_is_kept_of_a_tenant_is_given_to_it_alone(
    world: World, services: Services, walls: str
) -> None:
    def kept(side: Any) -> str:
        with world.app.app_context(), acting_for(side.tenant.id):
            return repr(facts.current())

    sides = [world.mine, world.theirs] * 20
    with standing(walls, services), ThreadPoolExecutor(4) as pool:
        for side, found in zip(sides, pool.map(kept, sides), strict=True):
            other = world.theirs if side is world.mine else world.mine
            assert found_in(found, side.canary)
            assert found_in(found, other.canary) == []
