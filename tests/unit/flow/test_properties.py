"""What holds on every call, whatever callers say and interpreters propose."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.voice import lines
from app.voice.flow import MOVES, State, decide
from app.voice.flow import messages as m

MONDAY = date(2026, 11, 23)
KEYS = ("name", "phone", "email", "reason", "party_size", "salary", "")
words = st.text(max_size=12) | st.sampled_from(["Ann", "yes", "the phone number", "x" * 600])
ids = st.sampled_from([None, 1, 2, 3, 9])
source_ids = st.sampled_from(["knowledge:1", "knowledge:2", "knowledge:9", "hours:2026-11-23", ""])
sources = st.lists(source_ids, max_size=3).map(tuple)
noted = st.builds(m.Noted, st.sampled_from(KEYS), words, st.sampled_from(m.Known))
fields = st.lists(noted, max_size=3).map(tuple)
days = st.lists(st.sampled_from([MONDAY, date(2026, 12, 24)]), max_size=2).map(tuple)
questions = words | words.map(lambda text: f"{text}?")
proposals = st.one_of(
    st.builds(m.Answer, words, sources),
    st.builds(m.TellHours, days, st.none() | st.just(time(18))),
    st.builds(m.Clarify, questions),
    st.builds(m.Transfer, ids),
    st.builds(m.TakeMessage, fields, st.booleans()),
    st.builds(m.Confirm, st.booleans(), fields),
    st.just(m.Finish()),
    st.just(m.Again()),
    st.builds(m.Hold, words),
)
spoken = st.one_of(
    st.builds(m.CallerSpoke, words, st.none() | proposals),
    st.builds(m.CallerSpoke, words, st.none() | proposals, st.booleans()),
    st.builds(
        m.CallerSpoke,
        words,
        proposals,
        besides=st.builds(m.Answer, words, sources) | st.builds(m.TellHours, days),
        told=fields,
    ),
)
keys = st.builds(
    m.KeysPressed, st.sampled_from(["0", "1", "2", "8", "9", "*", "", "415", "4155550123"]) | words
)
callers_turns = st.one_of(spoken, st.just(m.CallerSilent()), keys)
dial_ended = st.builds(m.DialEnded, st.booleans(), st.sampled_from(["completed", "busy", ""]))
events = st.one_of(
    callers_turns,
    dial_ended,
    st.just(m.CallStarted()),
    st.builds(m.MessageRecorded, st.integers(-1, 5)),
    st.just(m.CallerHungUp()),
)
departments = st.lists(
    st.builds(
        m.Department,
        st.sampled_from([1, 2, 3]),
        words,
        numbers=st.sampled_from([(), ("+14155550101",)]),
        is_open=st.booleans(),
        operator=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda department: department.id,
).map(tuple)
all_facts = st.builds(
    m.Facts,
    is_open=st.booleans(),
    departments=departments,
    passages=st.lists(
        st.sampled_from([m.Passage(f"knowledge:{n}", n, 1, "?", "!") for n in (1, 2)]), max_size=2
    ).map(tuple),
    hours=st.sampled_from([(), (m.DayHours(MONDAY, (("08:00", "17:00"),)),)]),
    required=st.lists(st.sampled_from([key for key in KEYS if key]), max_size=4, unique=True).map(
        tuple
    ),
    caller_number=st.sampled_from(["", "+14155550199"]),
    intake=st.just(()) | st.just((m.Intake("party_size", "How many?", when=("fire",)),)),
    urgent_words=st.sampled_from([(), ("fire",)]),
    on_call=ids,
    other_language=st.sampled_from(["", "es-US"]),
    staff_first=ids,
    message_only=st.booleans(),
    announces_recording=st.booleans(),
    running_out=st.booleans(),
    time_is_up=st.booleans(),
    limits=st.builds(
        m.Limits, st.integers(1, 12), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)
    ),
)
memories = st.builds(
    m.Memory,
    turns=st.integers(0, 9),
    silences=st.integers(0, 3),
    misses=st.integers(0, 3),
    transfers=st.integers(0, 3),
    corrections=st.integers(0, 4),
    recording=st.sampled_from(["", *m.Consent]),
    asking=st.sampled_from([*m.Ask, "", "party_size", "gone"]),
    taking=st.booleans(),
    ringing=ids,
    tried=st.lists(st.sampled_from([1, 2, 3]), max_size=2).map(tuple),
    last_words=words,
    skipped=st.lists(st.sampled_from(KEYS), max_size=2).map(tuple),
    redo=st.lists(st.sampled_from(KEYS[:5]), max_size=2).map(tuple),
    draft=st.builds(m.Draft, fields),
)
states = st.sampled_from(State)
# Most random events ring nobody, answer nothing and agree to nothing; these try to.
answers = st.builds(m.CallerSpoke, words, st.builds(m.Answer, words, sources))
rings = st.one_of(
    st.builds(m.CallerSpoke, words | st.just("fire"), st.builds(m.Transfer, ids)),
    st.builds(m.KeysPressed, st.sampled_from("0123")),
    st.just(m.CallStarted()),
)
asked_back = st.builds(m.CallerSpoke, words, st.just(m.Clarify("Which one?")))
yeses = st.sampled_from([m.KeysPressed("1"), m.CallerSpoke("yes", m.Confirm(True))])
Step = tuple[State, m.Event, m.Context, m.Decision]


def play(facts: m.Facts, call: list[m.Event]) -> Iterator[Step]:
    state, memory = State.GREETING, m.Memory()
    for event in (m.CallStarted(), *call):
        context = m.Context(facts, memory)
        decision = decide(state, event, context)
        yield state, event, context, decision
        state, memory = State(decision.state), decision.memory


def proposed(event: m.Event) -> m.Proposal | None:
    return event.proposal if isinstance(event, m.CallerSpoke) else None


def agrees(event: m.Event) -> bool:
    if isinstance(event, m.KeysPressed):
        return event.keys.strip().rstrip("#") == "1"
    said = proposed(event)
    return isinstance(said, m.Confirm) and said.accepted


@settings(max_examples=200)
@given(states, events, all_facts, memories)
def test_every_state_answers_every_event_along_the_map(state, event, facts, memory):
    path = decide(state, event, m.Context(facts, memory)).path
    assert path[0] == state
    assert all(there in MOVES[here] for here, there in pairwise(path))


@settings(max_examples=200)
@given(states, events, all_facts, memories)
def test_a_decision_ends_with_one_thing_for_the_line_to_do(state, event, facts, memory):
    decision = decide(state, event, m.Context(facts, memory))
    verbs = [
        effect
        for effect in decision.effects
        if isinstance(effect, m.Listen | m.Dial | m.Record | m.HangUp)
    ]
    if state is State.ENDED or isinstance(event, m.CallerHungUp):
        assert verbs == []
        assert not any(isinstance(effect, m.Say) for effect in decision.effects)
        return
    assert len(verbs) == 1
    assert decision.effects[-1] is verbs[0]
    assert isinstance(verbs[0], m.HangUp) == (decision.state == State.ENDED)
    if isinstance(verbs[0], m.Listen):
        assert decision.memory.asking == verbs[0].ask
        # A caller is never left with silence before a Gather.
        assert any(isinstance(effect, m.Say) for effect in decision.effects)


@settings(max_examples=200)
@given(states, rings, all_facts, memories)
def test_nobody_is_rung_who_is_closed_unknown_tried_or_beyond_the_limit(
    state, event, facts, memory
):
    for effect in decide(state, event, m.Context(facts, memory)).effects:
        if isinstance(effect, m.Dial):
            department = facts.department(effect.department_id)
            assert department is not None
            on_call = department.id == facts.on_call and isinstance(event, m.CallerSpoke)
            assert department.is_open or (on_call and "fire" in event.words)
            assert department.numbers
            assert department.id not in memory.tried
            assert memory.transfers < facts.limits.max_transfers


@settings(max_examples=200)
@given(all_facts, st.lists(events, max_size=25))
def test_a_lead_is_confirmed_only_when_complete_read_back_and_agreed_to(facts, call):
    read_back = m.Draft()
    for before, event, _, decision in play(facts, call):
        for effect in decision.effects:
            if isinstance(effect, m.SaveLead) and effect.confirmed:
                assert before is State.CONFIRMATION
                assert not effect.draft.missing(facts.required)
                assert effect.draft == read_back.confirmed()
                assert agrees(event)
            if isinstance(effect, m.SaveLead) and not effect.confirmed:
                certain = {f for f in effect.draft.fields if f.known is m.Known.CONFIRMED}
                assert not certain - set(read_back.confirmed().fields)
        if any(isinstance(e, m.Say) and e.line is m.Line.READ_BACK for e in decision.effects):
            read_back = decision.memory.draft


@settings(max_examples=200)
@given(yeses, all_facts, memories)
def test_a_yes_to_half_a_message_does_not_confirm_it(event, facts, memory):
    decision = decide(State.CONFIRMATION, event, m.Context(facts, memory))
    for effect in decision.effects:
        if isinstance(effect, m.SaveLead) and effect.confirmed:
            assert effect.draft.fields
            assert not effect.draft.missing(facts.required)


@settings(max_examples=200)
@given(all_facts, st.lists(st.one_of(answers, events), max_size=25))
def test_an_interpreters_words_are_spoken_only_when_grounded_or_a_question(facts, call):
    for _, event, _, decision in play(facts, call):
        for effect in decision.effects:
            if isinstance(effect, m.Say) and effect.line is None:
                assert isinstance(event, m.CallerSpoke)
                if isinstance(event.proposal, m.Clarify) and not effect.sources:
                    assert effect.text.strip().endswith("?")
                    continue
                given = [a for a in (event.proposal, event.besides) if isinstance(a, m.Answer)]
                assert effect.sources in [answer.sources for answer in given]
                assert effect.sources
                assert facts.sources.issuperset(effect.sources)
            if isinstance(effect, m.Say) and effect.line is m.Line.HOURS:
                assert effect.sources
                assert facts.sources.issuperset(effect.sources)


@settings(max_examples=100)
@given(
    all_facts,
    st.sampled_from([st.one_of(callers_turns, dial_ended), st.one_of(asked_back, answers)]).flatmap(
        lambda turns: st.lists(turns, min_size=40, max_size=40)
    ),
)
def test_no_call_goes_on_for_ever(facts, call):
    *_, (_, _, _, last) = play(facts, call)
    assert last.state == State.ENDED


@settings(max_examples=100)
@given(all_facts, st.lists(events, max_size=25))
def test_an_ended_call_stays_ended(facts, call):
    over = False
    for _, _, _, decision in play(facts, call):
        assert not over or (decision.state == State.ENDED and not decision.effects)
        over = over or decision.state == State.ENDED


@settings(max_examples=100)
@given(all_facts, st.lists(events, max_size=25))
def test_what_was_noted_is_kept_until_it_is_saved(facts, call):
    """Silence erases nothing: a begun message with fields never vanishes without a SaveLead, unless
    the caller wants none and told nothing for it but what they wanted."""
    for _, event, context, decision in play(facts, call):
        begun = context.memory.taking and context.memory.draft.fields
        saved = any(isinstance(effect, m.SaveLead) for effect in decision.effects)
        to_a_human = isinstance(event, m.DialEnded) and event.bridged
        # The one lead given up: a caller who wants to go and cannot be called back anyway.
        finished = (
            isinstance(proposed(event), m.Finish) or m.Say(m.Line.NO_MESSAGE) in decision.effects
        )
        if begun and not saved and not to_a_human and not finished:
            before = {field.key for field in context.memory.draft.fields}
            assert before <= {field.key for field in decision.memory.draft.fields}
            assert decision.memory.taking or decision.state != State.ENDED


@settings(max_examples=100)
@given(all_facts, st.lists(events | st.just(m.CallerSpoke("no", m.Confirm(False))), max_size=9))
def test_only_a_message_without_a_name_or_number_can_be_declined(facts, call):
    for _, event, context, decision in play(facts, call):
        if m.Say(m.Line.NO_MESSAGE) in decision.effects:
            assert isinstance(proposed(event), m.Confirm)
            assert {field.key for field in context.memory.draft.fields} <= {m.Ask.REASON}
            assert not decision.memory.taking
            assert not any(isinstance(effect, m.SaveLead) for effect in decision.effects)


names = st.text("abcdefg ", min_size=2, max_size=9).filter(lambda text: text.strip())


@settings(max_examples=100)
@given(
    st.builds(
        m.Facts,
        is_open=st.booleans(),
        departments=departments,
        caller_number=st.sampled_from(["", "+14155550199"]),
    ),
    st.lists(names, min_size=2, max_size=2),
    names,
)
def test_with_nobody_to_understand_a_caller_can_still_leave_a_message(facts, mumbles, name):
    call: list[m.Event] = [m.CallerSpoke(said) for said in (*mumbles, name)]
    *_, (_, _, _, last) = play(facts, [*call, m.KeysPressed("4155550123"), m.KeysPressed("1")])
    saved = [effect for effect in last.effects if isinstance(effect, m.SaveLead)]
    assert [lead.confirmed for lead in saved] == [True]
    assert saved[0].draft.get("name") == name.strip()
    assert saved[0].draft.get("phone") == "4155550123"


@settings(max_examples=300)
@given(all_facts, st.lists(callers_turns, max_size=8))
def test_consent_follows_the_announcement_and_ends_with_a_refusal(facts, call):
    announced = refused = False
    for _state, event, _context, decision in play(facts, call):
        for effect in decision.effects:
            match effect:
                case m.Say(line=m.Line.RECORDING_NOTICE):
                    assert not announced
                    announced = True
                case m.NoteConsent(given=True):
                    assert announced
                    assert not refused
                    assert not (isinstance(event, m.CallerSpoke) and event.no_recording)
                    assert not isinstance(event, m.CallerSilent)
                case m.NoteConsent(given=False):
                    refused = True
    assert announced <= facts.announces_recording


def questions_put(facts: m.Facts, decision: m.Decision) -> str:
    """The last sentence of what is said, as it is heard."""
    spoken = [
        lines.render(effect, facts, decision.memory, lines.Voice())
        for effect in decision.effects
        if isinstance(effect, m.Say) and effect.line is not None
    ]
    return re.split(r"(?<=[.?!]) ", spoken[-1])[-1] if spoken else ""


@settings(max_examples=200)
@given(
    all_facts.map(lambda facts: replace(facts, other_language="")),
    st.lists(st.builds(m.CallerSpoke, words, st.none() | proposals), max_size=12),
)
def test_the_same_sentence_is_never_heard_twice_running(facts, call):
    """Of the scripted questions; the read-back ends in the same three words each time."""
    before = ""
    for _, _event, _, decision in play(facts, call):
        heard = questions_put(facts, decision)
        assert not heard or heard != before or heard == "Is that right?"
        before = heard
