"""Backups: every row out, every row back, into whichever database; and nothing half done."""

import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from alembic import command
from alembic.config import Config

from app import snapshot
from app.cli import backup, fallback, migrate, move, restore, rotate_keys, rows_in, seed
from app.embedded import EmbeddedPostgres
from config import Settings
from tests.conftest import Services
from tests.factories import Rows
from tests.jobs.conftest import until

OTHER = "recep_other"
# Declared in code: bringing a database up to date makes them what this code says.
DECLARED = ("ab_permission", "ab_permission_view", "ab_permission_view_role", "ab_view_menu")


def rows_of(url: str) -> dict[str, list[str]]:
    """Every row of every table that is copied, as text."""
    with snapshot.connected(url) as connection, connection.cursor() as cursor:
        found = {}
        for name in set(snapshot._tables(cursor)) - set(DECLARED):
            cursor.execute(f"select t::text from {name} t order by 1")
            found[name] = [text for (text,) in cursor.fetchall()]
    return found


def execute(url: str, statement: str) -> None:
    with snapshot.connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        connection.commit()


@pytest.fixture
def elsewhere(services: Services) -> Iterator[Settings]:
    """Of an installation whose databases are managed, and not there yet."""
    services.execute(f"drop database if exists {OTHER} with (force)")
    login = urlsplit(services.settings.database_url)._replace(path=f"/{OTHER}").geturl()
    yield replace(
        services.settings, database_url=login, database_admin_url=services.postgres.admin_url
    )
    services.execute(f"drop database if exists {OTHER} with (force)")


@pytest.fixture
def full(permissions: None, rows: Rows, services: Services) -> str:
    """The administrator's URL of a database with a row of every kind."""
    rows.every_kind(rows.tenant())
    rows.super_admin()
    return services.admin_url()


def test_every_row_comes_back_and_life_goes_on(
    full: str, services: Services, elsewhere: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "rows.zip"
    written = snapshot.write(full, path)
    assert path.stat().st_mode & 0o777 == 0o600
    rows_in.fill(services.postgres.admin_url, elsewhere, path)
    there = services.admin_url(OTHER)
    before, after = rows_of(full), rows_of(there)
    assert before["lead"]
    assert {name: len(rows) for name, rows in before.items()} == {
        table.name: table.rows for table in written.tables if table.name not in DECLARED
    }
    assert after == before
    execute(there, "insert into tenant (public_id, name, slug) values ('x', 'Next', 'next')")
    assert _one(there, "select max(id) = max(id) filter (where slug = 'next') from tenant")
    version = "select facts_version from tenant where slug <> 'next' limit 1"
    known = _one(there, version)
    execute(there, "update department set name = name || '!'")  # its triggers are awake again
    assert _one(there, version) > known
    with pytest.raises(snapshot.NotUsable, match="Make a new database"):
        rows_in.fill(services.postgres.admin_url, elsewhere, path)
    assert rows_of(there)["tenant"]


def test_a_backup_is_of_one_moment_though_others_write(full: str, tmp_path: Path) -> None:
    kept = rows_of(full)["call_summary"]
    waits = "select exists (select from pg_locks where not granted)"
    with snapshot.connected(full) as other, other.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("lock table tenant; delete from call_summary")
        writing = pool.submit(snapshot.write, full, tmp_path / "rows.zip")
        until(lambda: _one(full, waits))  # it has begun, and is not at that table yet
        other.commit()
        made = writing.result(60)
    [table] = [table for table in made.tables if table.name == "call_summary"]
    assert table.rows == len(kept) > 0


def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    full: str, services: Services, elsewhere: Settings, tmp_path: Path
) -> None:
    config = Config(migrate.MIGRATIONS / "alembic.ini")
    config.attributes["url"] = full
    command.downgrade(config, "-1")
    older = snapshot.write(full, tmp_path / "older.zip")
    assert older.revision != migrate.head()
    rows_in.fill(services.postgres.admin_url, elsewhere, tmp_path / "older.zip")
    there = rows_of(services.admin_url(OTHER))
    assert len(there["lead"]) == next(t.rows for t in older.tables if t.name == "lead")


@pytest.mark.parametrize("fault", ["cut", "changed", "rows", "other", "newer", "no file"])
def test_a_damaged_file_changes_nothing(
    fault: str, full: str, services: Services, elsewhere: Settings, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    snapshot.write(full, good)
    with zipfile.ZipFile(good) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    known: dict[str, Any] = json.loads(parts[snapshot.MANIFEST])
    if fault == "changed":
        parts["lead.copy"] = parts["lead.copy"].replace(b"t", b"f")
    if fault == "rows":
        del parts["lead.copy"]
    if fault == "other":
        known["tables"] = known["tables"][1:]
    if fault == "newer":
        known["format"] += 1
    parts[snapshot.MANIFEST] = json.dumps(known).encode()
    with zipfile.ZipFile(bad, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    if fault == "cut":
        bad.write_bytes(good.read_bytes()[:-500])
    if fault == "no file":
        bad.unlink()
    with pytest.raises(snapshot.NotUsable):
        rows_in.fill(services.postgres.admin_url, elsewhere, bad)
    if OTHER in _databases(services):
        assert snapshot.is_empty(services.admin_url(OTHER))
    assert [row for row in rows_of(full)["lead"]]


def test_own_databases_are_backed_up_restored_and_moved(
    services: Services, elsewhere: Settings, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the commands, beside a running product and without one."""
    here = data_dir / "own"
    settings = Settings.load({"DATA_DIR": str(here), "ADMIN_PASSWORD": "correct horse battery"})
    with EmbeddedPostgres(here) as own:
        login = migrate.migrate(own.admin_url, settings)
        seed.ensure_super_admin(replace(settings, database_url=login))
        assert fallback.main([], settings) == 1
        assert "There are no tenants yet." in capsys.readouterr().err
        kept = rows_of(own.url(migrate.DATABASE))
        assert backup.main([], settings) == 0  # while it runs
        assert "backup" in str(rows_of(own.url(migrate.DATABASE))["milestone"])  # noted as made
    path = next((here / "backup").glob("*.zip"))
    assert backup.main([str(path)], settings) == 1
    assert "already" in capsys.readouterr().err
    assert backup.main([str(here / "second.zip")], settings) == 0  # while it does not
    assert "encryption" in capsys.readouterr().out.lower()
    assert rotate_keys.main(["--check"], settings) == 0
    nothing = Settings.load({"DATA_DIR": str(data_dir / "empty")})
    assert backup.main([], nothing) == 1
    assert "start `python3 run.py` first" in capsys.readouterr().err
    assert not (nothing.data_dir / "postgresql").exists()
    assert restore.main([str(path)], settings) == 1
    assert "--replace" in capsys.readouterr().err
    assert restore.main([str(here / "none.zip"), "--replace"], settings) == 1
    assert restore.main([str(path), "--replace"], settings) == 0
    with EmbeddedPostgres(here) as own:
        assert rows_of(own.url(migrate.DATABASE)) == kept
        assert "recep_before_" in str(_all(own.admin_url, "select datname from pg_database"))
    moving = replace(
        settings,
        database_url=elsewhere.database_url,
        database_admin_url=elsewhere.database_admin_url,
        redis_url=services.settings.redis_url,
    )
    assert move.main([], replace(moving, redis_url="redis://127.0.0.1:1")) == 1
    assert "REDIS_URL does not answer" in capsys.readouterr().err
    assert move.main([], moving) == 0
    assert rows_of(services.admin_url(OTHER)) == kept
    assert move.main([], moving) == 1
    assert "Make a new database" in capsys.readouterr().err


def _one(url: str, query: str) -> Any:
    return _all(url, query)[0][0]


def _all(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


def _databases(services: Services) -> set[str]:
    return {name for (name,) in _all(services.admin_url(), "select datname from pg_database")}
