"""A drill of a new version's tables: made, and taken away again, while callers talk.

What the last revision is followed by is made up here: what any may do that the code before it is to
live with (a column, an index, a table). Somebody reads in one of the tables meanwhile, for long.
"""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from app.cli.migrate import DATABASE, head
from app.cli.prepare import worker
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.mail import wait_for
from bench.drills.restoring import TALKING, all_noted, calls_go_on
from bench.drills.undone import CONTROLS
from bench.drills.world import World

READS = 12.0  # seconds that somebody reads for
NEXT_NAME = "drill"
NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "drill", "{head}"


def upgrade() -> None:
    op.create_table("drill", sa.Column("id", sa.Integer(), primary_key=True))
    for table in ("call_session", "inbound_request", "tenant"):
        op.add_column(table, sa.Column("drill", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_call_session__drill", "call_session", ["tenant_id", "drill"])


def downgrade() -> None:
    op.drop_index("ix_call_session__drill", "call_session")
    for table in ("tenant", "inbound_request", "call_session"):
        op.drop_column(table, "drill")
    op.drop_table("drill")
"""


def live(stage: Stage) -> Figures:
    world, control = stage.world, stage.world.parts["web-1"].without
    folder = world.folder / "next"
    folder.mkdir(exist_ok=True)
    (folder / "next.py").write_text(NEXT.format(head=head()))
    took = []
    with calls_go_on(stage):
        wait_for("somebody talks", lambda: len(stage.ledger.calls) >= TALKING)
        for there in (NEXT_NAME, head()):
            with _somebody_reads(world):
                took.append(_migrated(world, folder, there, control))
            found = world.query("select version_num from alembic_version")[0][0]
            stage.expect(found == there, f"the schema is {found}, not {there}")
            time.sleep(2.0)
    stage.healed()
    calls = all_noted(stage)
    requests = [one for call in stage.ledger.calls for one in call.requests]
    failed = sum(one.tries > 1 or one.status not in (200, 204) for one in requests)
    stage.expect(not failed, f"{failed} of {len(requests)} requests failed")
    fallbacks = sum(call.fallbacks for call in stage.ledger.calls)
    stage.expect(not fallbacks, f"Twilio fell back {fallbacks} times")
    return {"calls": calls, "requests": len(requests), "failed": failed,
            "up and down took": " and ".join(f"{one:.1f} s" for one in took)}  # fmt: skip


@contextmanager
def _somebody_reads(world: World) -> Iterator[None]:
    """In a transaction that stays open for a while, as a report's does: who wants to change the
    table waits for it, and everybody else for whoever waits."""
    reader = psycopg2.connect(world.postgres.url(DATABASE))
    with contextlib.closing(reader), reader.cursor() as cursor:
        cursor.execute("select count(*) from inbound_request")
        cursor.execute(f"set local idle_in_transaction_session_timeout = '{READS:.0f}s'")
        yield


def _migrated(world: World, folder: Path, there: str, control: str) -> float:
    """Seconds. As `run.py migrate` does it, with one revision more."""
    began = time.monotonic()
    with worker(world.folder / "migrating.log") as call:
        call(_migrate, world.postgres.url(DATABASE), str(folder), there, control)
    return time.monotonic() - began


def _migrate(url: str, folder: str, there: str, control: str) -> None:
    from alembic import command

    from app.cli import migrate

    if control:
        CONTROLS[control].take_away()
    config = migrate.alembic_config(url)
    config.set_main_option("version_locations", f"{migrate.MIGRATIONS / 'versions'}:{folder}")
    way = command.upgrade if there == NEXT_NAME else command.downgrade
    migrate.patiently(lambda: way(config, there))


DRILLS = (
    Drill(
        "migration-live", "a revision up and down again while callers talk and somebody reads",
        "no request fails, every message noted", live, Sabotage("lock-timeout"), first=False,
    ),
)  # fmt: skip
