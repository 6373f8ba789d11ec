"""How a conversation feels: pieces, patience, offers, urgent words, two things at once."""

from dataclasses import replace
from datetime import date, time

import pytest

from app.voice.flow import State, decide
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Draft, KeysPressed, Known, Line, Listen, Noted

SALES = m.Department(1, "Sales", numbers=("+14155550101",))
NIGHT = m.Department(2, "On call", numbers=("+14155550102",), is_open=False)
PARKING = m.Passage("knowledge:12", 12, 1, "Where can I park?", "Behind the house.")
MONDAY = date(2026, 11, 23)
FACTS = m.Facts(
    business="Acme",
    is_open=True,
    departments=(SALES, NIGHT),
    passages=(PARKING,),
    hours=(m.DayHours(MONDAY, (("08:00", "17:00"),)),),
    today=MONDAY,
    urgent_words=("flooding", "gas leak"),
    on_call=2,
)
ANSWER = m.Answer("Behind the house.", ("knowledge:12",))
HOURS = m.TellHours()
ANN = Noted(Ask.NAME, "Ann Lee")
BEGUN = m.Memory(turns=1)
TAKING = m.Memory(turns=3, taking=True, asking=Ask.PHONE, draft=Draft((ANN,)))
CALLER = replace(FACTS, caller_number="+14155550199")


def after(
    state: State, event: m.Event, memory: m.Memory = BEGUN, facts: m.Facts = FACTS
) -> m.Decision:
    return decide(state, event, m.Context(facts, memory))


def spoke(words: str, proposal: m.Proposal | None = None, besides=None) -> m.CallerSpoke:
    return m.CallerSpoke(words, proposal, besides=besides)


def lines(decision: m.Decision) -> list[str]:
    said = [effect for effect in decision.effects if isinstance(effect, m.Say)]
    return [f"{say.line}:{say.detail}" if say.detail else str(say.line or say.text) for say in said]


def last(decision: m.Decision) -> m.Effect:
    return decision.effects[-1]


# --- Values in pieces, and time to look -------------------------------------------------------


def test_pieces_of_a_number_are_kept_until_it_is_whole():
    one = after(State.LEAD_CAPTURE, spoke("four one five", m.Hold("four one five")), TAKING)
    assert (lines(one), last(one)) == (["go_on"], Listen(Ask.PHONE))
    two = after(State.LEAD_CAPTURE, spoke("five five five", m.Hold("five five five")), one.memory)
    assert two.memory.pieces == "four one five five five five"
    assert two.memory.misses == 0
    done = m.TakeMessage((Noted(Ask.PHONE, "+14155550123"),))
    assert (
        after(State.LEAD_CAPTURE, spoke("oh one two three", done), two.memory).memory.pieces == ""
    )


def test_keyed_pieces_are_put_together():
    one = after(State.LEAD_CAPTURE, KeysPressed("415"), TAKING)
    assert lines(one) == ["go_on"]
    two = after(State.LEAD_CAPTURE, KeysPressed("5550123"), one.memory)
    assert two.memory.draft.fields[-1] == Noted(Ask.PHONE, "4155550123", Known.KEYED)


@pytest.mark.parametrize("state", [State.INTENT, State.LEAD_CAPTURE, State.CONFIRMATION])
def test_who_wants_to_look_gets_time_and_no_miss(state):
    memory = replace(TAKING, misses=1)
    decision = after(state, spoke("wait, let me look", m.Hold()), memory)
    assert lines(decision) == ["take_your_time"]
    assert last(decision) == Listen(Ask.PHONE, patient=True)
    assert decision.memory.misses == 0


# --- The calling number -----------------------------------------------------------------------


def asked_for_phone() -> m.Decision:
    memory = replace(TAKING, asking=Ask.NAME, draft=Draft())
    return after(State.LEAD_CAPTURE, spoke("Ann Lee", m.TakeMessage((ANN,))), memory, CALLER)


def test_the_calling_number_is_offered_instead_of_asked_for():
    decision = asked_for_phone()
    assert (lines(decision), last(decision)) == (["offer_caller_id"], Listen(Ask.PHONE))


@pytest.mark.parametrize("yes", [KeysPressed("1"), spoke("yes please", m.Confirm(True))])
def test_a_yes_takes_it_and_says_how_it_is_known(yes):
    decision = after(State.LEAD_CAPTURE, yes, asked_for_phone().memory, CALLER)
    assert decision.memory.draft.known(Ask.PHONE) is Known.CALLER_ID
    assert decision.memory.draft.get(Ask.PHONE) == CALLER.caller_number


@pytest.mark.parametrize("no", [KeysPressed("2"), spoke("no", m.Confirm(False))])
def test_a_no_asks_for_another_one_and_does_not_offer_again(no):
    decision = after(State.LEAD_CAPTURE, no, asked_for_phone().memory, CALLER)
    assert (lines(decision), last(decision)) == (["ask_field:phone"], Listen(Ask.PHONE))
    again = after(State.LEAD_CAPTURE, KeysPressed("1"), decision.memory, CALLER)
    assert not again.memory.draft.get(Ask.PHONE)


# --- The tenant's own questions ---------------------------------------------------------------

SIZE = m.Intake("roof_size", "How large is the roof?", "roof size", ("quote", "estimate"))
HEARD_OF_US = m.Intake("source", "How did you hear about us?", "source")
ASKING = replace(FACTS, intake=(SIZE, HEARD_OF_US))


@pytest.mark.parametrize(
    ("reason", "asked"),
    [("I need two quotes", "roof_size"), ("an Estimate, please", "roof_size"), ("hello", "source")],
)
def test_a_question_is_asked_of_whom_it_concerns(reason, asked):
    told = (ANN, Noted(Ask.PHONE, "+14155550123"), Noted(Ask.REASON, reason))
    decision = after(State.INTENT, spoke(reason, m.TakeMessage(told)), facts=ASKING)
    assert lines(decision)[-1] == f"ask_field:{asked}"


def test_what_was_answered_before_is_not_asked():
    told = (
        ANN,
        Noted(Ask.PHONE, "+14155550123"),
        Noted(Ask.REASON, "a quote for 90 square metres"),
    )
    known = (Noted("roof_size", "90 square metres"), Noted("source", "a friend"))
    decision = after(State.INTENT, spoke("…", m.TakeMessage((*told, *known))), facts=ASKING)
    assert lines(decision)[-1] == "read_back"
    answered = after(State.CONFIRMATION, spoke("yes", m.Confirm(True)), decision.memory, ASKING)
    lead = next(e for e in answered.effects if isinstance(e, m.SaveLead))
    assert lead.confirmed
    assert lead.draft.get("roof_size") == "90 square metres"


# --- Urgent words -----------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["my cellar is flooding!", "I think there is a gas leak"])
def test_urgent_words_ring_who_is_on_call_though_closed(words):
    closed = replace(FACTS, is_open=False)
    decision = after(State.GREETING, spoke(words, m.TakeMessage()), m.Memory(), closed)
    assert last(decision) == m.Dial(2)
    assert decision.memory.last_words == words


@pytest.mark.parametrize("words", ["it is not flooding", "no gas leak, just a question", "flood"])
def test_what_is_denied_or_only_alike_is_not_urgent(words):
    assert not isinstance(last(after(State.INTENT, spoke(words, m.TakeMessage()))), m.Dial)


def test_who_is_on_call_is_rung_once_and_a_message_follows():
    rung = after(State.INTENT, spoke("it is flooding", m.TakeMessage()))
    missed = after(State.TRANSFER_ATTEMPT, m.DialEnded(False, "no-answer"), rung.memory)
    assert lines(missed)[0] == "nobody_picked_up:On call"
    again = after(State.LEAD_CAPTURE, spoke("flooding!", m.TakeMessage()), missed.memory)
    assert not isinstance(last(again), m.Dial)


# --- Two things at once; asking back ----------------------------------------------------------


def test_a_question_in_the_same_breath_is_answered_first():
    wish = spoke("where can I park, and put me through to sales", m.Transfer(1), besides=ANSWER)
    decision = after(State.GREETING, wish, m.Memory())
    assert lines(decision) == ["Behind the house.", "connecting:Sales"]
    assert (last(decision), decision.memory.answers) == (m.Dial(1), 1)


def test_two_questions_are_both_answered_before_anything_else_is_asked():
    decision = after(State.INTENT, spoke("parking, and are you open?", HOURS, besides=ANSWER))
    assert lines(decision) == ["Behind the house.", "hours", "anything_else"]
    assert decision.memory.answers == 2


def test_besides_that_rests_on_nothing_is_left_out():
    invented = m.Answer("It is free.", ("knowledge:99",))
    decision = after(State.INTENT, spoke("…", HOURS, besides=invented))
    assert lines(decision) == ["hours", "anything_else"]


def test_asking_back_has_an_end():
    memory, question = m.Memory(turns=1), spoke("that thing", m.Clarify("Which one?"))
    seen = []
    for _ in range(3):
        decision = after(State.INTENT, question, memory)
        seen, memory = [*seen, *lines(decision)], decision.memory
    assert seen == ["Which one?", "Which one?", "did_not_understand"]


# --- Hours at a time, languages ---------------------------------------------------------------


def test_a_time_of_day_without_a_day_means_today():
    decision = after(State.INTENT, spoke("open at six?", m.TellHours(at=time(18))))
    said = decision.effects[0]
    assert isinstance(said, m.Say)
    assert (said.line, said.days, said.at) == (Line.HOURS, (MONDAY,), time(18))


def test_a_key_changes_the_language_and_repeats_the_question():
    facts = replace(FACTS, other_language="es-US")
    first = after(State.GREETING, m.CallStarted(), m.Memory(), facts)
    assert lines(first) == ["welcome", "other_language", "how_can_i_help"]
    decision = after(State.GREETING, KeysPressed("8"), first.memory, facts)
    assert (decision.memory.language, lines(decision)) == ("es-US", ["how_can_i_help"])
    asked = replace(TAKING, asking=Ask.NAME)
    amid = after(State.LEAD_CAPTURE, KeysPressed("8"), asked, facts)
    assert (amid.memory.language, lines(amid)) == ("es-US", ["ask_field_again:name"])
    number = after(State.LEAD_CAPTURE, KeysPressed("8"), TAKING, facts)
    assert number.memory.language == ""  # here it is a digit


def test_each_read_back_is_counted_so_that_it_sounds_different():
    full = replace(TAKING, draft=Draft((ANN, Noted(Ask.PHONE, "+14155550123"))))
    once = after(State.LEAD_CAPTURE, spoke("x", m.TakeMessage((Noted(Ask.REASON, "x"),))), full)
    assert once.memory.read_backs == 1
    fixed = m.Confirm(False, (Noted(Ask.NAME, "Ann Leigh"),))
    assert after(State.CONFIRMATION, spoke("Leigh", fixed), once.memory).memory.read_backs == 2


def test_asking_for_a_person_again_and_again_still_gets_a_message_taken():
    nobody = replace(FACTS, departments=(), on_call=None)
    state, memory = State.INTENT, BEGUN
    for _ in range(12):
        decision = after(state, spoke("a person!", m.Transfer()), memory, nobody)
        state, memory = State(decision.state), decision.memory
        if memory.asking in (Ask.RECORDING, Ask.CONFIRM):
            break
    assert memory.draft.get(Ask.NAME)
    assert isinstance(last(decision), m.Record | Listen)


# --- Taking no for an answer, and what is told before anybody asks ------------------------------


@pytest.mark.parametrize("asking", [Ask.NAME, Ask.REASON])
def test_a_no_to_the_first_question_is_a_no_to_the_message(asking):
    memory = m.Memory(taking=True, asking=asking, draft=Draft((Noted(Ask.REASON, "a bike"),)))
    decision = after(State.LEAD_CAPTURE, spoke("no thanks", m.Confirm(False)), memory)
    assert lines(decision) == ["no_message", "anything_else"]
    assert (decision.state, decision.memory.taking) == (State.WRAP_UP, False)
    gone = after(State.WRAP_UP, m.CallerHungUp(), decision.memory)
    assert gone.effects == ()  # nothing is kept of it


def test_a_no_amid_a_message_is_about_the_field_that_was_asked_for():
    email = replace(TAKING, asking=Ask.EMAIL)
    facts = replace(FACTS, required=(Ask.NAME, Ask.EMAIL, Ask.REASON))
    without = after(State.LEAD_CAPTURE, spoke("no", m.Confirm(False)), email, facts)
    assert lines(without) == ["ask_field:reason"]
    assert without.memory.draft.get(Ask.NAME) == "Ann Lee"
    number = after(State.LEAD_CAPTURE, spoke("no", m.Confirm(False)), TAKING)
    assert lines(number) == ["ask_field_again:phone"]


def test_a_name_told_in_passing_is_not_asked_for_when_a_message_is_taken():
    wish = m.CallerSpoke("my name is Ann Lee, sales please", m.Transfer(1), told=(ANN,))
    ringing = after(State.INTENT, wish)
    assert ringing.memory.draft.get(Ask.NAME) == "Ann Lee"
    missed = after(State.TRANSFER_ATTEMPT, m.DialEnded(False, "no-answer"), ringing.memory)
    assert lines(missed)[-1] == "ask_field:phone"
    stranger = m.CallerSpoke("x", m.Finish(), told=(Noted("salary", "1"),))
    assert after(State.INTENT, stranger).memory.draft.fields == ()  # nobody asks for that


# --- Once more -----------------------------------------------------------------------------------


def test_an_answer_is_told_again_while_it_was_the_last():
    told = after(State.INTENT, spoke("where can I park", ANSWER))
    again = after(State.FAQ, spoke("sorry?", m.Again()), told.memory)
    assert lines(again) == ["Behind the house.", "anything_else"]
    assert again.memory.answers == told.memory.answers
    open_at = after(State.INTENT, spoke("are you open", HOURS))
    assert lines(after(State.FAQ, spoke("what?", m.Again()), open_at.memory))[0] == "hours"
    moved_on = after(State.FAQ, spoke("hm", m.Clarify("Which one?")), told.memory)
    assert lines(after(State.INTENT, spoke("what?", m.Again()), moved_on.memory)) == [
        "how_can_i_help"
    ]


def test_a_question_for_a_field_and_the_read_back_are_put_again():
    assert lines(after(State.LEAD_CAPTURE, spoke("what?", m.Again()), TAKING)) == [
        "ask_field_again:phone"
    ]
    read = replace(TAKING, asking=Ask.CONFIRM, read_backs=1)
    again = after(State.CONFIRMATION, spoke("what?", m.Again()), read)
    assert (lines(again), again.memory.read_backs) == (["read_back"], 2)
