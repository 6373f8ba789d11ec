"""Card and social-security numbers are in no row, no log and no request to a model, however a
caller gives them; and telephone numbers are."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app import models
from tests.conftest import Services
from tests.fakes import openai_server as fake
from tests.fakes.openai_server import FakeOpenAI
from tests.stores import places_of
from tests.web.conftest import Business, Caller

CARD, FOURS = "4111111111111111", "4111 1111 1111 1111"
SOCIAL = "078051120"
TOLD = "I did not keep that number"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as started:
        yield started


@pytest.fixture
def with_model(
    make_app: Callable[..., Flask], server: FakeOpenAI, make_business: Callable[..., Business]
) -> Iterator[Caller]:
    server.forget()
    app = make_app(openai_api_key="sk-test", openai_base_url=server.base_url)
    yield Caller(app, make_business())
    app.extensions["minds"].close()


def said(caller: Caller) -> list[str]:
    return [line.text for line in caller.all(models.Transcript, speaker="caller")]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (f"charge it to my card {FOURS} please", "charge it to my card [card number] please"),
        ("four one one one, one one one one, one one one one, one one one one", "[card number]"),
        ("my social is 078-05-1120", "my social is [social security number]"),
    ],
)  # fmt: skip
def test_what_is_said_is_kept_without_it_and_the_caller_told(
    caller: Caller, services: Services, caplog: pytest.LogCaptureFixture, words: str, kept: str
) -> None:
    caller.dial()
    with caplog.at_level(logging.DEBUG):
        answer = caller.say(1, words).text
    assert TOLD in answer
    assert said(caller) == [kept]
    caller.hang_up()
    assert places_of(services, CARD, SOCIAL, words) == []
    assert not any(number in caplog.text for number in (CARD, FOURS, "078-05-1120", words))


def test_what_is_keyed_is_not_kept_either(caller: Caller, services: Services) -> None:
    caller.dial()
    assert TOLD in caller.post("/twilio/gather?turn=1", Digits=CARD).text
    assert TOLD in caller.post("/twilio/gather?turn=2", Digits=f"{CARD}*1228123").text
    assert TOLD in caller.post("/twilio/gather?turn=3&ask=reason", Digits=SOCIAL).text
    assert caller.row().outcome is None
    assert places_of(services, CARD, SOCIAL) == []


@pytest.mark.parametrize("keyed", [True, False])
def test_a_number_in_parts_is_taken_out_of_the_earlier_turns_too(
    caller: Caller, services: Services, keyed: bool
) -> None:
    caller.dial()
    caller.say(1, "I would like to leave a message")
    caller.say(2, "Ann Miller")
    parts = ["5500 0055", "5555", "5559"]
    for turn, part in enumerate(parts, 3):
        path = f"/twilio/gather?turn={turn}"
        given = {"Digits": part.replace(" ", "")} if keyed else {"SpeechResult": part}
        answer = caller.post(path, **given).text
    assert TOLD in answer
    assert [text for text in said(caller) if "card" in text] == ["[card number]"] * 3
    assert places_of(services, *parts) == []
    assert [text for text in said(caller) if "message" in text or "Ann" in text]


def test_a_model_gets_neither_and_what_it_makes_up_is_not_kept(
    with_model: Caller, server: FakeOpenAI, services: Services
) -> None:
    noted = dict.fromkeys(("name", "phone", "email")) | {"reason": f"charge {FOURS} for the roof"}
    server.default = fake.tool_call("take_message", {"fields": noted, "unanswered": False})
    with_model.dial()
    with_model.say(1, f"please charge the card {FOURS} for the roof")
    with_model.say(2, "did you note the card for the roof")
    asked = json.dumps(server.requests)
    assert server.requests
    assert "for the roof" in asked
    assert FOURS not in asked
    assert CARD not in asked
    with_model.hang_up()
    assert places_of(services, CARD) == []


def test_a_recording_that_holds_one_is_deleted(
    app: Flask, make_business: Callable[..., Business]
) -> None:
    caller = Caller(app, make_business(recording="announce"))
    caller.dial()
    caller.say(1, "are you open tomorrow")
    caller.say(2, f"my visa is {FOURS}")
    kinds = [job.kind for job in caller.all(models.Job)]
    assert [kind for kind in kinds if "recording" in kind] == ["start_recording", "stop_recording"]


def test_a_telephone_number_in_pieces_is_noted(caller: Caller) -> None:
    caller.dial()
    caller.say(1, "I would like to leave a message")
    caller.say(2, "Ann Miller")
    caller.say(3, "no, another one")
    for turn, part in enumerate(("four one five", "five five five", "oh one nine nine"), 4):
        answer = caller.post(f"/twilio/gather?turn={turn}&ask=phone", SpeechResult=part).text
        assert TOLD not in answer
    caller.hang_up()
    assert [lead.phone for lead in caller.all(models.Lead)] == ["+14155550199"]
