"""Blanks in an answer, for what only the business knows: pure.

    We are at [street and number], in [town].
    We [are|are not] taking new patients.

An answer with a blank left is no answer yet: it is never told to callers.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BLANK = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Blank:
    """`text` is what stands between the brackets: what belongs there, or choices with bars."""

    text: str

    @property
    def choices(self) -> tuple[str, ...]:
        """One of these; none: words of one's own."""
        found = tuple(part.strip() for part in self.text.split("|"))
        return found if len(found) > 1 else ()

    def __str__(self) -> str:
        return f"[{self.text}]"


def parts(answer: str) -> tuple[str | Blank, ...]:
    """The answer in order: words and blanks."""
    return tuple(_parts(answer))


def _parts(answer: str) -> Iterator[str | Blank]:
    end = 0
    for found in _BLANK.finditer(answer):
        if words := answer[end : found.start()]:
            yield words
        yield Blank(found[1])
        end = found.end()
    if end < len(answer):
        yield answer[end:]


def left(answer: str) -> tuple[Blank, ...]:
    """The blanks that nobody has filled in."""
    return tuple(part for part in parts(answer) if isinstance(part, Blank))


def filled(template: str, values: Sequence[str]) -> str:
    """With a value for each blank, in order; one that is "" stays a blank."""
    given = iter(values)
    return "".join(
        (next(given, "") or str(part)) if isinstance(part, Blank) else part
        for part in parts(template)
    )


def values(template: str, answer: str) -> tuple[str, ...] | None:
    """What `filled` was given to make this answer of the template; None: it is not made of it."""
    pattern = "".join(
        f"({_possible(part)})" if isinstance(part, Blank) else re.escape(part)
        for part in parts(template)
    )
    found = re.fullmatch(pattern, answer, re.DOTALL)
    if found is None:
        return None
    blanks = left(template)
    pairs = zip(found.groups(), blanks, strict=True)
    return tuple("" if value == str(blank) else value for value, blank in pairs)


def _possible(blank: Blank) -> str:
    if blank.choices:
        return "|".join(re.escape(one) for one in (str(blank), *blank.choices))
    return ".+?"
