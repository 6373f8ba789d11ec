"""A recording is announced, agreed to by going on, refused at any time."""

from dataclasses import replace
from datetime import date

import pytest

from app.voice.flow import State, decide
from app.voice.flow import messages as m

FACTS = m.Facts(is_open=True, hours=(m.DayHours(date(2026, 11, 23), (("08:00", "17:00"),)),))
ANNOUNCING = replace(FACTS, announces_recording=True)
ASKED = m.Memory(recording=m.Consent.ASKED)
NO = m.CallerSpoke("", no_recording=True)


def lines(decision: m.Decision) -> list[str]:
    return [str(e.line) for e in decision.effects if isinstance(e, m.Say)]


def consents(decision: m.Decision) -> list[bool]:
    return [e.given for e in decision.effects if isinstance(e, m.NoteConsent)]


def test_a_recording_is_announced_after_the_welcome():
    decision = decide(State.GREETING, m.CallStarted(), m.Context(ANNOUNCING))
    assert lines(decision) == ["welcome", "recording_notice", "how_can_i_help"]
    assert decision.memory.recording == m.Consent.ASKED
    assert consents(decision) == []


def test_who_goes_on_after_the_announcement_agrees_once():
    spoke = m.CallerSpoke("open?", m.TellHours())
    decision = decide(State.GREETING, spoke, m.Context(ANNOUNCING, ASKED))
    assert consents(decision) == [True]
    assert "hours" in lines(decision)
    again = decide(State(decision.state), spoke, m.Context(ANNOUNCING, decision.memory))
    assert consents(again) == []


def test_silence_is_no_consent():
    decision = decide(State.GREETING, m.CallerSilent(), m.Context(ANNOUNCING, ASKED))
    assert (consents(decision), decision.memory.recording) == ([], m.Consent.ASKED)


@pytest.mark.parametrize("event", [NO, m.KeysPressed("9"), m.KeysPressed("9#")])
def test_a_refusal_is_confirmed_and_the_question_repeated(event):
    decision = decide(State.GREETING, event, m.Context(ANNOUNCING, ASKED))
    assert consents(decision) == [False]
    assert lines(decision) == ["not_recorded", "how_can_i_help"]
    assert isinstance(decision.effects[-1], m.Listen)


def test_a_refusal_with_a_question_is_answered_too():
    event = m.CallerSpoke("open?", m.TellHours(), no_recording=True)
    decision = decide(State.GREETING, event, m.Context(ANNOUNCING, ASKED))
    assert consents(decision) == [False]
    assert lines(decision)[:2] == ["not_recorded", "hours"]


def test_a_consent_can_be_taken_back():
    memory = replace(ASKED, recording=m.Consent.GIVEN)
    decision = decide(State.INTENT, NO, m.Context(ANNOUNCING, memory))
    assert (consents(decision), lines(decision)[0]) == ([False], "recording_stopped")


def test_nine_is_a_department_again_once_the_question_is_settled():
    memory = replace(ASKED, recording=m.Consent.GIVEN)
    decision = decide(State.INTENT, m.KeysPressed("9"), m.Context(ANNOUNCING, memory))
    assert consents(decision) == []
