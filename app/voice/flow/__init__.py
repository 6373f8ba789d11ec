"""The pure call flow: what happens next on a call, decided from facts alone."""

from app.voice.flow.decide import decide
from app.voice.flow.states import MAY_PROPOSE, MOVES, State

__all__ = ["MAY_PROPOSE", "MOVES", "State", "decide"]
