"""What callers hear: every line in every language, values as they sound."""

import string
from dataclasses import replace
from datetime import date, time

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from app.ai.interpreter import Heard
from app.ai.offline import OfflineInterpreter
from app.voice import lines, spoken
from app.voice.flow import State
from app.voice.flow.messages import (
    Clarify,
    Context,
    DayHours,
    Department,
    Draft,
    Facts,
    Intake,
    Line,
    Memory,
    Noted,
    Say,
    Shut,
)
from app.voice.lines import Voice

SUNDAY = date(2026, 11, 22)
WEEK = (
    DayHours(SUNDAY),
    DayHours(date(2026, 11, 23), (("08:00", "12:00"), ("13:00", "17:30"))),
    DayHours(date(2026, 11, 26), (), "Thanksgiving"),
    DayHours(date(2026, 12, 3), (("22:00", "06:00"),)),
    DayHours(date(2026, 12, 4), (("00:00", "00:00"),)),
)
FACTS = Facts(
    business="Acme",
    hours=WEEK,
    today=SUNDAY,
    departments=(Department(1, "Sales", numbers=("+14155550101",)),),
    intake=(Intake("party_size", "How many of you will come?", "the party"),),
)
DRAFT = Draft(
    (
        Noted("name", "Ann Lee"),
        Noted("phone", "+14155550123"),
        Noted("email", "ann.lee_2@example.com"),
        Noted("party_size", "5"),
        Noted("budget", "10"),
        Noted("reason", "a quote."),
    )
)
HEARD_PARTS = ("voice/lines.py", "voice/spoken.py", "voice/notices.py", "ai/open_talk.py")


def said(line: Line, detail: str = "", turns: int = 0, language: str = "en-US", **more) -> str:
    memory = Memory(turns=turns, draft=DRAFT)
    voice = Voice(language=language, **more)
    return lines.render(Say(line, detail=detail), FACTS, memory, voice)


def hours_of(*days: date, facts: Facts = FACTS, language: str = "en-US") -> str:
    say = Say(Line.HOURS, days=days)
    return lines.render(say, facts, Memory(), Voice(language=language))


@pytest.mark.parametrize("language", ["en-US", "es-US"])
@pytest.mark.parametrize("line", Line)
def test_every_line_says_something_in_every_language(line, language):
    for turns in (0, 1):
        text = said(line, "name", turns, language)
        assert text
        assert "{" not in text
        assert ".." not in text


# A detail that no wording knows is spoken as it is, so these compare whole sentences.
@pytest.mark.parametrize("line", Line)
def test_no_line_is_english_to_a_spanish_caller(line):
    assert said(line, "name", language="es-US") != said(line, "name")


@pytest.mark.parametrize("part", HEARD_PARTS)
def test_every_sentence_to_be_heard_has_its_spanish_with_the_same_values(part):
    with (spoken.TRANSLATIONS / "es/LC_MESSAGES/messages.po").open("rb") as file:
        spanish = read_po(file, locale="es")
    source = spoken.TRANSLATIONS.parent / "app" / part
    sentences = [found[1] for found in extract_from_file("python", source)]
    assert sentences
    for sentence in sentences:
        entry = spanish.get(sentence)
        assert entry, f"no Spanish for {sentence!r}"
        assert entry.string, f"empty Spanish for {sentence!r}"
        assert not entry.fuzzy
        assert _values(entry.string) == _values(sentence)


def _values(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence)}


@pytest.mark.parametrize(
    "line",
    [
        Line.DID_NOT_HEAR,
        Line.DID_NOT_UNDERSTAND,
        Line.HOW_CAN_I_HELP,
        Line.ANYTHING_ELSE,
        Line.PLEASE_CONFIRM,
        Line.WHAT_TO_CORRECT,
        Line.GO_ON,
        Line.TAKE_YOUR_TIME,
        Line.CANNOT_ANSWER,
        Line.NOBODY_AVAILABLE,
        Line.BACK_TO_MESSAGE,
    ],
)
def test_a_line_that_may_repeat_sounds_different_on_the_next_turn(line):
    assert said(line, "phone", turns=4) != said(line, "phone", turns=5)


def test_the_welcome_names_the_business_and_the_machine():
    assert said(Line.WELCOME) == (
        "Thank you for calling Acme. I am the automated assistant. How can I help you?"
    )
    assert "I am Robin, the automated assistant." in said(Line.WELCOME, persona="Robin")
    assert "closed right now" in said(Line.WELCOME_CLOSED)


def test_a_tenants_greeting_that_hides_the_machine_is_completed():
    text = said(Line.WELCOME, greeting="Acme, good day! I maintain your {roof}.")
    assert text.startswith("Acme, good day! I maintain your {roof}. I am the automated assistant.")


def test_a_tenants_greeting_that_tells_it_is_left_alone():
    greeting = "Acme's virtual assistant here. What can I do?"
    assert said(Line.WELCOME, greeting=greeting) == greeting


def test_the_welcome_before_a_message_asks_nothing():
    assert not said(Line.WELCOME, "message").endswith("?")


def test_the_menu_counts_the_departments():
    assert "For Sales, press 1." in said(Line.MENU)
    assert "press 0" in said(Line.MENU)


def test_the_read_back_lists_what_was_noted_as_it_sounds():
    assert said(Line.READ_BACK) == (
        "Let me read that back. Your name is Ann Lee. Your number is 4 1 5, 5 5 5, 0 1 2 3."
        " Your e-mail address is ann dot lee underscore 2 at example dot com. For the party: 5."
        " For budget: 10. It is about this: a quote. Is that right?"
    )


def test_a_long_reason_is_cut_when_read_back():
    assert len(spoken.shortened("word " * 200)) <= spoken.LONGEST_VALUE


def test_an_intake_question_is_the_tenants_own():
    assert said(Line.ASK_FIELD, "party_size") == "How many of you will come?"
    assert "budget" in said(Line.ASK_FIELD, "budget")


@pytest.mark.parametrize(
    ("number", "region", "heard"),
    [
        ("+14155550123", "US", "4 1 5, 5 5 5, 0 1 2 3"),
        ("+442079460958", "US", "plus 4 4, 2 0, 7 9 4 6, 0 9 5 8"),
        ("4155550123", "US", "4 1 5, 5 5 5, 0 1 2 3"),
        ("555", "", "5 5 5"),
        ("client:ann", "US", "client:ann"),
    ],
)
def test_numbers_are_read_digit_by_digit(number, region, heard):
    assert spoken.phone(number, region, spoken.speech("en-US")) == heard


def test_hours_name_near_days_and_date_far_ones():
    assert hours_of(*(day.day for day in WEEK)) == (
        "We are closed today."
        " We are open tomorrow from 8:00 AM to 12:00 PM and from 1:00 PM to 5:30 PM."
        " We are closed on Thursday: Thanksgiving."
        " We are open on Thursday, December 3 from 10:00 PM to 6:00 AM."
        " We are open on Friday, December 4 around the clock."
    )


def test_hours_of_no_day_in_particular_tell_now_and_the_next_opening():
    assert hours_of() == (
        "We are closed right now. We are closed today."
        " We are open tomorrow from 8:00 AM to 12:00 PM and from 1:00 PM to 5:30 PM."
    )


def test_hours_in_spanish_have_spanish_days_and_times():
    heard = hours_of(WEEK[1].day, WEEK[2].day, language="es-US")
    assert heard.startswith("Abrimos mañana de 8:00 a.m. a 12:00 p.m. y de 1:00 p.m.")
    assert "el jueves" in heard


@pytest.fixture
def in_italian(tmp_path, monkeypatch):
    """A third language, as its translator would bring it: one file, and nothing else."""
    here = tmp_path / "it/LC_MESSAGES"
    here.mkdir(parents=True)
    catalogue = Catalog(locale="it")
    catalogue.add("How can I help you?", "Come posso aiutarla?")
    catalogue.add("We are open {day} {spans}.", "Siamo aperti {day} {spans}.")
    catalogue.add("on {day}", "{day}")
    catalogue.add("from {start} to {end}", "dalle {start} alle {end}")
    catalogue.add("{first} and {second}", "{first} e {second}")
    with (here / "messages.po").open("wb") as file:
        write_po(file, catalogue)
    monkeypatch.setattr(spoken, "TRANSLATIONS", tmp_path)
    spoken.speech.cache_clear()
    spoken._catalogue.cache_clear()
    yield
    spoken.speech.cache_clear()
    spoken._catalogue.cache_clear()


def test_a_third_language_is_a_translation_file_away(in_italian):
    assert said(Line.HOW_CAN_I_HELP, language="it-IT") == "Come posso aiutarla?"
    told = hours_of(date(2026, 12, 3), language="it-IT")
    assert told == "Siamo aperti giovedì, 3 dicembre dalle 22:00 alle 06:00."
    facts = replace(FACTS, language="it-IT")
    heard = Heard("my name is Ann Lee", State.INTENT, Context(facts))
    asked = OfflineInterpreter().interpret(heard).proposal
    assert asked == Clarify("Come posso aiutarla?")


@pytest.mark.parametrize("language", ["xx-ZZ", "", "fr-FR", "no such thing", "en_US"])
def test_a_language_we_do_not_speak_is_english_throughout(language):
    assert "on Thursday" in hours_of(WEEK[2].day, language=language)
    assert said(Line.GOODBYE, language=language) == "Thank you for calling. Goodbye."


def test_an_interpreters_grounded_words_are_spoken_as_they_are():
    say = Say(text="Behind the {house}.", sources=("knowledge:1",))
    assert lines.render(say, FACTS, Memory(), Voice()) == "Behind the {house}."


@pytest.mark.parametrize("key", ["phone", "party_size", "budget"])
def test_a_field_is_asked_for_in_other_words_each_time(key):
    asked = [
        lines.render(Say(line, detail=key), FACTS, Memory(times_asked=times), Voice())
        for times, line in enumerate((Line.ASK_FIELD, Line.ASK_FIELD_AGAIN, Line.ASK_FIELD_AGAIN))
    ]
    assert len(set(asked)) == 3 or key == "budget"
    assert asked[0] != asked[1] != asked[2]


def closed(shut: Shut, opens: tuple[date, str] | None, language: str = "en-US") -> str:
    facts = replace(FACTS, shut=shut, opens=opens)
    return lines.render(Say(Line.WELCOME_CLOSED), facts, Memory(), Voice(language=language))


def test_the_welcome_tells_why_it_is_closed_and_when_it_opens():
    monday = date(2026, 11, 23)
    tomorrow = "We are closed right now. We open again tomorrow at 8:00 AM."
    assert tomorrow in closed(Shut.CLOSED, (monday, "08:00"))
    assert "break until 1:00 PM. I can answer" in closed(Shut.BREAK, (SUNDAY, "13:00"))
    assert "hasta las" in closed(Shut.BREAK, (SUNDAY, "13:00"), "es-US")
    assert "open again" not in closed(Shut.CLOSED, None)
    holiday = replace(FACTS, shut=Shut.HOLIDAY, hours=(DayHours(SUNDAY, (), "Thanksgiving"),))
    said_then = lines.render(Say(Line.WELCOME_CLOSED), holiday, Memory(), Voice())
    assert "We are closed today: Thanksgiving." in said_then


def test_the_second_read_back_spells_names_and_addresses():
    first, second = (
        lines.render(Say(Line.READ_BACK), FACTS, Memory(draft=DRAFT, read_backs=count), Voice())
        for count in (1, 2)
    )
    assert "A, N, N; L, E, E" not in first
    assert "Ann Lee, spelled A, N, N; L, E, E." in second
    assert "spelled A, N, N, dot, L, E, E, underscore, 2, at, E" in second
    assert "4 1 5, 5 5 5, 0 1 2 3" in second
    assert set(first.split(". ")) & set(second.split(". ")) == {"Is that right?"}


@pytest.mark.parametrize(
    ("day", "at", "open_then"),
    [
        (date(2026, 11, 23), time(12), False),  # the break begins
        (date(2026, 11, 23), time(11, 59), True),
        (date(2026, 12, 3), time(23), True),
        (date(2026, 12, 4), time(3), True),  # all day, and the night before runs into it
        (SUNDAY, time(12), False),
    ],
)
def test_a_question_for_a_time_gets_a_yes_or_no_and_the_hours(day, at, open_then):
    facts = replace(FACTS, hours=WEEK, today=SUNDAY)
    heard = lines.render(Say(Line.HOURS, days=(day,), at=at), facts, Memory(), Voice())
    assert heard.startswith("Yes," if open_then else "No,")


def test_the_night_before_today_counts():
    night = DayHours(date(2026, 11, 21), (("22:00", "02:00"),))
    facts = replace(FACTS, yesterday=night)
    assert spoken.is_open_at(SUNDAY, time(1, 59), facts)
    assert not spoken.is_open_at(SUNDAY, time(2), facts)


def test_the_other_language_is_offered_in_itself():
    facts = replace(FACTS, other_language="es-US")
    assert lines.render(Say(Line.OTHER_LANGUAGE), facts, Memory(), Voice()).startswith("Para esp")
