"""Who refuses to be recorded, and who only says something with such words."""

import pytest

from app.ai.reading import consent

REFUSALS = [
    "do not record", "don't record me", "please don't record this call",
    "I don't want to be recorded", "I do not want this call to be recorded please",
    "no recording", "no recording please", "stop recording", "please stop recording me",
    "I'd rather not be recorded", "without recording, please", "turn the recording off",
    "I don't consent", "I do not agree to that", "I don\u2019t like being recorded", "no grabar",
    "no me grabe", "no quiero que se grabe la llamada", "sin grabar por favor", "no autorizo",
    "no grabe esta llamada", "prefiero que no me graben",
]  # fmt: skip
PLAIN = ["no", "No.", "nope", "no thank you", "no, please", "I'd rather not", "I don't want that",
         "no gracias", "nine", "press 9", "um, no"]  # fmt: skip
NONE = [
    "are you open tomorrow", "I want to speak to sales",
    "I have no idea what my record number is", "do you sell vinyl records", "yes", "hello",
    "I need a copy of my dental records", "no problem, what time do you open",
    "I was recording a song and my speaker broke", "that's fine", "I don't know who to talk to",
    "sí", "quiero una cita",
]  # fmt: skip


@pytest.mark.parametrize("words", REFUSALS)
@pytest.mark.parametrize("asked", [True, False])
def test_a_refusal_is_heard_at_any_time(words, asked):
    assert consent.refusal(words, asked=asked) == (True, "")


@pytest.mark.parametrize("words", PLAIN)
def test_a_plain_no_refuses_after_the_announcement_only(words):
    assert consent.refusal(words, asked=True) == (True, "")
    assert consent.refusal(words, asked=False) == (False, words)


@pytest.mark.parametrize("words", NONE)
@pytest.mark.parametrize("asked", [True, False])
def test_other_words_refuse_nothing(words, asked):
    assert consent.refusal(words, asked=asked) == (False, words)


def test_what_is_said_besides_is_kept():
    assert consent.refusal("No, are you open tomorrow?", asked=True) == (
        True,
        "are you open tomorrow?",
    )
    refused, rest = consent.refusal("Please don't record. Do you have parking?", asked=False)
    assert refused
    assert rest.endswith("Do you have parking?")
