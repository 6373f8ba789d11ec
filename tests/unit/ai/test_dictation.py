"""Numbers, addresses and names given bit by bit, corrected in one breath, or told beforehand."""

from dataclasses import replace

import pytest

from app.ai.interpreter import Speaker, Turn
from app.ai.offline import OfflineInterpreter, propose
from app.ai.reading import intake, respelling
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Draft, Known, Noted
from app.voice.flow.states import State
from tests.unit.ai.said import FACTS, PASSAGES, heard

NUMBER = "+12125550147"


def in_pieces(asking: str, *said: str) -> m.Proposal | None:
    """What is proposed for the last piece, the ones before it being held."""
    pieces, proposal = "", None
    for words in said:
        asked = heard(words, State.LEAD_CAPTURE, asking, facts=replace(FACTS, caller_number=""))
        memory = replace(asked.context.memory, pieces=pieces)
        asked = replace(asked, context=replace(asked.context, memory=memory))
        proposal = propose(asked)
        pieces = f"{pieces} {proposal.piece}" if isinstance(proposal, m.Hold) else ""
    return proposal


@pytest.mark.parametrize(
    "said",
    [
        ("two one two", "five five five", "oh one four seven"),
        ("area code two one two", "five five five zero one four seven"),
        ("212", "555", "0147"),
        ("two one two", "two one two five five five oh one four seven"),  # begins again
    ],
)
def test_a_number_in_pieces_is_put_together(said):
    assert in_pieces(Ask.PHONE, *said) == m.TakeMessage((Noted(Ask.PHONE, NUMBER),))


def test_an_address_in_pieces_is_put_together():
    told = in_pieces(Ask.EMAIL, "mona dot lee", "at example dot com")
    assert told == m.TakeMessage((Noted(Ask.EMAIL, "mona.lee@example.com"),))


@pytest.mark.parametrize("words", ["wait, let me look", "one moment please", "hold on a second"])
def test_who_needs_a_moment_gets_one(words):
    assert propose(heard(words, State.LEAD_CAPTURE, Ask.PHONE)) == m.Hold()
    assert propose(heard(words, State.CONFIRMATION, Ask.CONFIRM)) == m.Hold()


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("no, it ends in 0199", "+12125550199"),
        ("no it ends with nine nine", "+12125550199"),
        ("the last four are oh one nine nine", "+12125550199"),
        ("no, the area code is nine one seven", "+19175550147"),
    ],
)
def test_a_part_of_the_number_is_corrected_and_nothing_else(words, number):
    draft = Draft((Noted(Ask.NAME, "Ann Lee"), Noted(Ask.PHONE, NUMBER)))
    proposal = propose(heard(words, State.CONFIRMATION, Ask.CONFIRM, draft))
    assert proposal == m.Confirm(False, (Noted(Ask.PHONE, number),))


@pytest.mark.parametrize(
    ("name", "words", "right"),
    [
        ("Ann Miller", "no, it's Millar with an a", "Ann Millar"),
        ("Ann Miller", "it's Miller with an a", "Ann Millar"),
        ("Ann Miller", "Miller with an a instead of an e", "Ann Millar"),
        ("Ann Jonson", "Johnson with an h", "Ann Johnson"),
        ("Carl Smith", "no, Karl with a k", "Karl Smith"),
        ("Ann Philips", "Phillips with two l's", "Ann Phillips"),
        ("Ann Smith", "no it's s m y t h", "Ann Smyth"),
        ("Ann Smith", "that is not right", ""),
        ("", "with an a", ""),
    ],
)
def test_letters_of_a_name_are_corrected_in_one_breath(name, words, right):
    assert respelling.corrected(name, words) == right


def test_a_respelled_name_is_the_only_thing_that_changes():
    draft = Draft((Noted(Ask.NAME, "Ann Miller"), Noted(Ask.PHONE, NUMBER)))
    words = "no, it's Millar with an a"
    proposal = propose(heard(words, State.CONFIRMATION, Ask.CONFIRM, draft))
    assert proposal == m.Confirm(False, (Noted(Ask.NAME, "Ann Millar"),))


def test_the_offered_number_is_taken_or_refused():
    asked = heard("yes please", State.LEAD_CAPTURE, Ask.PHONE)
    memory = replace(asked.context.memory, offered=True)
    offered = replace(asked, context=replace(asked.context, memory=memory))
    assert propose(offered) == m.Confirm(True)
    assert propose(replace(offered, words="no")) == m.Confirm(False)
    other = propose(replace(offered, words="no, two one two five five five oh one four seven"))
    assert other == m.TakeMessage((Noted(Ask.PHONE, NUMBER, Known.HEARD),))


@pytest.mark.parametrize(
    ("question", "said", "answer"),
    [
        ("How many people will come?", "a table for six people please", "six people"),
        ("How many square metres is it?", "my roof of 90 square metres leaks", "90 square"),
        ("Which day would suit you?", "could you come on Friday", "could you come on Friday"),
        ("How many people will come?", "we have two dogs", ""),
        ("How did you hear about us?", "six people", ""),
    ],
)
def test_what_was_said_before_answers_a_question(question, said, answer):
    assert intake.already(question, said) == answer


def test_answers_told_with_the_wish_are_noted_with_the_next_field():
    own = m.Intake("party", "How many people will come?", "party")
    facts = replace(FACTS, intake=(own,))
    asked = heard("Mona Lee", State.LEAD_CAPTURE, Ask.NAME, facts=facts)
    asked = replace(asked, history=(Turn(Speaker.CALLER, "a table for six people"),))
    fields = (Noted(Ask.NAME, "Mona Lee"), Noted("party", "six people"))
    assert propose(asked) == m.TakeMessage(fields)


# --- Two things, swearing, insisting ----------------------------------------------------------


def test_two_questions_in_one_sentence_are_both_found():
    understood = OfflineInterpreter().interpret(
        heard("Do you have parking and how much is a tour?")
    )
    assert understood.besides == m.Answer(PASSAGES[0].answer, (PASSAGES[0].id,))
    assert understood.proposal == m.Answer(PASSAGES[1].answer, (PASSAGES[1].id,))


@pytest.mark.parametrize(
    "words",
    [
        "take a message please, and can I bring my dog?",
        "Can I bring my dog? And please take a message",
    ],
)
def test_a_question_beside_a_wish_is_answered_first(words):
    understood = OfflineInterpreter().interpret(heard(words))
    assert understood.besides == m.Answer(PASSAGES[2].answer, (PASSAGES[2].id,))
    assert isinstance(understood.proposal, m.TakeMessage)


def test_one_thing_is_not_torn_apart():
    assert OfflineInterpreter().interpret(heard("Do you have parking and lockers")).besides is None


def test_swearing_gets_a_person_unless_something_is_asked():
    assert propose(heard("fuck you, stupid machine")) == m.Transfer()
    assert propose(heard("where the fuck do you have parking")) == m.Answer(
        PASSAGES[0].answer, (PASSAGES[0].id,)
    )
    assert propose(heard("go to hell", State.LEAD_CAPTURE, Ask.NAME)) == m.Transfer()


def test_who_asks_the_same_in_other_words_gets_the_answer_that_was_offered():
    words = "gift ideas for my mother"
    first = propose(heard(words))
    assert isinstance(first, m.Clarify)
    again = heard("do you have vouchers for a birthday", last=first.question, last_words=words)
    assert propose(again) == m.Answer(PASSAGES[3].answer, (PASSAGES[3].id,))
    insisting = heard(words, last=first.question, last_words=words)
    assert propose(insisting) == m.TakeMessage(unanswered=True)


@pytest.mark.parametrize("words", ["i need a second helmet", "let me look", "give me two tickets"])
def test_wanting_something_is_no_request_to_wait(words):
    assert isinstance(propose(heard(words)), m.Hold) == (words == "let me look")


def test_a_no_that_ends_the_call_is_not_turned_into_a_message():
    asked = "Do you mean: Do you sell gift vouchers?"
    ending = heard(
        "no nothing further for me today", last=asked, last_words="vouchers as a present"
    )
    assert propose(ending) == m.Finish()
