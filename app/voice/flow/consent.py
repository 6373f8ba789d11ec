"""Consent to the recording of a call: announced once, and refused at any time."""

from dataclasses import replace
from itertools import takewhile

from app.voice.flow import messages as m
from app.voice.flow.messages import Consent, Line
from app.voice.flow.turn import Turn

REFUSE = "9"
_WELCOMES = (Line.WELCOME, Line.WELCOME_CLOSED, Line.OTHER_LANGUAGE)


def announced(facts: m.Facts, decision: m.Decision) -> m.Decision:
    """The announcement follows the welcome, or stands first when the caller is heard for the first
    time without one."""
    effects, memory = decision.effects, decision.memory
    if not facts.announces_recording or memory.recording:
        return decision
    if not effects or not isinstance(effects[-1], m.Listen):
        return decision  # nobody could refuse: nothing is announced, nothing will be recorded
    welcomed = len(
        tuple(takewhile(lambda said: isinstance(said, m.Say) and said.line in _WELCOMES, effects))
    )
    before, after = effects[:welcomed], effects[welcomed:]
    notice: tuple[m.Effect, ...] = (m.Say(Line.RECORDING_NOTICE),)
    if len(after) == 1:  # only the listening
        notice += (m.Say(Line.HOW_CAN_I_HELP),)
    memory = replace(memory, recording=Consent.ASKED)
    return replace(decision, memory=memory, effects=(*before, *notice, *after))


def heard(turn: Turn, event: m.Event) -> Turn:
    """Whoever goes on talking after the announcement agrees to it; silence says nothing."""
    so_far = turn.memory.recording
    if _refuses(turn, event):
        stop = so_far == Consent.GIVEN
        turn = turn.say(Line.RECORDING_STOPPED if stop else Line.NOT_RECORDED)
        return turn if so_far == Consent.REFUSED else _noting(turn, Consent.REFUSED)
    if so_far == Consent.ASKED and not isinstance(event, m.CallerSilent):
        return _noting(turn, Consent.GIVEN)
    return turn


def nothing_else(turn: Turn, event: m.Event) -> bool:
    """The caller refused and said no more."""
    if isinstance(event, m.CallerSpoke):
        return event.no_recording and not event.words
    return _refuses(turn, event)


def _refuses(turn: Turn, event: m.Event) -> bool:
    match event:
        case m.CallerSpoke(no_recording=True):
            return bool(turn.memory.recording)
        case m.KeysPressed(keys):
            return turn.memory.recording == Consent.ASKED and keys.rstrip("#") == REFUSE
    return False


def _noting(turn: Turn, consent: Consent) -> Turn:
    turn = turn.knowing(replace(turn.memory, recording=consent))
    return turn.also(m.NoteConsent(given=consent is Consent.GIVEN))
