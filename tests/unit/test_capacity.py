"""The capacity model: it reads what was measured, says what was not, and the page has its table."""

import json
import re
from pathlib import Path

import pytest

from bench import capacity, machine
from bench.capacity import ASSUMED, Load
from config import Settings

MEASURED = {
    "turn cpu ms": 4.0, "turn in whole calls cpu ms": 5.0, "turn in whole calls a second": 200.0,
    "jobs/s": 150.0, "memory web": 140.0, "memory worker": 110.0, "nodes 1 turns/s": 59.0,
    "nodes 2 turns/s": 106.2,
}  # fmt: skip


def saved(folder: Path, name: str, values: dict[str, float]) -> Path:
    path = folder / name
    path.write_text(json.dumps({"figures": {k: {"median": v} for k, v in values.items()}}))
    return path


def test_the_newest_measurement_counts_and_what_it_lacks_is_named(tmp_path: Path) -> None:
    saved(tmp_path, "load-2026-11-01T000000Z.json", MEASURED | {"turn cpu ms": 99.0})
    newest = saved(tmp_path, "load-2026-12-01T000000Z.json", {"turn cpu ms": 5.0})
    assert capacity.newest(tmp_path) == newest
    found = capacity.read(newest)
    assert found["turn cpu ms"] == 5.0
    assert found["jobs/s"] == ASSUMED["jobs/s"]
    assert "assumed: turn in whole calls cpu ms, turn in whole" in capacity.told(found)
    assert capacity.read(capacity.newest(tmp_path / "none")).source == ""


def test_ten_thousand_calls_at_once_are_reckoned_by_hand(tmp_path: Path) -> None:
    load = Load(calls_an_hour=200_000)  # of three minutes: 10,000 at once, by eight turns each
    assert load.at_once == 10_000
    assert load.turns_a_second == pytest.approx(888.9, abs=0.1)  # twice the mean of the hour
    need = capacity.needed(load, capacity.read(saved(tmp_path, "load-1.json", MEASURED)))
    # 888.9 turns of 5 ms, a core 60 % busy: 7.41 cores, 1.85 nodes, of which the second does 80 %
    # of the first: 3 of them, and one to spare
    assert (need.nodes, need.web_workers) == (4, 8)
    assert need.threads == 800  # each waits for 0.9 s
    assert need.workers == 267  # 111 calls a second, 1.44 s of work each, 60 % busy
    assert need.database_cores == 8  # 10 ms of the whole box, less 5 of the web server
    assert need.connections == (4 * 8 + 267 + 1) * 14


def test_the_run_of_two_nodes_is_held_against_it(tmp_path: Path) -> None:
    figures = capacity.read(saved(tmp_path, "load-1.json", MEASURED))
    said = capacity.checked(figures)
    assert "62 turns a second foretold, 59 measured (-6%)" in said
    assert "118 foretold if none cost the other anything, 106 measured, 1.80 times one" in said
    assert capacity.checked(capacity.read(None)).startswith("Not compared")


def test_the_page_has_the_table_of_the_file_that_it_names() -> None:
    page = capacity.PAGE.read_text(encoding="utf-8")
    shown = page.partition(capacity.BEGINS)[2].partition(capacity.ENDS)[0]
    named = re.search(r"bench/results/(load-[\w.-]+\.json)", shown)
    figures = capacity.read(machine.RESULTS / named[1] if named else None)
    assert shown == capacity.table(figures)


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = Settings.load({"DATA_DIR": str(tmp_path)})
    for wrong in ("--calls-per-hour=0", "--minutes=-1", "--cores=0", "--model=-1"):
        with pytest.raises(SystemExit):
            capacity.main([wrong], settings)
    assert "more than nothing" in capsys.readouterr().err
