"""Two things said in one breath: "Are you open on Saturday, and where can I park?"."""

import re

from app.ai import wording
from app.voice.flow import messages as m

_BEGINS = (
    r"what|who|when|where|which|how|why|is|are|do|does|did|can|could|would|will|may|should"
    r"|i (?:want|need|would like)|i'd like|please|let me|take|leave|put me|connect"
    r"|qu[eé]|qui[eé]n|cu[aá]ndo|cu[aá]nto|d[oó]nde|c[oó]mo|puedo|pueden|quiero|quisiera"
)
_SEAM = re.compile(
    rf"(?:[?.!;]\s+(?:and |also |y )?|,?\s+(?:and|also|plus|y|adem[aá]s)\s+(?:also\s+|then\s+)?)"
    rf"(?=(?:{_BEGINS})\b)",
    re.IGNORECASE,
)


def apart(words: str) -> tuple[str, str] | None:
    """The two halves, when there are just two and each says something."""
    halves = [half.strip(" ,") for half in _SEAM.split(words)]
    if len(halves) != 2 or not all(wording.content(half) for half in halves):
        return None
    return halves[0], halves[1]


def stands(second: m.Proposal | None, first: m.Answer | m.TellHours) -> bool:
    """Whether the other half is a thing of its own, and not the same one again."""
    match second:
        case m.Answer(_, sources):
            return not (isinstance(first, m.Answer) and set(sources) & set(first.sources))
        case m.TellHours():
            return not isinstance(first, m.TellHours)
        case m.TakeMessage(unanswered=unanswered):
            return not unanswered
        case m.Transfer():
            return True
    return False
