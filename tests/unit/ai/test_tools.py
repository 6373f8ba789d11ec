import json
from dataclasses import fields
from datetime import time
from typing import Any

import pytest

from app.ai import tools
from app.ai.interpreter import Heard, InterpreterError
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Draft, Facts, Known, Noted
from app.voice.flow.states import MAY_PROPOSE, State
from tests.unit.ai.said import FACTS, HOURS, heard


def read(name: str, arguments: dict[str, Any], asked: Heard) -> m.Proposal:
    return tools.read(name, json.dumps(arguments), asked)


def reason(name: str, arguments: dict[str, Any] | str, asked: Heard) -> str:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    with pytest.raises(InterpreterError) as caught:
        tools.read(name, text, asked)
    return caught.value.reason


@pytest.mark.parametrize("state", list(State))
def test_the_tools_of_a_state_are_what_may_be_proposed_in_it(state: State) -> None:
    offered = {tool["function"]["name"] for tool in tools.offered(state, FACTS)}
    assert offered == {tools.name(proposal) for proposal in MAY_PROPOSE[state]}


def test_what_cannot_be_is_not_offered() -> None:
    offered = {tool["function"]["name"] for tool in tools.offered(State.INTENT, Facts())}
    assert not offered & {"answer", "tell_hours"}


def test_every_schema_is_strict_and_has_the_proposals_fields() -> None:
    def strict(schema: Any) -> None:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])
            for part in schema.values():
                strict(part)

    proposals = {tools.name(p): p for p in MAY_PROPOSE[State.INTENT]}
    for tool in tools.offered(State.INTENT, FACTS):
        function = tool["function"]
        assert function["strict"] is True
        strict(function["parameters"])
        wanted = {field.name for field in fields(proposals[function["name"]])}
        assert set(function["parameters"]["properties"]) == wanted


def test_good_calls_become_proposals() -> None:
    said = heard("I'm Mona, 212 555 0147, mona at example dot com")
    assert read("answer", {"text": "Yes.", "sources": ["knowledge:1"]}, said) == m.Answer(
        "Yes.", ("knowledge:1",)
    )
    assert read(
        "tell_hours", {"days": [HOURS[0].day.isoformat()], "at": "18:00"}, said
    ) == m.TellHours((HOURS[0].day,), time(18))
    assert read("transfer", {"department_id": None}, said) == m.Transfer(None)
    assert read("transfer", {"department_id": 2}, said) == m.Transfer(2)
    taken = {"name": "Mona", "phone": "212-555-0147", "email": "mona@example.com", "reason": None}
    assert read("take_message", {"fields": taken, "unanswered": False}, said) == m.TakeMessage(
        (
            Noted(Ask.NAME, "Mona"),
            Noted(Ask.PHONE, "+12125550147"),
            Noted(Ask.EMAIL, "mona@example.com"),
        )
    )
    assert read("finish", {}, said) == m.Finish()


def phone(number: str) -> dict[str, Any]:
    return {"fields": {"phone": number}, "unanswered": False}


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("delete_everything", {}, "unknown tool"),
        ("finish", {"now": True}, "bad arguments"),
        ("finish", "[" * 5000, "malformed arguments"),
        ("finish", '{"a":', "malformed arguments"),
        ("finish", " " * 20_000, "oversized"),
        ("answer", {"text": "Yes."}, "bad arguments"),
        ("answer", {"text": 5, "sources": ["knowledge:1"]}, "bad arguments"),
        ("answer", {"text": "Yes.", "sources": []}, "unknown source"),
        ("answer", {"text": "Yes.", "sources": ["knowledge:99"]}, "unknown source"),
        ("answer", {"text": "Yes.", "sources": "knowledge:1"}, "bad arguments"),
        ("tell_hours", {"days": ["1999-01-01"], "at": None}, "unknown day"),
        ("tell_hours", {"days": [], "at": "6 p.m."}, "bad arguments"),
        ("hold", {"piece": "two one two"}, "piece not said"),
        ("confirm", {"accepted": True, "fields": {}}, "yes not said"),
        (
            "take_message",
            {"fields": {"name": "Mallory"}, "unanswered": False},
            "name not said",
        ),
        (
            "take_message",
            {"fields": {"reason": "wants a refund of 900 dollars"}, "unanswered": False},
            "words not said",
        ),
        ("clarify", {"question": "Tell me."}, "not a question"),
        ("transfer", {"department_id": 99}, "unknown department"),
        ("transfer", {"department_id": True}, "bad arguments"),
        ("transfer", {"department_id": "+19005550100"}, "bad arguments"),
        ("take_message", {"fields": {"iban": "1"}, "unanswered": False}, "bad arguments"),
        ("take_message", phone("call me"), "phone not readable"),
        ("take_message", phone("+12125550100"), "phone not said"),
        (
            "take_message",
            {"fields": {"email": "eve@example.com"}, "unanswered": False},
            "email not said",
        ),
    ],
)
def test_bad_calls_are_refused_with_their_reason(name: str, arguments: Any, why: str) -> None:
    assert reason(name, arguments, heard("I have a boat")) == why


def test_a_tool_of_another_state_is_refused() -> None:
    assert reason("finish", {}, heard("bye", State.CONFIRMATION)) == "tool not offered"


def test_caller_id_and_what_was_noted_before_count_as_said() -> None:
    assert read("take_message", phone(FACTS.caller_number), heard("this number")) == m.TakeMessage(
        (Noted(Ask.PHONE, FACTS.caller_number, Known.CALLER_ID),)
    )
    draft = Draft((Noted(Ask.PHONE, "+12125550147"),))
    corrected = heard("the last two are nine nine", State.LEAD_CAPTURE, Ask.PHONE, draft)
    assert read("take_message", phone("+12125550199"), corrected) == m.TakeMessage(
        (Noted(Ask.PHONE, "+12125550199"),)
    )


def test_a_card_number_that_a_model_writes_is_taken_out() -> None:
    """Whether it was made up, or the caller talked the model into it."""
    said = heard("please charge it to the card for the roof repair")
    card = "4111 1111 1111 1111"
    fields = {
        "name": None, "phone": None, "email": None,
        "reason": f"charge the card {card} for the roof repair",
    }  # fmt: skip
    noted = read("take_message", {"fields": fields, "unanswered": False}, said)
    assert "[card number]" in str(noted)
    answer = read("answer", {"text": f"Your card is {card}.", "sources": ["knowledge:1"]}, said)
    assert "4111" not in f"{noted}{answer}"
