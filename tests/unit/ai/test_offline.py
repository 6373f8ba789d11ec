from dataclasses import replace

import pytest

from app.ai import values
from app.ai.interpreter import Heard, Tier
from app.ai.offline import OfflineInterpreter
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Context, Department, Draft, Known, Memory, Noted
from app.voice.flow.states import MAY_PROPOSE, State
from tests.unit.ai.said import FACTS, HOURS, PASSAGES, heard, passage


def propose(words: str, *args: object, **kwargs: object) -> m.Proposal | None:
    return OfflineInterpreter().interpret(heard(words, *args, **kwargs)).proposal  # type: ignore[arg-type]


def noted(proposal: m.Proposal | None) -> dict[str, str]:
    assert isinstance(proposal, m.TakeMessage | m.Confirm)
    return {field.key: field.value for field in proposal.fields}


def test_a_clear_question_is_answered_from_the_entry_word_for_word() -> None:
    assert propose("how much is a boat tour please") == m.Answer(
        PASSAGES[1].answer, ("knowledge:2",)
    )


def test_a_request_goes_to_the_department_that_does_it() -> None:
    assert propose("my engine is broken, can you repair it") == m.Transfer(2)


def test_who_asks_for_a_person_gets_whoever_answers() -> None:
    assert propose("can I speak to somebody please") == m.Transfer(None)
    assert propose("operator") == m.Transfer(None)
    assert propose("quiero hablar con una persona") == m.Transfer(None)


def test_a_question_about_what_nobody_here_does_is_connected_to_nobody() -> None:
    """ "Fix" may stand for "repair", which is all that speaks for the workshop."""
    for words in ("do you mend torn trousers", "do you fix umbrellas"):
        assert propose(words) == m.TakeMessage(unanswered=True), words
    assert propose("can you repair a boat") == m.Transfer(2)
    assert propose("something to be fixed, please") == m.Transfer(2)


def test_whom_something_may_be_for_is_asked_back_and_a_yes_connects() -> None:
    boats = ("Boat tours", "Boat repairs", "Boat sales")
    places = tuple(Department(at, name, name) for at, name in enumerate(boats, 1))
    facts, words = (
        replace(FACTS, departments=places, passages=()),
        "I am calling about a certain boat",
    )
    asked = propose(words, facts=facts)
    assert asked == m.Clarify("Would you like me to connect you with Boat tours?")
    told = {"facts": facts, "last": asked.question, "last_words": words}
    assert propose("yes please", **told) == m.Transfer(1)
    assert noted(propose("no", **told)) == {"reason": words}
    assert propose(words, **told) == m.TakeMessage(unanswered=True)  # not asked twice
    spanish = propose(words, facts=replace(facts, language="es-US"))
    assert spanish == m.Clarify("¿Quiere que le comunique con Boat tours?")


def test_who_asks_for_somebody_of_a_department_gets_that_one() -> None:
    assert propose("let me talk to someone in accounts") == m.Transfer(3)


def test_who_wants_to_leave_a_message_may_and_what_is_said_with_it_is_noted() -> None:
    assert propose("I'd like to leave a message") == m.TakeMessage()
    said = propose("please have someone call me back, my name is Mona Berg")
    assert noted(said) == {"name": "Mona Berg"}


def test_opening_hours_are_told_for_the_days_asked_about() -> None:
    assert propose("are you open on sunday") == m.TellHours((HOURS[6].day,))
    assert propose("what are your opening hours") == m.TellHours()
    assert propose("what time do you close tomorrow") == m.TellHours((HOURS[1].day,))


def test_opening_an_account_is_no_question_about_hours() -> None:
    assert not isinstance(propose("I want to open an account with you"), m.TellHours)


def test_what_no_source_answers_is_taken_as_a_message() -> None:
    proposal = propose("is there a train station near the old castle")
    assert isinstance(proposal, m.TakeMessage)
    assert proposal.unanswered


def test_a_greeting_alone_is_asked_back_in_the_callers_language() -> None:
    assert propose("hello good morning") == m.Clarify("How can I help you?")


def test_what_may_be_meant_is_asked_once_and_a_yes_answers_it() -> None:
    question = "Do you mean: Do you sell gift vouchers?"
    assert propose("yes", last=question) == m.Answer(PASSAGES[3].answer, ("knowledge:4",))
    refused = propose("no", last=question, last_words="something for my aunt")
    assert noted(refused) == {"reason": "something for my aunt"}


@pytest.mark.parametrize("words", ["bye", "thanks, goodbye", "have a nice day"])
def test_goodbye_ends_the_call(words: str) -> None:
    assert propose(words) == m.Finish()


@pytest.mark.parametrize(
    "words", ["no", "no thank you", "no thanks that's all", "that was everything"]
)
def test_after_anything_else_a_no_ends_the_call(words: str) -> None:
    proposal = propose(words, State.WRAP_UP, Ask.ANYTHING_ELSE)
    assert proposal in (m.Finish(), m.Confirm(False))


@pytest.mark.parametrize("words", ["", "  ", "hm", "blorp"])
def test_noise_is_not_understood(words: str) -> None:
    assert propose(words) is None


@pytest.mark.parametrize("state", [State.ENDED, State.TRANSFER_ATTEMPT])
def test_nothing_is_proposed_where_nothing_may_be(state: State) -> None:
    assert propose("can I speak to somebody", state) is None


def test_the_asked_field_is_read_first_and_the_rest_of_the_breath_too() -> None:
    proposal = propose("mona berg 212 555 0147", State.LEAD_CAPTURE, Ask.NAME)
    assert noted(proposal) == {"name": "Mona Berg", "phone": "+12125550147"}


def test_this_number_means_caller_id() -> None:
    proposal = propose("just use this number", State.LEAD_CAPTURE, Ask.PHONE)
    assert proposal == m.TakeMessage((Noted(Ask.PHONE, FACTS.caller_number, Known.CALLER_ID),))


def test_talk_does_not_become_a_name() -> None:
    for words in ("why do you need that", "yes", "I would rather not"):
        assert propose(words, State.LEAD_CAPTURE, Ask.NAME) == m.TakeMessage()


def test_a_reason_is_noted_as_it_was_said() -> None:
    proposal = propose("well it's about my lost jacket", State.LEAD_CAPTURE, Ask.REASON)
    assert "my lost jacket" in noted(proposal)["reason"]


def test_an_intake_question_takes_what_was_said() -> None:
    assert noted(propose("for six people", State.LEAD_CAPTURE, "party_size")) == {
        "party_size": "for six people"
    }


def test_amid_a_message_a_question_is_answered_and_a_person_is_fetched() -> None:
    asked = propose("how much is a boat tour?", State.LEAD_CAPTURE, Ask.PHONE)
    assert isinstance(asked, m.Answer)
    assert propose("just get me a person", State.LEAD_CAPTURE, Ask.PHONE) == m.Transfer(None)


DRAFT = Draft((Noted(Ask.NAME, "Mona Burg"), Noted(Ask.PHONE, "+12125550147")))


def confirm(words: str) -> m.Proposal | None:
    return propose(words, State.CONFIRMATION, Ask.CONFIRM, DRAFT)


def test_the_read_back_is_agreed_to_or_not() -> None:
    assert confirm("yes that's right") == m.Confirm(True)
    assert confirm("no") == m.Confirm(False)
    assert confirm("what was that again") == m.Again()


def test_a_correction_of_the_read_back_is_heard() -> None:
    assert noted(confirm("no the last two are nine nine")) == {"phone": "+12125550199"}
    assert noted(confirm("no, my name is Mona Berg")) == {"name": "Mona Berg"}
    assert confirm("yes but the last two are nine nine") == m.Confirm(
        False, (Noted(Ask.PHONE, "+12125550199"),)
    )


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    "words",
    [
        "yes",
        "no",
        "hello",
        "my name is Mona",
        "are you open",
        "212 555 0147",
        "bye",
        "a person",
        "¿?",
    ],
)
def test_it_proposes_only_what_the_state_allows(state: State, words: str) -> None:
    understood = OfflineInterpreter().interpret(heard(words, state))
    assert understood.tier is Tier.OFFLINE
    assert understood.proposal is None or type(understood.proposal) in MAY_PROPOSE[state]


@pytest.mark.parametrize(
    "words",
    [
        "no thanks, bye",
        "uh no",
        "nope, that's okay",
        "no gracias",
        "I don't want to leave a message",
        "never mind, I'll call back later",
        "no I was just kidding",
        "déjelo, llamo más tarde",
    ],
)
def test_who_wants_to_leave_no_message_need_not(words: str) -> None:
    assert propose(words, State.LEAD_CAPTURE, Ask.NAME) == m.Confirm(False)


def test_a_no_before_a_name_or_a_number_is_no_refusal() -> None:
    assert noted(propose("no problem, it's Nora Nolan", State.LEAD_CAPTURE, Ask.NAME)) == {
        "name": "Nora Nolan"
    }
    assert noted(propose("Noah Berg", State.LEAD_CAPTURE, Ask.NAME)) == {"name": "Noah Berg"}
    begun = Draft((Noted(Ask.NAME, "Ann"),))
    leaving = propose("forget it, I'll try again later", State.LEAD_CAPTURE, Ask.PHONE, begun)
    assert leaving == m.Finish()


def test_who_only_says_who_they_are_is_asked_what_they_want() -> None:
    assert propose("my name is Priya Tours") == m.Clarify("How can I help you?")
    assert values.told(heard("my name is Priya Berg and I have a question")) == (
        Noted(Ask.NAME, "Priya Berg"),
    )
    assert values.told(heard("Priya Berg", State.LEAD_CAPTURE, Ask.NAME)) == ()


@pytest.mark.parametrize(
    "words", ["sorry, can you repeat that", "what?", "I didn't catch that", "¿Puede repetirlo?"]
)
def test_who_did_not_hear_is_told_again(words: str) -> None:
    for state, asking in (
        (State.FAQ, ""),
        (State.LEAD_CAPTURE, Ask.PHONE),
        (State.CONFIRMATION, ""),
    ):
        assert propose(words, state, asking) == m.Again()
    assert propose("say that Nora called about the boat") != m.Again()


@pytest.mark.parametrize(
    "words",
    [
        "la la la",
        "mm hmm hmm",
        "you piece of garbage",
        "ich hätte gern einen Termin bei Ihnen",
        "♪ ♪",
        "здравствуйте вы говорите по-русски",
        "予約 したい です",
    ],
)
def test_what_neither_asks_nor_wishes_is_no_message(words: str) -> None:
    """It is asked again in other words first; only the second time a message is taken."""
    assert propose(words) is None
    assert isinstance(propose("I want to know all about your kayaks"), m.TakeMessage)


def test_a_sentence_in_another_language_is_nobodys_name() -> None:
    for words in ("sprechen Sie Deutsch", "parlez vous français", "você fala português"):
        assert propose(words, State.LEAD_CAPTURE, Ask.NAME) == m.TakeMessage()


def test_a_day_after_the_hours_were_told_is_about_the_hours() -> None:
    told = replace(FACTS, passages=(*PASSAGES, passage(9, "Is Sunday dearer?", "Yes, it is.")))
    before = Memory(told=(HOURS[0].id,))
    asked = Heard("and on Sunday?", State.FAQ, Context(told, before))
    assert OfflineInterpreter().interpret(asked).proposal == m.TellHours((HOURS[6].day,))
    without = Heard("and on Sunday?", State.FAQ, Context(told))
    assert OfflineInterpreter().interpret(without).proposal != m.TellHours((HOURS[6].day,))


def test_what_is_said_of_others_is_no_introduction() -> None:
    assert values.told(heard("an appointment for my husband, his name is Tom Berg")) == ()
    calling = propose("could you tell her that Nora Berg called about the invoice")
    assert isinstance(calling, m.TakeMessage)
    assert not calling.unanswered
