"""`run.py bench understand`: files told apart, rows answered, bad files refused in a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import calls, understand
from config import Settings

KB = [
    {
        "business": "lido",
        "kb": [
            {"id": "dogs", "question": "May I bring my dog?", "answer": "Dogs stay outside."},
            {
                "id": "price",
                "question": "What is a ticket?",
                "answer": "Five euros.",
                "aliases": [],
            },
        ],
    }
]
PLACES = [{"id": "swim_school", "description": "Courses and swimming lessons"}, {"id": "kiosk"}]


def run(tmp_path: Path, rows: list[dict[str, Any]], *more: str) -> tuple[int, list[dict[str, Any]]]:
    file, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    kb = tmp_path / "faq_kb.jsonl"
    kb.write_text("".join(json.dumps(row) + "\n" for row in KB), encoding="utf-8")
    settings = Settings.load({"DATA_DIR": str(tmp_path / "data")})
    code = understand.main([str(file), "-o", str(out), *more], settings)
    found = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    return code, [json.loads(line) for line in found]


def test_questions_are_answered_from_the_entries_of_their_business(tmp_path: Path) -> None:
    rows = [
        {"id": "q1", "business": "lido", "query": "may I bring my dog"},
        {"id": "q2", "business": "lido", "query": "who painted the Mona Lisa"},
    ]
    code, found = run(tmp_path, rows)
    assert code == 0
    assert found[0]["answer_id"] == found[0]["best_id"] == found[0]["ranked"][0] == "dogs"
    assert found[1]["answer_id"] is None
    assert found[0]["score"] > found[1]["score"]


def test_departments_need_neither_names_nor_descriptions(tmp_path: Path) -> None:
    rows = [
        {"id": "r1", "departments": PLACES, "utterance": "I want to book swimming lessons"},
        {"id": "r2", "departments": PLACES, "utterance": "good morning"},
    ]
    _, found = run(tmp_path, rows)
    assert [row["department"] for row in found] == ["swim_school", None]


def test_values_are_read_for_the_region_of_the_row(tmp_path: Path) -> None:
    rows = [
        {"id": "e1", "type": "phone", "region": "GB", "utterance": "oh two oh 7946 0123"},
        {"id": "e2", "type": "phone", "utterance": "212 555 0123"},
        {"id": "e3", "type": "email", "utterance": "ann at example dot com", "prompt": None},
        {"id": "e4", "type": "name", "utterance": "my name is Ann Lee", "nbest": ["my name"]},
        {"id": "e5", "type": "name_spelled", "utterance": "a n n a"},
        {"id": "e6", "type": "reference_code", "utterance": "k 7 x 2"},
        {"id": "e7", "type": "date", "utterance": "tomorrow", "today": "2026-02-28"},
        {"id": "e8", "type": "time", "utterance": "at half past six pm"},
        {"id": "e9", "type": "date_span", "utterance": "maybe the 8th of May then"},
        {"id": "e10", "type": "phone", "utterance": "I don't have one"},
    ]
    code, found = run(tmp_path, rows)
    assert code == 0
    assert [row["value"] for row in found] == [
        "+442079460123", "+12125550123", "ann@example.com", "Ann Lee", "Anna", "K7X2",
        "2026-03-01", "18:30", "8th of May", "",
    ]  # fmt: skip


def test_yes_no_and_neither(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": str(n), "utterance": w} for n, w in enumerate(("yes", "no", "what?"))
    ]
    _, found = run(tmp_path, rows)
    assert [row["label"] for row in found] == ["affirm", "deny", "other"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "holds no rows"),
        ([{"id": "x", "words": "hello"}], "rows.jsonl:1: a row needs query"),
        ([{"id": "x", "utterance": "yes"}, {"id": "y", "query": "q"}], "rows.jsonl:2: the row"),
        ([{"utterance": "yes"}], '"id" is missing'),
        ([{"id": "x", "type": "iban", "utterance": "d e"}], "type 'iban' is not known"),
        ([{"id": "x", "business": "pier", "query": "q"}], "no business 'pier'"),
        ([{"id": "x", "departments": [{}], "utterance": "q"}], "rows.jsonl:1 (x): cannot be read"),
        ([{"id": "x", "utterance": 3}], "rows.jsonl:1 (x): cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(
    tmp_path: Path, rows: list[dict[str, Any]], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = run(tmp_path, rows)
    assert (code, found) == (2, [])
    assert message in capsys.readouterr().err


def test_every_switch_is_handed_on_to_the_bench_of_calls() -> None:
    given = ["calls.jsonl", "--kb", "kb.jsonl", "--no-aliases", "--no-encoder", "-o", "out.jsonl"]
    handed = understand.as_calls(understand.parser().parse_args(given))
    taken = calls.parser().parse_args(handed)
    assert (str(taken.file), str(taken.kb), str(taken.output)) == (given[0], given[2], given[-1])
    assert taken.no_aliases
    assert taken.no_encoder
