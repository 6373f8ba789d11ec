import pytest

from app.ai import grounding, speaking
from app.voice.flow import messages as m
from tests.unit.ai.said import FACTS, HOURS

SOURCES = (
    "A tour costs nine dollars and takes two to three hours.",
    "Groups over 120 dollars get ten percent off. Life vests are free.",
    "We are open Monday to Friday from 9 am to 17:30, closed in January.",
    "Call 212-555-0100 or write to desk@example.com, see www.example.com.",
)


@pytest.mark.parametrize(
    "sentence",
    [
        "A tour is $9.",
        "It takes 2 to 3 hours.",
        "Above $120 there is 10% off.",
        "We open on Wednesday at nine.",
        "You can come until 5:30 pm.",
        "Ring us at (212) 555-0100.",
        "Have a look at www.example.com.",
        "Life vests are free.",
        "One of our colleagues is happy to see you.",
        "Feel free to come by.",
    ],
)
def test_what_a_source_says_may_be_spoken(sentence: str) -> None:
    assert grounding.check(sentence, SOURCES) == grounding.Verdict(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "A tour is $19.",
        "It costs twenty five euros.",
        "There is 20% off.",
        "We are open on Sunday.",
        "We close in March.",
        "We open at 9 pm.",
        "Call 212-555-0199.",
        "Look at www.example.org.",
        "Dinner is free.",
        "We guarantee good weather.",
        "We will refund you.",
        "It will be done the same day.",
        "Our fleet has eleven boats.",
    ],
)
def test_what_no_source_says_is_not_spoken(sentence: str) -> None:
    sources = SOURCES if "free" not in sentence else SOURCES[:1]
    assert grounding.check(sentence, sources) == grounding.Verdict("", (sentence,))


def test_it_works_sentence_by_sentence() -> None:
    verdict = grounding.check("A tour is $9. Dogs cost $4 more.", SOURCES)
    assert verdict == grounding.Verdict("A tour is $9.", ("Dogs cost $4 more.",))


def test_nothing_is_grounded_in_nothing_but_harmless_talk() -> None:
    assert grounding.check("I see. It costs 5 dollars.", ()).spoken == "I see."


def rendered(day: m.DayHours) -> str:
    return "open from 9 AM to 6 PM" if day.spans else "closed"


def test_an_answer_is_cut_down_to_its_own_sources() -> None:
    answer = m.Answer("A tour costs 35 dollars. A voucher costs 20 dollars.", ("knowledge:2",))
    proposal, refused = speaking.grounded(answer, FACTS, rendered)
    assert proposal == m.Answer("A tour costs 35 dollars.", ("knowledge:2",))
    assert refused == ("A voucher costs 20 dollars.",)


def test_an_answer_of_which_nothing_is_left_becomes_a_message() -> None:
    proposal, refused = speaking.grounded(m.Answer("It is $5.", ("knowledge:1",)), FACTS, rendered)
    assert proposal == m.TakeMessage(unanswered=True)
    assert refused


def test_hours_are_a_source() -> None:
    answer = m.Answer("On Monday we are open from 9 AM to 6 PM.", (HOURS[0].id,))
    assert speaking.grounded(answer, FACTS, rendered) == (answer, ())


def test_a_question_back_must_not_smuggle_in_a_price() -> None:
    smuggled = m.Clarify("Shall I book it for $5?")
    assert speaking.grounded(smuggled, FACTS, rendered)[0] == m.TakeMessage(unanswered=True)
    repeated = m.Clarify("For 5 people?")
    assert speaking.grounded(repeated, FACTS, rendered, ["we are 5 people"]) == (repeated, ())


def test_what_speaks_nothing_is_left_alone() -> None:
    assert speaking.grounded(m.Finish(), FACTS, rendered) == (m.Finish(), ())
