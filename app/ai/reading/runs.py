"""Runs: digits that are said as one number, with what may stand between them, and where another
number begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.ai.reading.numbers import Token

# Words between the digits of one number, besides those that only fill.
_FILLING = frozenset(
    "um uh er erm and then so okay ok yes yeah now the rest of it is it's its that's that got "  # noqa: SIM905
    "dash hyphen space dot point first next last second third fourth followed by a , . : ; ? ! "
    "- y luego el la es sí si guion punto coma espacio primero después despues".split()
)
# What begins another number: a card or social-security number does not run across these.
OTHERS = frozenset(
    "phone telephone mobile cell cellphone callback reach call calling order account reference ref "  # noqa: SIM905
    "confirmation invoice policy booking ticket serial case zip postcode member customer tracking "
    "extension ext street avenue apartment suite room dollars euros cents percent expires expiry "
    "expiration teléfono telefono celular móvil movil pedido cuenta factura referencia".split()
)
_GAP = 8  # words between two parts of a number that was announced
NEAR = 5  # words before a number that can say what it is


@dataclass(frozen=True, slots=True)
class Run:
    """`chunks` are the digits as they were said, `before` the words before them."""

    chunks: tuple[Token, ...]
    before: tuple[str, ...]
    plus: bool

    @property
    def digits(self) -> str:
        return "".join(chunk.digits for chunk in self.chunks)

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(len(chunk.digits) for chunk in self.chunks)


def runs(tokens: Sequence[Token], announced: bool) -> Iterator[Run]:
    """`announced`: what kind of number it is was said, so that it may come in many words."""
    at = [place for place, token in enumerate(tokens) if token.digits]
    begun = 0
    for place, (left, right) in enumerate(pairwise(at), 1):
        gap = [token.text for token in tokens[left + 1 : right]]
        if not _goes_on(gap, announced):
            yield _run(tokens, at[begun:place])
            begun = place
    if at:
        yield _run(tokens, at[begun:])


def _run(tokens: Sequence[Token], places: Sequence[int]) -> Run:
    first = places[0]
    before = tuple(token.text for token in tokens[max(0, first - NEAR) : first])
    plus = before[-1:] in (("+",), ("plus",), ("más",))
    return Run(tuple(tokens[place] for place in places), before, plus)


def _goes_on(gap: Sequence[str], announced: bool) -> bool:
    if any(word in OTHERS or word in ("+", "plus") for word in gap):
        return False
    return len(gap) <= _GAP if announced else all(word in _FILLING for word in gap)
