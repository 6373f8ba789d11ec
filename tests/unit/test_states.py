"""What is stored and what is decided speak of the same states."""

from app.models import CallState
from app.voice.flow.states import State


def test_the_stored_states_are_those_of_the_flow() -> None:
    assert [str(state) for state in CallState] == [str(state) for state in State]
