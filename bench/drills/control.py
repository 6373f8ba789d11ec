"""A control of the product, as something that can be taken away."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Control:
    """`what` says what the product then lacks."""

    what: str
    take_away: Callable[[], None]
