"""Migrations add: what the version before uses stays, so that old and new processes work side by
side while they are restarted one after the other (docs/operations.md, "A new version")."""

import ast
from pathlib import Path

import pytest
from psycopg2 import errors
from sqlalchemy.exc import OperationalError

from app.cli import migrate
from config import ROOT

VERSIONS = sorted((ROOT / "migrations" / "versions").glob("0*.py"))
TAKES = ("drop_column", "drop_table", "rename_table")
# What may be taken away because no version that is still to be upgraded from uses it: name it here,
# with the first version that no longer does.
CONTRACTED: dict[str, str] = {}
BEFORE_THE_RULE = ("0024_operations.py",)  # a column that must be named by whoever adds a row


def calls(path: Path) -> list[ast.Call]:
    """Those of its way up."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    upgrade = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "upgrade")
    return [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]


def named(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def words(call: ast.Call) -> dict[str, str]:
    return {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg}


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_takes_away_nothing_that_the_version_before_uses(path: Path) -> None:
    found = []
    for call in calls(path):
        given = words(call)
        if named(call) in TAKES or "new_column_name" in given:
            found.append(ast.unparse(call))
        if named(call) == "add_column":
            (column,) = [one for one in call.args if isinstance(one, ast.Call)]
            needed = words(column)
            if needed.get("nullable") == "False" and "server_default" not in needed:
                found.append(ast.unparse(call))
        if named(call) == "alter_column" and (
            given.get("nullable") == "False" or given.get("server_default") == "None"
        ):
            found.append(ast.unparse(call))
    if path.name in BEFORE_THE_RULE:
        assert found
    elif path.name not in CONTRACTED:
        assert found == []


def test_a_migration_gives_way_to_whoever_reads_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrate, "LOCK_PAUSE", 0.0)
    problems = [errors.LockNotAvailable(), errors.LockNotAvailable()]

    def change() -> None:
        if problems:
            raise OperationalError("alter table", {}, problems.pop())

    migrate.patiently(change)
    problems.append(errors.DiskFull())
    with pytest.raises(OperationalError):
        migrate.patiently(change)
    assert not problems
