"""What a business may set up: numbers, hours, words, and cells of spreadsheets."""

import csv
import io
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import practice
from app.rules import blanks, dialling, intake, week, wording
from app.views import checks
from app.views.importing import NotReadable, table
from app.views.setup import zones
from app.views.sheets import csv_plain, csv_safe, line

US = frozenset({"US"})


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+19005550100", "premium-rate"),
        ("+448441234567", "premium-rate"),
        ("+33899701234", "premium-rate"),
        ("+491801234567", "shared-cost"),
        ("+447012345678", "personal number"),
        ("+881612345678", "satellite"),
        ("+870773111632", "satellite"),
        ("+979123456789", "satellite"),
        ("+18765550100", "is in JM"),
        ("+18095550100", "is in DO"),
        ("+33142685300", "is in FR"),
    ],
)
def test_a_number_that_costs_or_lies_abroad_is_not_rung(number: str, said: str):
    assert said in dialling.refusal(number, US)


@pytest.mark.parametrize("number", ["+12125550100", "+18005550100", "+13035550120"])
def test_ordinary_numbers_at_home_are_rung(number: str):
    assert dialling.refusal(number, US) is None


@pytest.mark.parametrize(
    "number", ["+12129765555", "+17005550100", "+443001234567", "+15005550100"]
)
def test_what_bills_within_a_country_is_not_rung(number: str):
    assert "ordinary telephone" in str(dialling.refusal(number, frozenset()))


def test_ranges_known_for_fraud_are_rung_from_their_own_country_only():
    jamaica, us = "+18765550100", frozenset({"US"})
    everywhere = frozenset({"US", "JM", "SL"})
    for number in (jamaica, "+23222123456"):
        assert "defraud" in str(dialling.refusal(number, everywhere, us))
        assert "defraud" in str(dialling.refusal(number, frozenset(), us))
    assert dialling.refusal(jamaica, everywhere, frozenset({"JM"})) is None
    assert dialling.refusal("+17875550100", frozenset({"US", "PR"}), us) is None


def test_another_country_is_rung_once_it_is_allowed():
    assert dialling.refusal("+441632960123", US)
    assert dialling.refusal("+441632960123", US | {"GB"}) is None
    assert dialling.refusal("+441632960123", frozenset()) is None
    assert dialling.refusal("+19005550100", frozenset())


@pytest.mark.parametrize("typed", ["911", "12", "+1911", "call me", "", "+12125550100 ext. 5", "+"])
def test_short_codes_extensions_and_words_are_no_numbers(typed: str):
    with pytest.raises(ValueError, match="Not a telephone number"):
        dialling.e164(typed)


def test_a_number_is_kept_as_twilio_has_it():
    assert dialling.e164("+1 (212) 555-0100") == "+12125550100"


def test_a_number_may_be_written_as_at_home_where_home_is_known():
    assert dialling.e164("(303) 555-0120", "US") == "+13035550120"
    assert dialling.e164("020 7946 0001", "GB") == "+442079460001"
    assert dialling.e164("+442079460001", "US") == "+442079460001"
    with pytest.raises(ValueError, match="Not a telephone number"):
        dialling.e164("0120", "US")


def test_practice_numbers_are_possible_and_nobodys():
    for number in (practice.some_number() for _try in range(50)):
        assert practice.is_fictional(number)
        assert dialling.e164(number) == number
    assert not any(map(practice.is_fictional, ("+12125550200", "+12124440100", "+442125550100")))


def test_the_country_follows_from_the_time_zone():
    known = {
        "America/New_York": "US", "US/Eastern": "US", "Europe/Madrid": "ES",
        "Asia/Calcutta": "IN", "Asia/Kolkata": "IN", "UTC": "", "Etc/GMT+5": "",
    }  # fmt: skip
    assert {zone: zones.country_of(zone) for zone in known} == known
    offered = {choice.value: (choice.label, choice.optgroup) for choice in zones.choices("es")}
    assert offered["Europe/Berlin"] == ("Berlin (Alemania)", "Alemania")
    assert len(offered) > 300


WORDS = st.text(st.characters(exclude_characters="[]|", exclude_categories=("C",)), min_size=1)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.data())
def test_what_is_filled_into_blanks_can_be_read_back(pairs, data):
    template = "".join(f"{words}[{blank}]" for words, blank in pairs)
    given_values = [data.draw(st.just("") | WORDS) for _pair in pairs]
    answer = blanks.filled(template, given_values)
    left = [blank for (_, blank), value in zip(pairs, given_values, strict=True) if not value]
    assert [blank.text for blank in blanks.left(answer)] == left
    read = blanks.values(template, answer)
    assert read is not None
    assert blanks.filled(template, read) == answer


def test_a_blank_with_bars_is_a_choice():
    template = "We [are|are not] open on [days]."
    assert blanks.values(template, "We are not open on Sundays.") == ("are not", "Sundays")
    assert blanks.values(template, "We may be open on Sundays.") is None
    assert blanks.values(template, template) == ("", "")
    assert [blank.choices for blank in blanks.left(template)] == [("are", "are not"), ()]


def span(day: int, opens: int, closes: int) -> week.Span:
    return week.Span(day, time(opens % 24), time(closes % 24))


def test_overlapping_hours_are_told_as_the_owner_knows_them():
    assert week.clash([span(1, 12, 17), span(1, 9, 13)]) == (
        "Tuesday has 9:00–13:00 and 12:00–17:00. Change one so that they do not overlap."
    )
    assert week.clash([span(6, 22, 2), span(0, 1, 5)]) == (
        "Monday has 1:00–5:00, and Sunday 22:00–2:00. Change one so that they do not overlap."
    )


@pytest.mark.parametrize(
    "spans",
    [
        [span(1, 9, 12), span(1, 12, 17)],
        [span(1, 22, 2), span(2, 2, 5)],
        [span(day, 0, 0) for day in range(7)],
        [span(6, 22, 2), span(0, 2, 5)],
        [],
    ],
)
def test_hours_that_only_touch_do_not_overlap(spans: list[week.Span]):
    assert week.clash(spans) is None


@given(st.integers(0, 6), st.times(), st.times(), st.integers(0, 6), st.times(), st.times())
def test_hours_overlap_when_a_minute_is_in_both(d1, o1, c1, d2, o2, c2):
    one, other = week.Span(d1, o1, c1), week.Span(d2, o2, c2)
    minutes = [{(s.start + minute) % week.WEEK for minute in range(s.length)} for s in (one, other)]
    assert week.overlap(one, other) == bool(minutes[0] & minutes[1])


def test_a_holiday_may_not_run_into_the_hours_beside_it():
    new_year = week.SpecialDay(date(2027, 1, 1), time(20), time(3))  # a Friday
    assert "Saturday has 2:00–8:00" in week.holiday_clash(new_year, [span(5, 2, 8)])
    assert week.holiday_clash(new_year, [span(5, 3, 8), span(4, 9, 17), span(4, 22, 20)]) is None
    assert week.holiday_clash(week.SpecialDay(date(2027, 1, 1)), [span(3, 22, 6)]) is None


@pytest.mark.parametrize(
    ("check", "value", "said"),
    [
        (wording.answer, "x" * 2001, "2,001 characters"),
        (wording.answer, " ", "empty"),
        (wording.question, "x" * 501, "at most 500"),
        (wording.urgent_word, "it", "too short"),
        (wording.urgent_word, "x" * 61, "at most 60"),
        (checks.time_zone, "paris", "Europe/Paris"),
        (checks.time_zone, "Mars", "America/New_York"),
        (checks.country, "USA", "two letters"),
        (checks.email, "bob@", "“bob@”"),
    ],
)
def test_a_message_says_what_to_do(check, value: str, said: str):
    with pytest.raises(ValueError, match=said):
        check(value)


def test_countries_and_words_are_kept_tidy():
    assert checks.country(" us ") == "US"
    assert wording.urgent_word(" no   heat ") == "no heat"
    assert wording.urgent_word("火事") == "火事"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+12125550100", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1",
        "＝1", "＋1", "－1",  # noqa: RUF001
        "＠x", "'=1", "''+1", "\u3000=1",  # noqa: RUF001
    ],
)  # fmt: skip
def test_no_cell_begins_like_a_formula(text: str):
    safe = csv_safe(text)
    assert safe == "'" + text
    assert csv_plain(safe) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_cell_comes_back_as_it_was(text: str):
    (cells,) = csv.reader(io.StringIO(line([text, "x"]), newline=""))
    assert csv_plain(cells[0]) == text
    assert not cells[0].lstrip()[:1] or cells[0].lstrip()[0] not in "=+-@＝＋－＠"  # noqa: RUF001


def test_numbers_and_plain_words_stay_as_they_are():
    assert [csv_safe(value) for value in (-5, True, None, "Ada's", "a=b")] == [
        "-5", "yes", "", "Ada's", "a=b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not found: question, answer"),
        (b"question\nQ", "not found: answer"),
        (b"question,answer,colour\nQ,A,red", "“colour”"),
        (b"question,answer,answer\nQ,A,B", "twice"),
        (b"question,answer\n", "no line below"),
        (b'question,answer\nQ,"A', "not CSV"),
        ("question,answer\nQué,A".encode("latin-1"), "UTF-8"),
        (b"x" * 1_000_001, "larger than 1 MB"),
        (b"question,answer\n" + b"Q,A\n" * 5001, "more than 5,000"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_reason(content: bytes, said: str):
    with pytest.raises(NotReadable, match=said):
        table(content, ("question", "answer", "status"))


def test_lines_count_as_an_editor_counts_them():
    content = b'\xef\xbb\xbfQuestion,answer\r\n"a\r\nb",A\r\n\r\nQ,\r\n'
    found = table(content, ("question", "answer"))
    assert found == [(2, {"question": "a\r\nb", "answer": "A"}), (5, {"question": "Q"})]


@pytest.mark.parametrize(
    ("written", "key", "when"),
    [
        ("Party size: How many of you will come?", "party_size", ()),
        ("[quote, estimate]  Budget:  What is your budget?", "budget", ("quote", "estimate")),
        ("[new customer] Source: How did you hear: radio, a friend?", "source", ("new customer",)),
    ],
)
def test_a_business_writes_its_own_questions(written, key, when):
    asked = intake.parse(written)
    assert (asked.key, asked.when) == (key, when)
    assert asked.question.endswith("?")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("How many of you will come?", "has no question"),
        ("Party size", "has no question"),
        ("", "has no question"),
        (": How many?", "has no question"),
        ("Phone: What is your number?", "is asked by itself"),
        ("!!!: How many?", "must be a short name"),
        ("x" * 41 + ": How many?", "must be a short name"),
        ("[] Size: How many?", "into the brackets"),
        ("[ , ] Size: How many?", "into the brackets"),
        ("Size: " + "x" * 201, "more than 200"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_what_to_do(written, said):
    with pytest.raises(ValueError, match=said):
        intake.line(written)


def test_only_languages_there_are_sentences_for_are_taken():
    assert [checks.language(tag) for tag in ("", "es-US", "en-GB", "es")]
    with pytest.raises(ValueError, match="not spoken here"):
        checks.language("fr-FR")
    with pytest.raises(ValueError, match="not spoken here"):
        checks.language("nonsense")
