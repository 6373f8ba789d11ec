"""What `bench model` says of a model beside the calls themselves."""

from app.phone.kept import Kept
from bench.model import Spent


def kept(tokens_in: int, *evidence: dict[str, object]) -> Kept:
    rows = tuple({"evidence": one, "speaker": "caller"} for one in evidence)
    return Kept({"tokens_in": tokens_in, "tokens_out": 10}, transcripts=rows)


def test_tokens_are_told_per_call_and_replies_set_aside_by_reason() -> None:
    spent = Spent()
    spent.note(kept(300, {"tier": "model"}, {"tier": "offline", "instead_of_model": "timeout"}))
    spent.note(kept(100, {"tier": "offline", "instead_of_model": "timeout"}, {}))
    assert spent.figures() == {
        "tokens per call": "200 in, 10 out",
        "turns understood by the model": "1/3",
        "replies set aside": "timeout 2",
    }


def test_without_a_call_nothing_is_divided_by() -> None:
    assert Spent().figures()["replies set aside"] == "none"
