"""The states of a call, the moves between them, and what an interpreter may ask for in each."""

from enum import StrEnum

from app.voice.flow import messages as m


class State(StrEnum):
    GREETING = "greeting"
    INTENT = "intent"
    FAQ = "faq"
    TRANSFER_ATTEMPT = "transfer_attempt"
    LEAD_CAPTURE = "lead_capture"
    CONFIRMATION = "confirmation"
    WRAP_UP = "wrap_up"
    ENDED = "ended"


# Staying and ending are possible everywhere; ENDED is never left. One utterance may pass several
# states: each step of its path is one of these moves.
_DRAWN: dict[State, frozenset[State]] = {
    State.GREETING: frozenset({State.INTENT, State.TRANSFER_ATTEMPT}),
    State.INTENT: frozenset({State.FAQ, State.TRANSFER_ATTEMPT, State.LEAD_CAPTURE, State.WRAP_UP}),
    State.FAQ: frozenset({State.INTENT, State.TRANSFER_ATTEMPT, State.LEAD_CAPTURE, State.WRAP_UP}),
    State.TRANSFER_ATTEMPT: frozenset({State.LEAD_CAPTURE, State.INTENT}),
    State.LEAD_CAPTURE: frozenset({State.CONFIRMATION, State.TRANSFER_ATTEMPT, State.FAQ}),
    State.CONFIRMATION: frozenset({State.LEAD_CAPTURE, State.TRANSFER_ATTEMPT, State.WRAP_UP}),
    State.WRAP_UP: frozenset({State.INTENT}),
    State.ENDED: frozenset(),
}

MOVES: dict[State, frozenset[State]] = {
    state: onward | {state, State.ENDED} for state, onward in _DRAWN.items()
}

_OPEN_TALK = frozenset(
    {
        m.Answer,
        m.TellHours,
        m.Clarify,
        m.Transfer,
        m.TakeMessage,
        m.Confirm,
        m.Finish,
        m.Hold,
        m.Again,
    }
)
MAY_PROPOSE: dict[State, frozenset[type]] = {
    State.GREETING: _OPEN_TALK - {m.Confirm},
    State.INTENT: _OPEN_TALK,
    State.FAQ: _OPEN_TALK,
    State.TRANSFER_ATTEMPT: frozenset(),
    State.LEAD_CAPTURE: _OPEN_TALK,
    State.CONFIRMATION: _OPEN_TALK - {m.Finish},
    State.WRAP_UP: _OPEN_TALK,
    State.ENDED: frozenset(),
}
