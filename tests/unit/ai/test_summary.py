import json
from contextlib import closing

import pytest

from app.ai import summary
from app.ai.interpreter import Speaker, Tier, Turn
from app.ai.openai import Clients
from tests.fakes import openai_server as fake
from tests.fakes.openai_server import FakeOpenAI

CALL = (
    Turn(Speaker.RECEPTIONIST, "Thank you for calling Harbour Boats."),
    Turn(Speaker.CALLER, "hello"),
    Turn(Speaker.CALLER, "how much is a boat tour"),
    Turn(Speaker.RECEPTIONIST, "A tour costs 35 dollars."),
)
LEAD = {"name": "Mona Berg", "phone": "+12125550147", "reason": "a tour for the office"}


def by_model(reply: fake.Reply) -> summary.Summary:
    with FakeOpenAI(reply) as server, closing(Clients("k", server.base_url, 5)) as client:
        return summary.summarise(CALL, LEAD, "lead", client=client, model="x")


def test_without_a_model_it_is_made_of_the_words_themselves() -> None:
    text = summary.summarise(CALL, {}, "answered").text
    assert "how much is a boat tour" in text
    assert "35 dollars" in text
    lead = summary.summarise(CALL, LEAD, "lead")
    assert lead.tier is Tier.OFFLINE
    assert all(value in lead.text for value in LEAD.values())


def test_an_empty_call_has_a_summary_too() -> None:
    assert summary.summarise((), {}, "abandoned").text


def test_a_models_summary_is_cleaned_and_counted() -> None:
    said = "Mona <b>asked</b>. See https://evil.example/x now. **Done**. Four. Five. Six."
    made = by_model(fake.content(json.dumps({"summary": said})))
    assert (made.tier, made.model, made.tokens_in) == (Tier.MODEL, "x", 120)
    assert "evil" not in made.text
    assert "<" not in made.text
    assert "*" not in made.text
    assert "Six" not in made.text


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (fake.content("plain words"), "malformed reply"),
        (fake.content(json.dumps({"summary": ""})), "empty reply"),
        (fake.content("[1]"), "empty reply"),
        (fake.refusal(), "refusal"),
        (fake.status(500), "status 500"),
    ],
)
def test_a_broken_reply_falls_back_to_the_words(reply: fake.Reply, reason: str) -> None:
    made = by_model(reply)
    assert made.tokens_in == (120 if reply.status == 200 else 0)  # it was paid for
    assert (made.tier, made.reason) == (Tier.OFFLINE, reason)
    assert "Mona Berg" in made.text


def test_a_card_number_in_a_models_summary_is_taken_out() -> None:
    said = "They gave the card 4111 1111 1111 1111 for the roof."
    made = by_model(fake.content(json.dumps({"summary": said})))
    assert "4111" not in made.text
    assert "for the roof" in made.text


def test_it_is_never_too_long() -> None:
    assert len(summary.clean("A sentence of words. " * 500)) <= summary.LONGEST
