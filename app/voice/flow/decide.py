"""The call flow: what happens next on a call, decided from facts alone.

No Flask, no database, no network, no clock. An interpreter only proposes; the flow decides.
"""

from dataclasses import replace

from app.voice.flow import closing, consent, hurry, taking, transfers
from app.voice.flow import messages as m
from app.voice.flow.fields import in_passing
from app.voice.flow.keys import pressed
from app.voice.flow.messages import Ask
from app.voice.flow.proposals import also_asked, consider, not_understood
from app.voice.flow.silence import repeat, silent
from app.voice.flow.states import State
from app.voice.flow.turn import Turn


def decide(state: State, event: m.Event, context: m.Context) -> m.Decision:
    """Return what happens next. Total: every state answers every event."""
    return consent.announced(context.facts, _decide(state, event, context))


def _decide(state: State, event: m.Event, context: m.Context) -> m.Decision:
    turn = Turn(context.facts, context.memory, (State(state),))
    match turn.state, event:
        case State.ENDED, _:
            return m.Decision((State.ENDED,), context.memory)
        case _, m.CallerHungUp():
            return closing.hung_up(turn)
        case State.TRANSFER_ATTEMPT, m.DialEnded(bridged=True):
            return transfers.bridged(turn)
        case State.TRANSFER_ATTEMPT, m.DialEnded():
            return transfers.not_bridged(turn)
        case State.TRANSFER_ATTEMPT, _:
            # Whatever arrives while a leg should be ringing: the caller must not be left unheard.
            return transfers.not_bridged(turn.refuse("transfer in progress"))
        case State.GREETING, m.CallStarted():
            first = transfers.staff_first(turn)
            seconds = turn.facts.staff_first_seconds
            return turn.dial(first.id, seconds) if first else transfers.welcome(turn)
        case _, m.MessageRecorded(seconds):
            return taking.recorded(turn, seconds)
    return _hear(turn.knowing(replace(turn.memory, turns=turn.memory.turns + 1)), event)


def _hear(turn: Turn, event: m.Event) -> m.Decision:
    """A caller's turn, already counted."""
    if turn.memory.turns > turn.facts.limits.max_turns:
        return closing.goodbye(turn.refuse("turn limit"))
    if turn.facts.time_is_up:
        return closing.time_is_up(turn.refuse("time limit"))
    if turn.memory.asking == Ask.RECORDING:  # the tone was heard and nothing recorded
        return taking.recorded(turn, 0)
    refused_only = consent.nothing_else(turn, event)
    turn = consent.heard(turn, event)
    if refused_only:
        return repeat(turn.understood())
    if hurried := hurry.on(turn, event):
        return hurried
    if isinstance(event, m.CallerSpoke) and (place := transfers.urgent(turn, event.words)):
        return transfers.connect(turn.understood().wishing(event.words), place)
    match event:
        case m.CallerSilent():
            return silent(turn)
        case m.KeysPressed(keys):
            return pressed(turn, keys)
        case m.CallerSpoke(words, None):
            return not_understood(turn, words)
        case m.CallerSpoke(words, proposal, _, besides, told) if proposal is not None:
            turn = in_passing(turn, told)
            return consider(also_asked(turn, words, besides), words, proposal)
    return repeat(turn.refuse(f"unexpected {type(event).__name__}"))
