"""Starter knowledge of every trade: complete, in callers' words, and without a fact of its own."""

import re

import pytest

from app import starters
from app.ai.offline import OfflineInterpreter
from app.rules import blanks, intake, week, wording
from app.starters import Starter
from app.voice.flow import messages as m
from tests.unit.ai.said import HOURS, heard

EVERY = [
    (trade, language)
    for trade in (*starters.TRADES, starters.OTHER)
    for language in starters.LANGUAGES
]
# What would be a fact of one business: figures, money, lengths of time, things that cost nothing.
FACT = re.compile(
    r"\d|[$€£%]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty"
    r"|hundred|dozen|dollars?|cents?|euros?|minutes?|hours?|days?|weeks?|months?|free|yes|no|always"
    r"|never|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|quince|veinte|treinta|cien"
    r"|d[oó]lar(?:es)?|pesos?|minutos?|horas?|d[ií]as?|semanas?|mes(?:es)?|gratis|gratuit[oa]s?|s[ií]"
    r"|siempre|nunca)\b",
    re.IGNORECASE,
)  # fmt: skip
# Blanks that were filled in by somebody who says nothing that another question is about.
SOMETHING = "xyzzy"


@pytest.fixture(params=EVERY, ids="-".join)
def starter(request: pytest.FixtureRequest) -> Starter:
    found = starters.of(*request.param)
    assert found is not None
    return found


def test_there_are_ten_trades_each_in_every_language_and_one_for_others() -> None:
    assert len(set(starters.TRADES)) == 10
    for language in starters.LANGUAGES:
        names = {path.stem for path in (starters.ROOT / language).glob("*.yaml")}
        assert names == {*starters.TRADES, starters.OTHER}
    assert starters.of("alchemist", "en-US") is None
    assert starters.of("restaurant", "fr-FR") == starters.of("restaurant", "en-GB")


def test_a_trade_has_all_that_a_business_begins_with(starter: Starter) -> None:
    assert starter.greeting_of(" Corner Shop.").count("Corner Shop") == 1
    assert "{" not in starter.greeting_of("Corner Shop") + starter.persona
    spans = [week.Span(*span) for span in starter.hours]
    assert spans
    assert week.clash(spans) is None
    assert [place.operator for place in starter.departments].count(True) == 1
    assert sum(place.on_call for place in starter.departments) <= 1
    assert len({place.name.casefold() for place in starter.departments}) >= 1
    for word in starter.urgent_words:
        assert wording.urgent_word(word) == word
    for line in starter.intake_questions:
        assert intake.line(line) == line


def test_questions_are_many_and_each_is_asked_in_several_ways(starter: Starter) -> None:
    assert 10 <= len(starter.knowledge) <= 15
    assert len({one.key for one in starter.knowledge}) == len(starter.knowledge)
    asked = [
        " ".join(wording_of.casefold().split())
        for one in starter.knowledge
        for wording_of in (one.question, *one.alternates)
    ]
    assert len(set(asked)) == len(asked)
    for one in starter.knowledge:
        assert len(one.alternates) >= 2
        assert one.category
        wording.question(one.question)
        wording.answer(one.answer)


def test_no_fact_is_told_that_the_business_did_not_fill_in(starter: Starter) -> None:
    for one in starter.knowledge:
        told = "".join(part for part in blanks.parts(one.answer) if isinstance(part, str))
        assert FACT.findall(told) == [], one.answer
        assert not re.search(r"[\[\]{}]", told), one.answer
        for blank in blanks.left(one.answer):
            assert all(blank.choices or (blank.text.strip(),)), one.answer
    whole = [one for one in starter.knowledge if not blanks.left(one.answer)]
    assert 1 <= len(whole) <= 2  # what the receptionist says of itself


def test_a_caller_gets_the_answer_that_belongs_to_the_question(
    starter: Starter, request: pytest.FixtureRequest
) -> None:
    """Once all is filled in: nothing else that callers may want takes these words, no department,
    not the opening hours."""
    passages = tuple(
        m.Passage(
            f"knowledge:{at}", at, 1, one.question,
            blanks.filled(one.answer, [b.choices[0] if b.choices else SOMETHING
                                       for b in blanks.left(one.answer)]),
            one.alternates,
        )
        for at, one in enumerate(starter.knowledge)
    )  # fmt: skip
    departments = tuple(
        m.Department(at, place.name, place.description, ("+12125550101",), operator=place.operator)
        for at, place in enumerate(starter.departments)
    )
    facts = m.Facts(
        business="Corner Shop", is_open=True, departments=departments, passages=passages,
        hours=HOURS, today=HOURS[0].day,
        language="es-US" if "-es]" in request.node.name else "en-US",
    )  # fmt: skip
    wrong = []
    for passage in passages:
        for words in (passage.question, *passage.alternates):
            got = OfflineInterpreter().interpret(heard(words, facts=facts)).proposal
            if not isinstance(got, m.Answer) or got.sources != (passage.id,):
                wrong.append((words, got))
    assert wrong == []
