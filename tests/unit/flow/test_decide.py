"""The rules of a call, one example each, and whole journeys."""

from dataclasses import replace
from datetime import date

import pytest

from app.voice.flow import State, decide
from app.voice.flow.messages import (
    Answer,
    Ask,
    CallerHungUp,
    CallerSilent,
    CallerSpoke,
    CallStarted,
    Clarify,
    Confirm,
    Context,
    DayHours,
    Decision,
    Department,
    Dial,
    DialEnded,
    Draft,
    Event,
    Facts,
    Finish,
    HangUp,
    KeysPressed,
    Known,
    Limits,
    Line,
    Listen,
    Memory,
    MessageRecorded,
    Noted,
    NoteGap,
    Passage,
    Record,
    SaveLead,
    Say,
    TakeMessage,
    TellHours,
    Transfer,
)

SALES = Department(1, "Sales", numbers=("+14155550101",))
REPAIRS = Department(2, "Repairs", numbers=("+14155550102",), is_open=False)
ATTIC = Department(3, "Attic")
FRONT = Department(4, "Front desk", numbers=("+14155550104",), operator=True)
PARKING = Passage("knowledge:12", 12, 1, "Where can I park?", "Behind the house.")
SUNDAY, MONDAY, TUESDAY = (date(2026, 11, day) for day in (22, 23, 24))
FACTS = Facts(
    business="Acme",
    is_open=True,
    departments=(SALES, REPAIRS, ATTIC, FRONT),
    passages=(PARKING,),
    hours=(DayHours(SUNDAY), DayHours(MONDAY, (("08:00", "17:00"),))),
    today=SUNDAY,
)
ANSWER = Answer("Behind the house.", ("knowledge:12",))
ANN = Noted("name", "Ann Lee")
PHONE = Noted("phone", "+14155550123")
QUOTE = Noted("reason", "a quote")
FULL = Draft((ANN, PHONE, QUOTE))
BEGUN = Memory(turns=1)
TAKING = Memory(turns=3, taking=True)
ASKING_NAME = replace(TAKING, asking="name")
ASKING_PHONE = replace(TAKING, asking="phone", draft=Draft((ANN,)))
READ = replace(TAKING, asking="confirm", draft=FULL)
CORRECTING = replace(READ, asking="", corrections=1)
ELSE = Memory(turns=3, asking="anything_else")
LEAVING = Memory(turns=4, asking="goodbye")


def spoke(words: str, proposal=None) -> CallerSpoke:
    return CallerSpoke(words, proposal)


def after(state: State, event: Event, memory: Memory = BEGUN, facts: Facts = FACTS) -> Decision:
    return decide(state, event, Context(facts, memory))


def lines(decision: Decision) -> list[str]:
    """The scripted lines said, with their detail."""
    said = [effect for effect in decision.effects if isinstance(effect, Say) and effect.line]
    return [f"{say.line}:{say.detail}" if say.detail else str(say.line) for say in said]


def last(decision: Decision):
    return decision.effects[-1]


def saved(decision: Decision) -> SaveLead | None:
    return next((e for e in decision.effects if isinstance(e, SaveLead)), None)


def gaps(decision: Decision) -> list[str]:
    return [effect.words for effect in decision.effects if isinstance(effect, NoteGap)]


def play(facts: Facts, *events: Event) -> list[Decision]:
    state, memory, seen = State.GREETING, Memory(), []
    for event in (CallStarted(), *events):
        decision = decide(state, event, Context(facts, memory))
        seen.append(decision)
        state, memory = State(decision.state), decision.memory
    return seen


# --- The beginning -----------------------------------------------------------------------------


def test_a_call_begins_with_a_welcome():
    decision = after(State.GREETING, CallStarted(), Memory())
    assert decision.path == (State.GREETING,)
    assert (lines(decision), last(decision)) == (["welcome"], Listen())


def test_a_call_outside_hours_is_told_so():
    decision = after(State.GREETING, CallStarted(), Memory(), replace(FACTS, is_open=False))
    assert lines(decision) == ["welcome_closed"]


def test_staff_that_wants_to_answer_first_is_rung_without_a_word():
    decision = after(State.GREETING, CallStarted(), Memory(), replace(FACTS, staff_first=1))
    assert decision.path == (State.GREETING, State.TRANSFER_ATTEMPT)
    assert decision.effects == (Dial(1, seconds=20),)
    assert (decision.memory.ringing, decision.memory.tried) == (1, (1,))


@pytest.mark.parametrize("department", [2, 3, 99])
def test_staff_that_cannot_be_rung_is_not_waited_for(department):
    facts = replace(FACTS, staff_first=department)
    assert lines(after(State.GREETING, CallStarted(), Memory(), facts)) == ["welcome"]


def test_after_staff_did_not_answer_the_receptionist_greets():
    first, second = play(replace(FACTS, staff_first=1), DialEnded(False, "no-answer"))
    assert first.state == State.TRANSFER_ATTEMPT
    assert second.path == (State.TRANSFER_ATTEMPT, State.INTENT)
    assert lines(second) == ["welcome"]


def test_message_only_asks_for_the_first_field_at_once():
    facts = replace(FACTS, message_only=True)
    decision = after(State.GREETING, CallStarted(), Memory(), facts)
    assert decision.path == (State.GREETING, State.INTENT, State.LEAD_CAPTURE)
    assert lines(decision) == ["welcome:message", "take_a_message", "ask_field:name"]
    assert last(decision) == Listen("name")


def test_the_first_words_are_dealt_with_at_once():
    decision = after(State.GREETING, spoke("hello, where can I park?", ANSWER), Memory())
    assert decision.path == (State.GREETING, State.INTENT, State.FAQ)


# --- Answers -----------------------------------------------------------------------------------


def test_a_grounded_answer_is_spoken_with_its_sources():
    decision = after(State.INTENT, spoke("parking?", ANSWER))
    assert decision.path == (State.INTENT, State.FAQ)
    assert decision.effects[0] == Say(text="Behind the house.", sources=("knowledge:12",))
    assert (lines(decision), last(decision)) == (["anything_else"], Listen("anything_else"))
    assert decision.memory.answers == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer("It is free."),
        Answer("It is free.", ("knowledge:99",)),
        Answer("It is free.", ("knowledge:12", "knowledge:99")),
        Answer(" ", ("knowledge:12",)),
    ],
)
def test_an_answer_without_a_known_source_is_never_spoken(answer):
    decision = after(State.INTENT, spoke("is it free?", answer))
    assert decision.refused == "answer without a source"
    assert decision.state == State.LEAD_CAPTURE
    assert not any(isinstance(e, Say) and e.text for e in decision.effects)
    assert gaps(decision) == ["is it free?"]
    assert lines(decision) == ["cannot_answer", "take_a_message", "ask_field:name"]
    assert decision.memory.draft.get("reason") == "is it free?"


def test_an_answer_amid_a_message_returns_to_it():
    decision = after(State.LEAD_CAPTURE, spoke("where can I park?", ANSWER), ASKING_PHONE)
    assert decision.path == (State.LEAD_CAPTURE, State.FAQ, State.LEAD_CAPTURE)
    assert lines(decision) == ["back_to_message", "ask_field:phone"]
    assert last(decision) == Listen("phone")


def test_a_question_while_confirming_passes_through_the_message_and_reads_it_again():
    decision = after(State.CONFIRMATION, spoke("where can I park?", ANSWER), READ)
    message, faq, confirmation = State.LEAD_CAPTURE, State.FAQ, State.CONFIRMATION
    assert decision.path == (confirmation, message, faq, message, confirmation)
    assert lines(decision) == ["back_to_message", "read_back"]


def test_hours_rest_on_the_days_that_are_known():
    decision = after(State.INTENT, spoke("monday?", TellHours((MONDAY, TUESDAY))))
    assert decision.effects[0] == Say(Line.HOURS, days=(MONDAY,), sources=(f"hours:{MONDAY}",))
    assert decision.memory.answers == 1


def test_hours_of_no_day_in_particular_rest_on_today_and_the_next_opening():
    decision = after(State.INTENT, spoke("are you open?", TellHours()))
    assert decision.effects[0].sources == (f"hours:{SUNDAY}", f"hours:{MONDAY}")


def test_hours_of_unknown_days_are_not_made_up():
    decision = after(State.INTENT, spoke("on tuesday?", TellHours((TUESDAY,))))
    assert decision.state == State.LEAD_CAPTURE
    assert gaps(decision) == ["on tuesday?"]


def test_asking_back_is_spoken_only_as_a_question():
    question = after(State.FAQ, spoke("my order", Clarify("Which order?")))
    assert question.path == (State.FAQ, State.INTENT)
    assert question.effects == (Say(text="Which order?"), Listen())
    statement = after(State.INTENT, spoke("my order", Clarify("It is ready.")))
    assert statement.refused == "not a question"
    assert lines(statement) == ["did_not_understand"]


def test_asking_back_amid_a_message_keeps_the_field_asked_for():
    decision = after(State.LEAD_CAPTURE, spoke("4 1 5", Clarify("And then?")), ASKING_PHONE)
    assert (decision.state, last(decision)) == (State.LEAD_CAPTURE, Listen("phone"))


# --- Transfers ---------------------------------------------------------------------------------


def test_an_open_department_is_rung():
    decision = after(State.INTENT, spoke("sales please", Transfer(1)))
    assert decision.path == (State.INTENT, State.TRANSFER_ATTEMPT)
    assert decision.effects == (Say(Line.CONNECTING, detail="Sales"), Dial(1))
    memory = decision.memory
    assert (memory.ringing, memory.tried, memory.transfers) == (1, (1,), 1)


def test_a_person_is_the_operator():
    assert last(after(State.INTENT, spoke("a human", Transfer()))) == Dial(4)
    assert last(after(State.INTENT, KeysPressed("0"))) == Dial(4)


@pytest.mark.parametrize(
    ("wish", "memory", "refused", "line"),
    [
        (Transfer(2), Memory(), "closed", "department_closed:Repairs"),
        (Transfer(3), Memory(), "nobody to ring", "nobody_available:Attic"),
        (Transfer(99), Memory(), "unknown department", "nobody_available"),
        (Transfer(1), Memory(tried=(1,)), "already tried", "nobody_available:Sales"),
        (Transfer(1), Memory(transfers=2), "transfers used up", "nobody_available:Sales"),
    ],
)
def test_a_refused_transfer_becomes_a_message(wish, memory, refused, line):
    decision = after(State.INTENT, spoke("put me through about my boiler", wish), memory)
    assert decision.path == (State.INTENT, State.TRANSFER_ATTEMPT, State.LEAD_CAPTURE)
    assert decision.refused == refused
    assert lines(decision) == [line, "take_a_message", "ask_field:name"]
    assert decision.memory.draft.get("reason") == "put me through about my boiler"


def test_without_anybody_to_ring_asking_for_a_person_becomes_a_message():
    decision = after(State.INTENT, KeysPressed("0"), facts=replace(FACTS, departments=()))
    assert decision.refused == "nobody to ring"
    assert last(decision) == Listen("name")
    assert not decision.memory.draft.get("reason")  # a key is no wish in words


def test_a_bridged_call_is_over():
    decision = after(State.TRANSFER_ATTEMPT, DialEnded(True, "completed"), Memory(1, ringing=1))
    assert decision.path == (State.TRANSFER_ATTEMPT, State.ENDED)
    assert decision.effects == (HangUp(),)


@pytest.mark.parametrize("status", ["completed", "busy", "no-answer", "failed", "canceled", ""])
def test_whoever_was_not_bridged_is_asked_for_a_message(status):
    decision = after(State.TRANSFER_ATTEMPT, DialEnded(False, status), Memory(1, ringing=1))
    assert decision.path == (State.TRANSFER_ATTEMPT, State.LEAD_CAPTURE)
    assert lines(decision) == ["nobody_picked_up:Sales", "take_a_message", "ask_field:name"]
    assert decision.memory.ringing is None


@pytest.mark.parametrize(
    "event", [CallerSilent(), spoke("hello?", ANSWER), KeysPressed("1"), CallStarted()]
)
def test_what_arrives_during_a_transfer_never_leaves_the_line_dead(event):
    decision = after(State.TRANSFER_ATTEMPT, event, Memory(1, ringing=1))
    assert decision.refused == "transfer in progress"
    assert last(decision) == Listen("name")


# --- Taking a message --------------------------------------------------------------------------


def test_fields_are_noted_and_the_next_one_is_asked_for():
    decision = after(State.LEAD_CAPTURE, spoke("Ann Lee", TakeMessage((ANN,))), ASKING_NAME)
    assert decision.memory.draft.get("name") == "Ann Lee"
    assert lines(decision) == ["ask_field:phone"]


def test_a_complete_message_is_read_back():
    told = TakeMessage((ANN, PHONE, QUOTE))
    decision = after(State.INTENT, spoke("Ann, 415…, a quote", told))
    assert decision.path == (State.INTENT, State.LEAD_CAPTURE, State.CONFIRMATION)
    assert lines(decision) == ["take_a_message", "read_back"]
    assert last(decision) == Listen("confirm")


def test_another_field_than_the_asked_one_is_noted_and_the_question_varied():
    decision = after(State.LEAD_CAPTURE, spoke("a quote", TakeMessage((QUOTE,))), ASKING_NAME)
    assert lines(decision) == ["ask_field_again:name"]


def test_a_bare_wish_to_leave_a_message_is_not_its_reason():
    decision = after(State.INTENT, spoke("can I leave a message", TakeMessage()))
    assert not decision.memory.draft.get("reason")


def test_a_reason_given_outright_beats_the_words():
    memory = Memory(1, last_words="something")
    decision = after(State.INTENT, spoke("a quote", TakeMessage((QUOTE,))), memory)
    assert decision.memory.draft.get("reason") == "a quote"


def test_unanswered_is_kept_as_a_gap_before_the_message():
    decision = after(State.FAQ, spoke("do you do roofs?", TakeMessage(unanswered=True)))
    assert gaps(decision) == ["do you do roofs?"]
    assert lines(decision) == ["cannot_answer", "take_a_message", "ask_field:name"]


def test_fields_nobody_asks_for_and_borrowed_certainty_are_not_taken():
    fields = (Noted("salary", "1"), Noted("name", "Ann", Known.CONFIRMED), Noted("phone", " "))
    draft = after(State.INTENT, spoke("Ann", TakeMessage(fields))).memory.draft
    assert draft == Draft((Noted("name", "Ann", Known.HEARD),))


def test_words_nobody_understood_fill_the_name():
    decision = after(State.LEAD_CAPTURE, spoke("Ann Lee"), ASKING_NAME)
    assert decision.memory.draft.fields == (ANN,)
    assert decision.memory.misses == 0


def test_a_yes_is_nobodys_name_but_answers_an_intake_question():
    assert lines(after(State.LEAD_CAPTURE, spoke("yes", Confirm(True)), ASKING_NAME)) == [
        "ask_field_again:name"
    ]
    facts = replace(FACTS, required=("insured", "reason"))
    asking = replace(TAKING, asking="insured")
    decision = after(State.LEAD_CAPTURE, spoke("yes", Confirm(True)), asking, facts)
    assert decision.memory.draft.get("insured") == "yes"


def test_long_words_are_cut():
    decision = after(State.LEAD_CAPTURE, spoke("x" * 9000), ASKING_NAME)
    assert len(decision.memory.draft.get("name")) == 500


def test_a_missed_phone_number_is_asked_for_once_more_then_caller_id_stands_in():
    facts = replace(FACTS, caller_number="+14155550199")
    once = after(State.LEAD_CAPTURE, spoke("mumble"), ASKING_PHONE, facts)
    assert (lines(once), last(once)) == (["ask_field_again:phone"], Listen("phone"))
    twice = after(State.LEAD_CAPTURE, spoke("mumble"), once.memory, facts)
    assert twice.memory.draft.known("phone") is Known.CALLER_ID
    assert lines(twice) == ["ask_field:reason"]


def test_without_caller_id_a_twice_missed_number_is_recorded():
    memory = replace(ASKING_PHONE, misses=1)
    decision = after(State.LEAD_CAPTURE, spoke("mumble"), memory)
    assert lines(decision) == ["leave_recording"]
    assert last(decision) == Record()


def test_a_twice_missed_email_is_skipped():
    facts = replace(FACTS, required=("email", "reason"))
    memory = replace(TAKING, asking="email", misses=1)
    decision = after(State.LEAD_CAPTURE, spoke("mumble"), memory, facts)
    assert (lines(decision), decision.memory.skipped) == (["ask_field:reason"], ("email",))


def test_a_keyed_number_is_known_to_be_keyed():
    decision = after(State.LEAD_CAPTURE, KeysPressed("4155550123"), ASKING_PHONE)
    assert decision.memory.draft.fields[-1] == Noted("phone", "4155550123", Known.KEYED)


@pytest.mark.parametrize("keys", ["1234567890123456", "12*4567"])
def test_keys_that_are_no_phone_number_are_a_miss(keys):
    decision = after(State.LEAD_CAPTURE, KeysPressed(keys), ASKING_PHONE)
    assert lines(decision) == ["ask_field_again:phone"]


def test_finishing_amid_a_message_keeps_what_there_is():
    memory = replace(ASKING_PHONE, draft=Draft((ANN, QUOTE)))
    decision = after(State.LEAD_CAPTURE, spoke("forget it", Finish()), memory)
    assert saved(decision) == SaveLead(Draft((ANN, QUOTE)))
    assert decision.path[-1] == State.ENDED
    assert (lines(decision), last(decision)) == (["goodbye"], HangUp())


def test_a_name_that_nobody_can_call_back_is_no_lead():
    decision = after(State.LEAD_CAPTURE, spoke("forget it", Finish()), ASKING_PHONE)
    assert saved(decision) is None


def test_a_recorded_message_is_a_lead():
    memory = replace(ASKING_PHONE, asking=Ask.RECORDING)
    decision = after(State.LEAD_CAPTURE, MessageRecorded(7), memory)
    assert decision.path == (State.LEAD_CAPTURE, State.ENDED)
    assert saved(decision) == SaveLead(Draft((ANN,)))
    assert lines(decision) == ["message_saved", "goodbye"]


@pytest.mark.parametrize("event", [MessageRecorded(0), CallerSilent()])
def test_nothing_recorded_keeps_only_what_was_noted(event):
    asked = replace(ASKING_PHONE, asking=Ask.RECORDING)
    decision = after(State.LEAD_CAPTURE, event, asked)
    assert saved(decision) == SaveLead(Draft((ANN,)))
    assert (lines(decision), last(decision)) == (["goodbye"], HangUp())
    empty = replace(asked, draft=Draft())
    assert saved(after(State.LEAD_CAPTURE, event, empty)) is None


# --- Confirming --------------------------------------------------------------------------------


@pytest.mark.parametrize("yes", [spoke("yes", Confirm(True)), KeysPressed("1")])
def test_a_yes_keeps_the_message_as_confirmed(yes):
    decision = after(State.CONFIRMATION, yes, READ)
    assert decision.path == (State.CONFIRMATION, State.WRAP_UP)
    assert saved(decision) == SaveLead(FULL.confirmed(), confirmed=True)
    assert lines(decision) == ["message_saved", "anything_else"]
    assert last(decision) == Listen("anything_else")
    memory = decision.memory
    assert (memory.confirmed, memory.taking, memory.last_words) == (True, False, "")


def test_a_second_message_knows_the_caller_but_not_the_reason():
    memory = after(State.CONFIRMATION, KeysPressed("1"), READ).memory
    decision = after(State.WRAP_UP, spoke("another message", TakeMessage()), memory)
    assert lines(decision) == ["take_a_message", "ask_field:reason"]


@pytest.mark.parametrize(
    "proposal",
    [
        Confirm(False, (Noted("name", "Anne"),)),
        Confirm(True, (Noted("name", "Anne"),)),
        TakeMessage((Noted("name", "Anne"),)),
    ],
)
def test_a_correction_is_noted_and_all_of_it_read_back_again(proposal):
    decision = after(State.CONFIRMATION, spoke("Anne with an e", proposal), READ)
    assert decision.path == (State.CONFIRMATION, State.LEAD_CAPTURE, State.CONFIRMATION)
    assert decision.memory.draft.get("name") == "Anne"
    assert (lines(decision), saved(decision)) == (["read_back"], None)


def test_a_yes_that_repeats_a_field_is_a_yes():
    decision = after(State.CONFIRMATION, spoke("yes, Ann Lee", Confirm(True, (ANN,))), READ)
    assert saved(decision).confirmed


@pytest.mark.parametrize("no", [spoke("no", Confirm(False)), KeysPressed("2")])
def test_a_bare_no_is_asked_what_to_correct(no):
    decision = after(State.CONFIRMATION, no, READ)
    assert decision.state == State.LEAD_CAPTURE
    assert (lines(decision), last(decision)) == (["what_to_correct"], Listen())


def test_naming_a_field_asks_for_that_field_and_keeps_the_rest():
    decision = after(State.LEAD_CAPTURE, spoke("the phone number"), CORRECTING)
    assert last(decision) == Listen("phone")
    assert decision.memory.draft == FULL  # the old number stands until a new one comes
    newer = TakeMessage((Noted("phone", "+14155550177"),))
    corrected = after(State.LEAD_CAPTURE, spoke("…177", newer), decision.memory)
    assert corrected.state == State.CONFIRMATION
    assert corrected.memory.draft.get("phone") == "+14155550177"


def test_the_second_useless_correction_asks_for_every_field_again():
    once = after(State.LEAD_CAPTURE, spoke("hm"), CORRECTING)
    assert lines(once) == ["what_to_correct"]
    asked, decision = [], after(State.LEAD_CAPTURE, spoke("well"), once.memory)
    for value in (ANN, PHONE, QUOTE):
        asked.append(last(decision).ask)
        told = spoke("…", TakeMessage((value,)))
        decision = after(State.LEAD_CAPTURE, told, decision.memory)
    assert asked == ["name", "phone", "reason"]
    assert decision.state == State.CONFIRMATION


def test_after_three_corrections_it_is_kept_unconfirmed():
    memory = replace(READ, corrections=3)
    change = Confirm(False, (Noted("name", "Anne"),))
    for event in (spoke("no, Anne", change), KeysPressed("2")):
        decision = after(State.CONFIRMATION, event, memory)
        assert decision.state == State.WRAP_UP
        assert not saved(decision).confirmed


def test_an_unclear_answer_is_asked_plainly_and_in_the_end_kept_unconfirmed():
    memory, said = READ, []
    for _ in range(3):
        decision = after(State.CONFIRMATION, spoke("hm"), memory)
        said, memory = [*said, lines(decision)[0]], decision.memory
    assert said == ["please_confirm", "please_confirm", "message_saved"]
    assert saved(decision) == SaveLead(FULL)
    assert decision.state == State.WRAP_UP


def test_a_message_that_lacks_a_required_field_is_never_marked_confirmed():
    memory = replace(READ, draft=Draft((ANN, QUOTE)), skipped=("phone",))
    assert not saved(after(State.CONFIRMATION, KeysPressed("1"), memory)).confirmed


# --- Yes, no and goodbye -----------------------------------------------------------------------


@pytest.mark.parametrize("done", [spoke("no", Confirm(False)), spoke("bye", Finish())])
@pytest.mark.parametrize("state", [State.INTENT, State.FAQ, State.WRAP_UP])
def test_nothing_else_is_a_goodbye_with_a_last_moment_to_speak(state, done):
    decision = after(state, done, ELSE)
    assert decision.state == State.WRAP_UP
    assert decision.effects == (Say(Line.GOODBYE), Listen("goodbye"))


def test_something_else_is_asked_for():
    decision = after(State.WRAP_UP, KeysPressed("1"), ELSE)
    assert decision.path == (State.WRAP_UP, State.INTENT)
    assert lines(decision) == ["how_can_i_help"]


def test_a_no_to_another_question_is_not_a_goodbye():
    decision = after(State.INTENT, spoke("no", Confirm(False)))
    assert lines(decision) == ["how_can_i_help"]


def test_finishing_at_once_passes_the_intent():
    decision = after(State.GREETING, spoke("wrong number", Finish()), Memory())
    assert decision.path == (State.GREETING, State.INTENT, State.WRAP_UP)


@pytest.mark.parametrize(
    "event",
    [
        CallerSilent(),
        spoke("bye", Finish()),
        spoke("yes", Confirm(True)),
        spoke("no", Confirm(False)),
        spoke("mumble"),
        KeysPressed("2"),
        KeysPressed("9"),
    ],
)
def test_after_goodbye_the_line_is_closed_without_another_word(event):
    decision = after(State.WRAP_UP, event, LEAVING)
    assert decision.path == (State.WRAP_UP, State.ENDED)
    assert decision.effects == (HangUp(),)


def test_after_goodbye_a_question_is_still_answered():
    decision = after(State.WRAP_UP, spoke("oh, where can I park?", ANSWER), LEAVING)
    assert decision.path == (State.WRAP_UP, State.INTENT, State.FAQ)


# --- Not understood, silent, keys --------------------------------------------------------------


def test_the_first_miss_is_asked_again_and_the_second_becomes_a_message():
    once = after(State.INTENT, spoke("blub"))
    assert (lines(once), once.memory.misses) == (["did_not_understand"], 1)
    twice = after(State.INTENT, spoke("blab"), once.memory)
    assert gaps(twice) == ["blab"]
    assert lines(twice) == ["person_instead", "take_a_message", "ask_field:name"]
    assert twice.memory.draft.get("reason") == "blub / blab"
    nobody = after(State.INTENT, spoke("blab"), once.memory, replace(FACTS, departments=()))
    assert lines(nobody) == ["cannot_answer", "take_a_message", "ask_field:name"]


def test_understood_words_forgive_misses_and_silences():
    memory = Memory(3, silences=2, misses=1)
    memory = after(State.INTENT, spoke("parking?", ANSWER), memory).memory
    assert (memory.silences, memory.misses) == (0, 0)


def test_what_a_state_does_not_allow_is_refused_and_not_understood():
    decision = after(State.GREETING, spoke("yes", Confirm(True)), Memory())
    assert decision.refused == "Confirm in greeting"
    assert lines(decision) == ["did_not_understand"]


@pytest.mark.parametrize(
    ("state", "memory", "first", "second"),
    [
        (State.GREETING, Memory(1), "how_can_i_help", "menu"),
        (State.INTENT, Memory(2), "how_can_i_help", "menu"),
        (State.LEAD_CAPTURE, ASKING_PHONE, "ask_field_again:phone", "ask_field_again:phone"),
        (State.LEAD_CAPTURE, CORRECTING, "what_to_correct", "what_to_correct"),
        (State.CONFIRMATION, READ, "please_confirm", "please_confirm"),
    ],
)
def test_silence_repeats_the_question_then_ends_the_call(state, memory, first, second):
    one = after(state, CallerSilent(), memory)
    two = after(state, CallerSilent(), one.memory)
    three = after(state, CallerSilent(), two.memory)
    assert lines(one) == ["did_not_hear", first]
    assert lines(two) == ["did_not_hear", second]
    assert (one.state, last(one)) == (state, Listen(memory.asking))
    assert (lines(three), last(three)) == (["goodbye"], HangUp())
    assert bool(saved(three)) == bool(memory.draft.fields)


def test_silence_after_anything_else_is_a_no():
    decision = after(State.FAQ, CallerSilent(), ELSE)
    assert decision.path == (State.FAQ, State.WRAP_UP)
    assert decision.effects == (Say(Line.GOODBYE), Listen("goodbye"))


def test_a_digit_chooses_a_department_of_the_menu():
    assert last(after(State.FAQ, KeysPressed("1"))) == Dial(1)
    assert lines(after(State.INTENT, KeysPressed("9"))) == ["did_not_understand"]


def test_after_anything_else_one_and_two_are_yes_and_no():
    assert lines(after(State.FAQ, KeysPressed("1"), ELSE)) == ["how_can_i_help"]
    assert lines(after(State.FAQ, KeysPressed("2"), ELSE)) == ["goodbye"]


def test_a_star_repeats_the_question():
    assert lines(after(State.INTENT, KeysPressed("*"))) == ["menu"]
    assert lines(after(State.LEAD_CAPTURE, KeysPressed("*"), ASKING_NAME)) == [
        "ask_field_again:name"
    ]
    assert lines(after(State.CONFIRMATION, KeysPressed("*"), READ)) == ["read_back"]


# --- The end -----------------------------------------------------------------------------------


def test_hanging_up_keeps_half_a_message_marked_as_such():
    facts = replace(FACTS, caller_number="+14155550199")
    decision = after(State.LEAD_CAPTURE, CallerHungUp(), ASKING_PHONE, facts)
    by_carrier = Noted("phone", "+14155550199", Known.CALLER_ID)
    assert decision.effects == (SaveLead(Draft((ANN, by_carrier))),)
    assert decision.state == State.ENDED


def test_hanging_up_without_a_message_does_nothing():
    assert after(State.INTENT, CallerHungUp()).effects == ()
    assert after(State.LEAD_CAPTURE, CallerHungUp(), ASKING_NAME).effects == ()


def test_a_call_has_a_last_turn_and_keeps_its_message():
    facts = replace(FACTS, limits=Limits(max_turns=3))
    decision = after(State.LEAD_CAPTURE, spoke("415"), ASKING_PHONE, facts)
    assert decision.refused == "turn limit"
    assert saved(decision) == SaveLead(Draft((ANN,)))
    assert (lines(decision), last(decision)) == (["goodbye"], HangUp())


def test_ended_stays_ended():
    decision = after(State.ENDED, spoke("hello?", ANSWER))
    assert (decision.path, decision.effects) == ((State.ENDED,), ())


# --- Journeys ----------------------------------------------------------------------------------


def states(journey: list[Decision]) -> list[str]:
    return [decision.state for decision in journey]


def test_a_caller_leaves_a_message_when_closed():
    journey = play(
        replace(FACTS, is_open=False),
        spoke("repairs please, my boiler leaks", Transfer(2)),
        spoke("Ann Lee", TakeMessage((ANN,))),
        spoke("415 555 0123", TakeMessage((PHONE,))),
        spoke("yes", Confirm(True)),
        spoke("no thanks", Confirm(False)),
        CallerSilent(),
    )
    assert states(journey) == [
        State.GREETING,
        State.LEAD_CAPTURE,
        State.LEAD_CAPTURE,
        State.CONFIRMATION,
        State.WRAP_UP,
        State.WRAP_UP,
        State.ENDED,
    ]
    draft = saved(journey[4]).draft
    assert draft.get("reason") == "repairs please, my boiler leaks"


def test_a_message_can_be_left_though_nobody_understands_a_word():
    journey = play(
        FACTS,
        spoke("the thing with the roof"),
        spoke("the roof"),  # says nothing new
        spoke("Ann Lee"),
        KeysPressed("4155550123"),
        KeysPressed("1"),
        CallerSilent(),
        CallerSilent(),
    )
    assert journey[-1].state == State.ENDED
    lead = saved(journey[5])
    assert lead.confirmed
    assert [lead.draft.get(key) for key in ("name", "phone", "reason")] == [
        "Ann Lee",
        "4155550123",
        "the thing with the roof",
    ]


def test_a_busy_department_becomes_a_message_about_the_same_wish():
    journey = play(
        FACTS,
        spoke("sales, I need a quote", Transfer(1)),
        DialEnded(False, "busy"),
        spoke("Ann Lee", TakeMessage((ANN,))),
        spoke("415 555 0123", TakeMessage((PHONE,))),
    )
    assert journey[-1].state == State.CONFIRMATION
    assert journey[-1].memory.draft.get("reason") == "sales, I need a quote"


def test_a_question_in_between_does_not_lose_the_message():
    journey = play(
        FACTS,
        spoke("I want to leave a message", TakeMessage()),
        spoke("Ann Lee", TakeMessage((ANN,))),
        spoke("where can I park?", ANSWER),
        spoke("415 555 0123", TakeMessage((PHONE,))),
        spoke("a quote"),
        spoke("no, Anne", Confirm(False, (Noted("name", "Anne"),))),
        spoke("yes", Confirm(True)),
    )
    assert saved(journey[-1]).draft.get("name") == "Anne"
    assert saved(journey[-1]).confirmed


def test_a_caller_who_never_says_anything_is_let_go_after_the_second_silence():
    journey = play(FACTS, CallerSilent(), CallerSilent())
    assert states(journey) == [State.GREETING] * 2 + [State.ENDED]
    assert lines(journey[1]) == ["did_not_hear", "menu"]
    assert (lines(journey[2]), last(journey[2])) == (["nobody_there"], HangUp())
    patient = replace(FACTS, limits=Limits(max_unheard=3))
    assert states(play(patient, CallerSilent(), CallerSilent()))[-1] == State.GREETING


def test_a_call_that_runs_out_takes_a_message_and_then_ends():
    journey = play(
        replace(FACTS, running_out=True),
        spoke("do you sell boats", ANSWER),
        spoke("Ann Lee", TakeMessage((ANN,))),
        spoke("415 555 0123", TakeMessage((PHONE,))),
        spoke("yes", Confirm(True)),
        spoke("one more question", ANSWER),
    )
    assert lines(journey[1])[:2] == ["running_out", "take_a_message"]
    assert journey[1].refused == "running out"
    assert saved(journey[4]).draft.get("reason") == "do you sell boats"
    assert (lines(journey[5]), last(journey[5])) == (["goodbye"], HangUp())


def test_the_last_turns_are_left_for_a_message():
    facts = replace(FACTS, limits=Limits(max_turns=20))
    early, late = (
        after(State.INTENT, spoke("hm", ANSWER), Memory(turns=so_far), facts) for so_far in (13, 14)
    )
    assert "running_out" not in lines(early)
    assert lines(late)[0] == "running_out"


def test_when_the_time_is_up_a_begun_message_is_kept_and_the_caller_told():
    decision = after(
        State.LEAD_CAPTURE, spoke("415"), ASKING_PHONE, replace(FACTS, time_is_up=True)
    )
    assert decision.refused == "time limit"
    assert saved(decision) == SaveLead(Draft((ANN,)))
    assert (lines(decision), last(decision)) == (["time_is_up", "goodbye"], HangUp())
